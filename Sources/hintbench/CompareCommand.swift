import ArgumentParser
import Experiments
import Foundation
import Machine
import Records
import Reporting
import Tracking

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Hold two runs against each other, or two designs of one run.",
    discussion: """
      A run is its folder, or its name in the history; a folder of run folders is several launches of one side, by name, \
      each of which counts once. \
      Cells match by cell_id. In each one metric decides (`hintbench list metrics` says which): worse or better where both \
      its p, corrected over all that decide, is at most alpha and the change at least the minimum effect; same where \
      neither was shown and the interval keeps within three minimum effects; else not enough data. Cells with more threads \
      than CPUs, and the control `none`, are left out. Exact counts need no test: a change of the minimum effect counts.

      With --base-strategy and --new-strategy one run is enough: which of two designs, cell by cell, paired by repetition.

      Exit status: 0 no regression, 2 regression, 3 not enough data or cells that don't match, 4 improvement (with \
      --strict only).
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table, markdown, json, junit
  }

  @Argument(help: ArgumentHelp("What to compare with.", valueName: "base")) var base: String
  @Argument(help: ArgumentHelp("What is compared.", valueName: "new")) var new: String?
  @Option(help: ArgumentHelp("A design of the run BASE, with options where there are several.", valueName: "name"))
  var baseStrategy: String?
  @Option(help: ArgumentHelp("The design to hold against it.", valueName: "name")) var newStrategy: String?
  @OptionGroup var options: ComparisonOptions
  @OptionGroup var history: HistoryCommand.File
  @Flag(help: "Show the other primary metrics, too, which decide nothing.") var all = false
  @Option(help: "What to print: table, markdown, json, junit.") var format = Format.table
  @Option(help: ArgumentHelp("A new file for the Markdown as well.", valueName: "file")) var markdown: String?
  @Option(help: ArgumentHelp("A new file for the JSON as well.", valueName: "file")) var json: String?
  @Option(help: ArgumentHelp("A new file for JUnit XML as well.", valueName: "file")) var junit: String?

  func run() throws {
    try Failure.reporting {
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

  private func runs(_ word: String) throws -> [TrackedRun] { try TrackedRun.resolve(word, history: history.path, .all) }

  private func compare(_ thresholds: Thresholds) throws -> Comparison {
    switch (new, baseStrategy, newStrategy) {
    case (let new?, nil, nil):
      return try Comparison(
        base: runs(base), new: runs(new), thresholds: thresholds, metrics: options.metrics)
    case (nil, let one?, let other?):
      return try Comparison(
        of: runs(base), strategies: (one, other), thresholds: thresholds, metrics: options.metrics)
    default:
      throw UserError(
        .usage, "accepted: compare BASE NEW, or compare RUN --base-strategy NAME --new-strategy NAME")
    }
  }
}
