import ArgumentParser
import Machine
import Records

@main
struct Hintbench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hintbench",
    abstract: "Measures the strategies by which a Linux guest tells its host which memory is free.",
    discussion: """
      How long does each strategy hold zone->lock, what does it cost, and how much of free memory does it cover? \
      Measured on modelled guests from 128 MiB to many terabytes, with the kernel's own data layout and allocator \
      rules.

      Exit status: 0 done (compare, history check and run --against: no regression); 2 regression; 3 not enough data, \
      cells that don't match, or not all of what was asked was measured; 4 improvement (with --strict only); 64 bad \
      usage, 65 bad input file, 69 something needed is missing, 70 internal fault, 74 I/O, 130 interrupted.
      """,
    subcommands: [
      RunCommand.self, ListCommand.self, CaptureCommand.self, CalibrateCommand.self, DoctorCommand.self,
      ReportCommand.self, AdviseCommand.self, CompareCommand.self, HistoryCommand.self, KernelCommand.self,
      CountSimulatedCommand.self,
      MigrationDestinationCommand.self,
    ])

  // Not `version:` of the configuration, which would ask git at every start.
  @Flag(help: "Print the commit this program was built from, its build mode and the schema of its files.")
  var version = false

  func run() throws {
    guard version else { throw CleanExit.helpRequest() }
    let revision = SourceRevision.ofThisProgram
    let commit = revision.map { $0.commit + ($0.isDirty ? " with changes" : "") } ?? "unknown commit"
    print(
      "hintbench \(commit), \(BuildFacts.current.mode) build, schema_version \(RunMeta.currentSchemaVersion)")
  }

  static func main() {
    var failure: (any Error)?
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch { failure = error }
    // `print` says nothing of a full device, and what nobody could read isn't done.
    do { try Failure.reporting { try StandardOutput.flush() } } catch { failure = error }
    if let failure { exit(withError: failure) }
  }
}
