import ArgumentParser
import Diagnosis
import Machine
import Reporting

struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measure the cost of primitive operations on this machine: the floor under every result.",
    discussion: """
      Measures clock, probe, locks, memory loads over working sets from 32 KiB to 4 GiB, kicks, page operations and \
      list walks. Each figure is the median of several rounds, with lowest and highest; whatever can't be measured is \
      listed with the reason. Takes at most 30 seconds.
      """)

  @Option(help: ArgumentHelp("Also write all results as JSON to a new file.", valueName: "file")) var json: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Start no measurement that would exceed this time (default: 30s).", valueName: "time")
  )
  var timeLimit: String?
  @Flag(help: "Fewer rounds, smaller working sets and guests; takes seconds.") var quick = false

  func run() throws {
    try Failure.reporting {
      try DebugBuild.refuse()
      let file = try json.map { try JSONFile(newAt: $0) }
      let progress = CalibrationProgress()
      let calibration = try Calibration.measure(
        quick: quick, timeLimit: timeLimit, commandLine: CommandLine.arguments, host: try .current(),
        progress: progress.update)
      try file?.write(calibration)
      print(CalibrationTable(calibration).text)
      if let file { print("File: \(file.path)") }
    }
  }
}
