import Foundation
import Machine
import Records

/// One boot of a kernel as a program: it runs the probe's commands and ends.
struct UMLBoot {
  let kernel: UMLKernel
  /// The memory it is given. Bytes.
  let bytes: UInt64
  /// How long it may take.
  let limit: Duration

  /// Runs commands and returns what the probe printed.
  ///
  /// - Throws: ``UserError`` if the kernel doesn't start, ends early or takes too long; ``Interrupted``. No process and
  ///   no temporary folder is left.
  func text(_ commands: [String]) throws -> String {
    let folder = try TemporaryFolder()
    try folder.write(commands.joined(separator: "\n") + "\n", to: "commands")
    try boot(folder / "commands", folder / "result", folder / "console")
    let text = String(decoding: folder.contents("result"), as: UTF8.self)
    // The reason that the kernel gave is gone with the folder.
    if !text.hasSuffix("done\n") && !text.contains("\nerror ") {
      throw UserError(.fault, "\(kernel.version) ended early: \(lastLine(of: folder / "console"))")
    }
    return text
  }

  private func boot(_ input: String, _ output: String, _ log: String) throws {
    let console = try FileAccess.open(log, .writeOnly, options: [.create])
    defer { try? console.close() }
    // The kernel ends it where this program is killed. It makes its memory's file in TMPDIR, and removes it at once.
    let leash = ProgramPath().find("setpriv").map { [$0, "--pdeathsig", "KILL", "--"] } ?? []
    // Where its memory begins follows from where its stack is: without this each boot has other lists.
    let fixed = ProgramPath().find("setarch").map { [$0, "--addr-no-randomize"] } ?? []
    let words = [
      kernel.program, "mem=\(bytes >> 20)M", "hintprobe=\(input),\(output)", "con=null", "panic=-1", "quiet",
    ]
    var child: ChildProcess
    do { child = try ChildProcess(leash + fixed + words, output: console.rawValue, error: console.rawValue) } catch {
      throw UserError(.unavailable, "\(kernel.program) can't be started: \(error)")
    }
    guard try child.waitUnlessInterrupted(until: .now + limit) != nil else {
      throw UserError(.fault, "\(kernel.version) was still running after \(limit): \(lastLine(of: log))")
    }
  }

  private func lastLine(of log: String) -> String {
    let text = (try? FileAccess.read(log)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let lines = text.split(whereSeparator: \.isNewline)
    let panic = lines.last { $0.contains("Kernel panic") || $0.contains("Couldn't") || $0.contains("No space") }
    return (panic ?? lines.last).map(String.init) ?? "it printed nothing"
  }
}
