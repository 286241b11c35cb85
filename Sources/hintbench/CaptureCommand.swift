import ArgumentParser
import GuestMemory

struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract:
      "Copy this machine's /proc/buddyinfo, pagetypeinfo and zoneinfo, for --buddyinfo, --pagetypeinfo and --zoneinfo.")

  @Argument(help: "Output folder; created if missing.") var dir: String

  func run() throws {
    try Failure.reporting {
      let result = try HostCapture().write(to: dir)
      for path in result.written.values.sorted() { print(path) }
      for omission in result.omitted { print("skipped: \(omission)") }
    }
  }
}
