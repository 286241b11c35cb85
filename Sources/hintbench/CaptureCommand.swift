import ArgumentParser
import Foundation
import GuestMemory
import Records

struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract:
      "Copy this machine's /proc/buddyinfo, pagetypeinfo and zoneinfo, for --buddyinfo, --pagetypeinfo and --zoneinfo, or "
      + "as one file, for --capture.",
    discussion: """
      Since Linux 5.4 only root may read /proc/pagetypeinfo, which has the migratetypes; what is left out is said.
      """)

  @Argument(help: "Output folder of three files; created if missing.") var dir: String?
  @Option(help: ArgumentHelp("Write one new file, which --capture takes; - for standard output.", valueName: "file"))
  var file: String?

  func run() throws {
    try Failure.reporting {
      switch (dir, file) {
      case (let dir?, nil): show(try HostCapture().write(to: dir))
      case (nil, CaptureText.standardInputPath?):
        let (bytes, omitted) = try HostCapture().text()
        try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        for omission in omitted { RunJob.say("skipped: \(omission)") }
      case (nil, let file?): show(try HostCapture().write(toFile: file))
      default: throw UserError.usage("invalid arguments: expected a folder, or --file FILE")
      }
    }
  }

  private func show(_ result: CaptureWriteResult) {
    for path in Set(result.written.values).sorted() { print(path) }
    for omission in result.omitted { print("skipped: \(omission)") }
  }
}
