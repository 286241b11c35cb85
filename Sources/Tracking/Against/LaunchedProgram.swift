import Foundation
import Machine
import Records
import SystemPackage

/// A build that is launched repeatedly. Its file is kept open, so that it stays the same if a new build replaces it.
///
/// Launches run it by its descriptor number, which always has three digits: the lengths of a program's path, arguments
/// and environment move the stack, which alone makes code some per cent faster or slower (Mytkowicz et al., "Producing
/// wrong data without doing anything obviously wrong!", ASPLOS 2009).
final class LaunchedProgram {
  /// The name given by the user.
  let name: String
  private let descriptor: Int32

  /// - Throws: ``UserError`` (69) if the program doesn't exist.
  init(_ path: String, name: String) throws(UserError) {
    self.name = name
    // Without a slash it would be looked up in PATH.
    guard let program = ProgramPath().find(path.contains("/") ? path : "./" + path) else {
      throw UserError(
        .unavailable, "\(name): not executable; expected the path of a hintbench built earlier")
    }
    do throws(Errno) {
      let file = try FileDescriptor.opening(program, .readOnly)
      defer { try? file.close() }
      // Children inherit the copy. 100...999 are three digits.
      descriptor = fcntl(file.rawValue, F_DUPFD, 100)
      if descriptor < 0 { throw Errno(rawValue: errno) }
    } catch {
      throw UserError(.unavailable, "\(name): \(SystemCallError(call: "open", code: error.rawValue))")
    }
  }

  deinit { close(descriptor) }

  /// Starts it with these arguments. Its output is discarded.
  ///
  /// - Parameters:
  ///   - leash: the command that starts it and kills it with this process.
  ///   - takesTurns: whether it must ask before it measures. An older build doesn't, and runs to its end.
  ///   - name: the launch's name in errors.
  /// - Throws: ``UserError`` if it can't be started.
  func start(_ words: [String], leash: [String], takesTurns: Bool, name: String) throws(UserError) -> Launch {
    do {
      return try Launch(
        leash + ["/proc/self/fd/\(descriptor)"] + words, giver: takesTurns ? TurnGiver() : nil, name: name)
    } catch {
      throw UserError(.unavailable, "\(name) can't be started: \(error)")
    }
  }
}

/// A launch that runs, or waits for its turn. It ends with this object.
final class Launch {
  private let name: String
  private let said: MemoryFile
  private let giver: TurnGiver?
  private var child: ChildProcess
  /// Whether it waits for its turn.
  private(set) var isWaiting = false

  fileprivate init(_ arguments: [String], giver: TurnGiver?, name: String) throws(SystemCallError) {
    self.name = name
    self.giver = giver
    said = try MemoryFile()
    var environment = ProcessInfo.processInfo.environment
    environment[Turn.variable] = giver == nil ? nil : "1"
    child = try ChildProcess(
      arguments, environment: environment, input: giver?.launchEnd, error: said.descriptor)
    giver?.closeLaunchEnd()
  }

  // Kill it before its line is closed: otherwise it would take the end for its turn, and measure until it is killed.
  deinit { child.kill() }

  /// Gives it its turn if it waits for one, and waits until it asks for the next or has ended.
  ///
  /// - Throws: ``UserError`` if it didn't exit with 0.
  func goOn() throws(UserError) {
    if isWaiting { giver?.give() }
    isWaiting = giver?.isAsked() ?? false
    guard !isWaiting else { return }
    let end = child.wait()
    guard end == .exited(0) else { throw UserError(launch: name, end, said: said.text) }
  }
}

extension UserError {
  /// Creates the error for a failed launch, with the launch's own exit status if it is one of ours. `said`: its
  /// standard error.
  init(launch: String, _ end: ProcessEnd, said: String) {
    let lines = said.split(separator: "\n").map(String.init)
    // The launch's last message, not the debug-build warning before it; argument errors are followed by the usage.
    let line = lines.last { $0.hasPrefix("hintbench: ") }?.dropFirst("hintbench: ".count) ?? lines.first?[...]
    let own: Kind? = if case .exited(let status) = end { Kind(rawValue: status) } else { nil }
    self.init(
      own ?? .fault, "\(launch) ended with \(end)" + (line.map { ": \($0.prefix(500))" } ?? ", and said nothing"))
  }
}
