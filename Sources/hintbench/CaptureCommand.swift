import ArgumentParser
import Foundation
import GuestMemory
import Machine
import Records

struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract:
      "Copy this machine's /proc/buddyinfo, pagetypeinfo and zoneinfo, for --buddyinfo, --pagetypeinfo and --zoneinfo, or "
      + "as one file, for --capture.",
    discussion: """
      Since Linux 5.4 only root may read /proc/pagetypeinfo, which has the migratetypes; what is left out is said.

      With --watch, writes a series: a file each into a new or empty folder, named by UTC time, until --for or Ctrl-C. \
      `hintbench run --capture DIR --each` runs on each.
      """)

  @Argument(help: "Output folder of three files, or of a series; created if missing.") var dir: String?
  @Option(help: ArgumentHelp("Write one new file, which --capture takes; - for standard output.", valueName: "file"))
  var file: String?
  @Option(help: ArgumentHelp("Write a capture each time this has passed, such as 10s; needs --for.", valueName: "time"))
  var watch: String?
  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("How long to watch, such as 1h; needs --watch.", valueName: "time"))
  var span: String?

  func run() throws {
    try Failure.reporting {
      guard (watch == nil) == (span == nil) else {
        throw UserError.usage(watch == nil ? "--for needs --watch" : "--watch needs --for: expected how long to watch")
      }
      if let watch, let span {
        guard file == nil else {
          throw UserError.usage("--file can't be combined with --watch: a series has a file each")
        }
        guard let dir else { throw UserError.usage("invalid arguments: expected a folder for --watch") }
        return try series(
          CaptureWatch(HostCapture(), every: try TimeSpan(watch), for: try TimeSpan(span)), into: dir)
      }
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

  private func series(_ watch: CaptureWatch, into dir: String) throws {
    Interrupt.watch()
    var result = CaptureWatch.Result()
    defer {
      if !result.written.isEmpty {
        let count = result.written.count
        print(
          "\(count) \(count == 1 ? "capture" : "captures") written to \(dir)"
            + (result.missed > 0 ? ", \(result.missed) intervals missed: taking a capture took longer" : ""))
      }
    }
    try watch.run(
      into: dir, isInterrupted: { Interrupt.isRequested }, say: { RunJob.say("skipped: \($0)") }, result: &result)
    for file in CaptureFile.allCases {
      // Left out of all: said once, at the first.
      guard let lacking = result.lacking[file], lacking < result.written.count else { continue }
      RunJob.say("skipped: \(file.procName) in \(lacking) of \(result.written.count) captures")
    }
  }

  private func show(_ result: CaptureWriteResult) {
    for path in Set(result.written.values).sorted() { print(path) }
    for omission in result.omitted { print("skipped: \(omission)") }
  }
}
