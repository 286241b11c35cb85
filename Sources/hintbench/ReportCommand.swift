import ArgumentParser
import Experiments
import Records
import Reporting
import Tracking

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write the plots and tables of one or more runs to one page, as HTML and Markdown.",
    discussion: """
      Writes report.html (self-contained) and report.md with its plots in report-plots/ to the folder of the run, or \
      to --out; overwrites an earlier report there; prints their paths. An unfinished run is reported as far as it \
      got. Several runs make one page, in --out; runs of one machine and commit share panels. Needs gnuplot (Debian: \
      gnuplot-nox).
      """)

  @Argument(help: ArgumentHelp("Run folders, or folders of run folders, such as launches.", valueName: "dir")) var dirs:
    [String]
  @Option(
    help: ArgumentHelp("Output folder (default: the folder of the run; required for several runs).", valueName: "dir"))
  var out: String?

  func run() throws {
    try Failure.reporting {
      var runs: [String] = []
      for dir in dirs { runs += try History.runFolders(at: dir) }
      guard let folder = out ?? (runs.count == 1 ? runs[0] : nil) else {
        throw UserError(.usage, "missing --out: required for a report of several runs")
      }
      for path in try Report(of: runs, .all).write(to: folder) { print(path) }
    }
  }
}
