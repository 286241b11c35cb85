import ArgumentParser
import Experiments
import Foundation
import Machine
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
      for path in try Report(of: runs, .all, also: agreement(runs)).write(to: folder) { print(path) }
    }
  }

  /// Pages about real kernels, if runs of the model and of a kernel are among these.
  private func agreement(_ folders: [String]) throws -> [ReportPage.Section] {
    // One run isn't both.
    guard folders.count > 1 else { return [] }
    let runs = try folders.map { try TrackedRun(folder: $0, .all) }
    let kernel = runs.filter { $0.repetitions.contains { $0.guest.source.map { $0 != "model" } ?? false } }
    let ids = Set(kernel.map(\.meta.runID))
    let model = runs.filter { !ids.contains($0.meta.runID) }
    guard !kernel.isEmpty, !model.isEmpty else { return [] }
    let agreements = try dirs.map { "\($0)/\(StateAgreement.fileName)" }.filter(FileAccess.exists).map { path in
      do { return try JSONDecoder.standard.decode(StateAgreement.self, from: Data(try FileAccess.read(path))) } catch {
        throw UserError.input(
          file: path, "it isn't what `hintbench kernel check --json` writes", accepted: "write it again, or remove it")
      }
    }
    // A page for each kernel and what ran it; one without a cell that the model has, too, has nothing to say.
    let groups = Dictionary(grouping: kernel) { run in
      [run.repetitions.first?.guest.kernelRules ?? "", run.repetitions.first?.guest.source ?? ""]
    }
    return groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap { key, runs in
      let unavailable = Set(runs.flatMap(\.meta.unavailable)).sorted { $0.what < $1.what }
      return (try? ModelFidelity(model: model, kernel: runs))?.section(
        agreements.filter { $0.kernel == key[0] }, unavailable: unavailable)
    }
  }
}
