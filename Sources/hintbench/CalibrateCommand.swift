import ArgumentParser
import Diagnosis
import Machine
import Reporting

struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measure what primitive steps cost on this machine: the floor under every result.",
    discussion: """
      Clock, probe, locks, loads over working sets from 32 KiB to 4 GiB, kicks, pages, walks: each several rounds, given as \
      the middle one with the lowest and the highest; what can't be measured here stands below with its reason. Half a \
      minute at most.
      """)

  @Option(help: ArgumentHelp("A new file for the whole ladder as JSON.", valueName: "file")) var json: String?
  @Option(
    parsing: .unconditional, help: ArgumentHelp("Begin nothing that may take longer (default: 30s).", valueName: "time")
  )
  var timeLimit: String?
  @Flag(help: "Few rounds, small working sets and guests: seconds.") var quick = false

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
