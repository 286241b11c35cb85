import ArgumentParser
import Diagnosis
import Experiments
import Machine
import Records
import Reporting

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Say what this machine can measure, what it can't, why, and what mends it.",
    discussion: """
      Looks at everything a measurement depends on, by trying where that is possible, and then runs the same work over and \
      over to see how much figures differ that should not, and which differences between designs this machine can tell \
      from that. Exit status 0 where `hintbench run` works here, 69 where it doesn't.
      """)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Length of the run that shows the noise; 0 leaves it out.", valueName: "seconds"))
  var seconds = 10.0
  @Option(help: ArgumentHelp("A new file for all of it as JSON.", valueName: "file")) var json: String?

  func run() throws {
    try Failure.reporting {
      let file = try json.map { try JSONFile(newAt: $0) }
      let doctor = Doctor(runsFolder: RunJob.runsFolder, refusal: DebugBuild.refusal?.description)
      let bar = ProgressBar(total: Int(exactly: seconds.rounded()) ?? 0)
      let report = try doctor.examine(seconds: seconds) { bar.update(done: Int($0), label: "noise") }
      bar.clear()
      print(DoctorTable(report).text, terminator: "")
      try file?.write(report)
      if let reason = report.whyNot { throw UserError(.unavailable, reason) }
    }
  }
}
