import ArgumentParser
import GuestMemory

struct CaptureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture",
    abstract: "Copy this machine's /proc/buddyinfo, pagetypeinfo and zoneinfo, for --buddyinfo and its friends.")

  @Argument(help: "The folder to write to; it is made where it isn't there.") var dir: String

  func run() throws {
    try Failure.reporting {
      let result = try HostCapture().write(to: dir)
      for path in result.written.values.sorted() { print(path) }
      for omission in result.omitted { print("left out: \(omission)") }
    }
  }
}
