import ArgumentParser
import Diagnosis
import Experiments
import Machine
import Records
import Reporting

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Report what this machine can measure, what it can't and why, and how to fix it.",
    discussion: """
      Checks everything a measurement depends on, by trying it if possible. Then repeats the same work to measure \
      noise: how much figures differ that should not, and which differences between strategies can be resolved here. \
      Exit status: 0 if `hintbench run` works here, 69 if it doesn't.
      """)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Duration of the noise measurement; 0 skips it.", valueName: "seconds"))
  var seconds = 10.0
  @Option(help: ArgumentHelp("Also write the result as JSON to a new file.", valueName: "file")) var json: String?

  func run() throws {
    try Failure.reporting {
      let file = try json.map { try JSONFile(newAt: $0) }
      let doctor = Doctor(
        experiments: Experiments.list, runsFolder: RunJob.runsFolder, refusal: DebugBuild.refusal?.description)
      let bar = ProgressBar(total: Int(exactly: seconds.rounded()) ?? 0)
      let report = try doctor.examine(seconds: seconds) { bar.update(done: Int($0), label: "noise") }
      bar.clear()
      print(DoctorTable(report).text, terminator: "")
      try file?.write(report)
      if let reason = report.whyNot { throw UserError(.unavailable, reason) }
    }
  }
}
