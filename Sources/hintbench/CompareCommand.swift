import ArgumentParser
import Experiments
import Foundation
import Machine
import Records
import Reporting
import Tracking

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Compare two runs, or two strategies of one run.",
    discussion: """
      A run is a folder or a name in the history; a folder of run folders is several launches of one side, and each \
      launch is one sample. Cells match by cell_id. `hintbench list metrics` says which metrics decide (in a scan: CPU \
      time and the longest hold). Worse or better: the p value, corrected over all that decide, is at most alpha and the \
      change is at least the minimum effect. Same: neither, and the 90 % interval lies within the minimum effect. \
      Otherwise not enough data. Oversubscribed cells and the control `none` are left out. Exact counts need no test: any \
      change of at least the minimum effect counts.

      With --model, shows for each strategy what the model and a real kernel found and what a block cost in both; BASE \
      is a run of the capture that `hintbench kernel run` left in NEW's folder.

      With --base-strategy and --new-strategy, compares two strategies cell by cell: of one run, paired by repetition, or \
      of two.

      Exit status: 0 no regression, 2 regression, 3 not enough data or cells that don't match, 4 improvement (with \
      --strict only).
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table, markdown, json, junit
  }

  @Argument(help: ArgumentHelp("The baseline run.", valueName: "base")) var base: String
  @Argument(help: ArgumentHelp("The run to compare with the baseline.", valueName: "new")) var new: String?
  @Option(help: ArgumentHelp("Baseline strategy, from BASE; with its options if several match.", valueName: "name"))
  var baseStrategy: String?
  @Option(help: ArgumentHelp("Strategy to compare with it.", valueName: "name")) var newStrategy: String?
  @Flag(help: "Hold a run of the model (BASE) against one of a real kernel (NEW).") var model = false
  @OptionGroup var options: ComparisonOptions
  @OptionGroup var history: HistoryCommand.File
  @Flag(help: "Also show the other primary metrics, which decide nothing.") var all = false
  @Option(help: "Output format: table, markdown, json, junit.") var format = Format.table
  @Option(help: ArgumentHelp("Also write Markdown to a new file.", valueName: "file")) var markdown: String?
  @Option(help: ArgumentHelp("Also write JSON to a new file.", valueName: "file")) var json: String?
  @Option(help: ArgumentHelp("Also write JUnit XML to a new file.", valueName: "file")) var junit: String?

  func run() throws {
    try Failure.reporting {
      if model { return try compareModel() }
      let thresholds = try options.makeThresholds()
      let (markdown, json, junit) = (
        try self.markdown.map(TextFile.init), try self.json.map(JSONFile.init), try self.junit.map(TextFile.init)
      )
      let comparison = try compare(thresholds)
      switch format {
      case .table: print(ComparisonTable(comparison, all: all).text)
      case .markdown: print(ComparisonMarkdown(comparison, all: all).text, terminator: "")
      case .json: print(String(decoding: try JSONEncoder.standard.encode(comparison), as: UTF8.self))
      case .junit: print(try ComparisonJUnit(comparison).text, terminator: "")
      }
      try markdown?.write(ComparisonMarkdown(comparison, all: all).text)
      try json?.write(comparison)
      try junit?.write(ComparisonJUnit(comparison).text)
      let status = comparison.exitStatus(strict: options.strict)
      if status != 0 { throw ExitCode(status) }
    }
  }

  private func compareModel() throws {
    guard let new, baseStrategy == nil, newStrategy == nil, !options.isGiven, !all, format == .table,
      [markdown, json, junit].allSatisfy({ $0 == nil })
    else { throw UserError.usage("invalid arguments: expected compare --model MODEL KERNEL, without other options") }
    print(try ModelFidelity(model: runs(base), kernel: runs(new)).text)
  }

  private func runs(_ word: String) throws -> [TrackedRun] { try TrackedRun.resolve(word, history: history.path, .all) }

  private func compare(_ thresholds: Thresholds) throws -> Comparison {
    switch (new, baseStrategy, newStrategy) {
    case (let new?, nil, nil):
      return try Comparison(
        base: runs(base), new: runs(new), thresholds: thresholds, metrics: options.metrics)
    case (nil, let one?, let other?):
      return try Comparison(
        of: runs(base), strategies: (one, other), thresholds: thresholds, metrics: options.metrics)
    case (let new?, let one?, let other?):
      return try Comparison(
        of: runs(base), and: runs(new), strategies: (one, other), thresholds: thresholds, metrics: options.metrics)
    default:
      throw UserError(
        .usage,
        "invalid arguments: expected compare BASE NEW, compare RUN --base-strategy NAME --new-strategy NAME, or compare "
          + "BASE NEW with both")
    }
  }
}
