import Foundation
import Glibc
import Machine
import Records
import SystemPackage

/// A program of a kernel's build. What it prints goes to a log.
struct Step {
  let log: String

  /// Runs a program to its end. Ctrl-C ends it, too.
  ///
  /// - Throws: ``UserError``: of kind unavailable if the program isn't there, of kind fault if it fails, with the log's
  ///   path and its last line.
  func run(_ arguments: [String], in folder: String? = nil, package: String) throws {
    guard let program = ProgramPath().find(arguments[0]) else {
      throw UserError(.unavailable, "no \(arguments[0]) here; apt-get install \(package)")
    }
    let file: FileDescriptor
    do throws(Errno) {
      file = try .opening(
        log, .writeOnly, options: [.create, .append], permissions: FilePermissions(rawValue: 0o644))
    } catch {
      throw UserError.system("can't open", log, error.rawValue)
    }
    defer { try? file.close() }
    let words = (folder.map { ["env", "-C", $0] } ?? []) + [program] + arguments.dropFirst()
    var child = try ChildProcess(words, output: file.rawValue, error: file.rawValue)
    let end = try child.waitUnlessInterrupted() ?? .untold
    guard end == .exited(0) else { throw failure(arguments, "\(end)") }
  }

  private func failure(_ arguments: [String], _ end: String) -> UserError {
    let lines = (try? FileAccess.read(log)).map { String(decoding: $0, as: UTF8.self).split(separator: "\n") } ?? []
    // A compiler says what is wrong before make says that something is.
    let said =
      lines.last { line in ["error:", "Error:", "not found"].contains { line.contains($0) } } ?? lines.last ?? ""
    return UserError(
      .fault, "\(arguments[0]) ended with \(end): \(said.trimmingCharacters(in: .whitespaces)); log: \(log)")
  }
}

/// Ctrl-C while something was built or run.
public struct Interrupted: Error {
  public init() {}
}

extension ChildProcess {
  /// Waits for its end, at most until `deadline`, and looks up now and then; nil if it is still running then.
  ///
  /// - Throws: ``Interrupted`` after Ctrl-C.
  mutating func waitUnlessInterrupted(
    until deadline: ContinuousClock.Instant? = nil
  ) throws(Interrupted) -> ProcessEnd? {
    while true {
      let soon = ContinuousClock.now + .milliseconds(100)
      if let end = wait(until: deadline.map { min($0, soon) } ?? soon) { return end }
      if Interrupt.isRequested { throw Interrupted() }
      if let deadline, ContinuousClock.now >= deadline { return nil }
    }
  }
}
