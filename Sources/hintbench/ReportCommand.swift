import ArgumentParser
import Experiments
import Records
import Reporting

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Put runs' plots and tables on one page, as HTML and as Markdown.",
    discussion: """
      Writes report.html, one file that needs nothing beside it and no network, and report.md with its plots in \
      report-plots/, into the folder of the run, or to --out, replacing a former report there; prints their paths. Runs \
      that aren't finished are shown as far as they are. Several runs make one page, in --out; those of one machine and \
      commit share panels. Needs gnuplot (Debian's package gnuplot-nox).
      """)

  @Argument(help: ArgumentHelp("Folders of runs.", valueName: "dir")) var dirs: [String]
  @Option(
    help: ArgumentHelp("Folder to write to (default: the run's own; needed for several runs).", valueName: "dir"))
  var out: String?

  func run() throws {
    try Failure.reporting {
      guard let folder = out ?? (dirs.count == 1 ? dirs[0] : nil) else {
        throw UserError(.usage, "a report of several runs belongs to none of them: name a folder with --out")
      }
      for path in try Report(of: dirs, .all).write(to: folder) { print(path) }
    }
  }
}
