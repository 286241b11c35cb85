import Foundation
import Machine
import Records

/// Draws plots with gnuplot.
struct Gnuplot {
  private let program: String

  /// - Throws: ``UserError`` of kind unavailable if gnuplot isn't installed.
  init(_ path: ProgramPath = ProgramPath()) throws(UserError) {
    guard let program = path.find("gnuplot") else {
      throw UserError(
        kind: .unavailable, path: "gnuplot", problem: "no such program in PATH",
        help: "install Debian's package gnuplot-nox")
    }
    self.program = program
  }

  /// Draws a plot as SVG.
  ///
  /// - Throws: ``UserError``: of kind unavailable, with gnuplot's message, if gnuplot fails; of kind io if its files
  ///   can't be written.
  func draw(_ plot: Plot) throws(UserError) -> String {
    var template = Array((NSTemporaryDirectory() + "hintbench-report-XXXXXX").utf8CString)
    guard let made = mkdtemp(&template) else { throw .system("cannot make a folder in", NSTemporaryDirectory(), errno) }
    let folder = String(cString: made)
    defer { try? FileAccess.removeFolder(folder) }
    let script = folder + "/plot.gnuplot"
    try FileAccess.writeAtomically(Array(plot.script.utf8), to: script)
    let output = try FileAccess.open(folder + "/out.svg", .writeOnly, options: [.create, .truncate])
    defer { try? output.close() }
    let complaints = try FileAccess.open(folder + "/err", .writeOnly, options: [.create, .truncate])
    defer { try? complaints.close() }

    let end: ProcessEnd?
    do {
      // Without the user's and the system's settings.
      var child = try ChildProcess(
        [program, "--default-settings", script], output: output.rawValue, error: complaints.rawValue)
      end = child.wait(until: .now + .seconds(Self.patience))
    } catch {
      throw UserError(
        kind: .unavailable, path: program, problem: "\(error)", help: "install Debian's package gnuplot-nox")
    }
    guard end == .exited(0) else {
      let words = String(decoding: try FileAccess.read(folder + "/err"), as: UTF8.self)
        .split(whereSeparator: \.isNewline).joined(separator: " ")
      throw UserError(
        kind: .unavailable, path: program,
        problem: end == nil ? "drew for \(Self.patience) s at \(plot.name)" : "failed at \(plot.name): \(words)",
        help: "gnuplot 5.4 or newer of Debian's package gnuplot-nox is known to work")
    }
    return String(decoding: try FileAccess.read(folder + "/out.svg"), as: UTF8.self)
  }

  /// The timeout. Seconds.
  private static let patience = 60
}
