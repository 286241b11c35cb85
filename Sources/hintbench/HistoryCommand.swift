import ArgumentParser
import Experiments
import Foundation
import Machine
import Records
import Reporting
import Tracking

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Keep runs in a history file, and check the newest one against earlier ones.",
    discussion: """
      The file is an SQLite database: tables runs, repetitions, cells, and one for each experiment's own file. Imports \
      are atomic: a run is in it whole or not at all, even if the program is killed.

      Name a run by its run_id (or its --name), by any unique prefix, or by @1 for the newest, @2 for the one before, \
      and so on.
      """,
    subcommands: [Import.self, List.self, Show.self, Check.self, Export.self])

  /// Options that all history commands have.
  struct File: ParsableArguments {
    @Option(name: .customLong("history"), help: ArgumentHelp("History file.", valueName: "file"))
    var path = "Reports/history.sqlite"

    func open(for access: History.Access = .reading) throws -> History { try History(path, for: access, .all) }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add runs.",
      discussion: """
        Each run is one transaction, so runs imported before a failure are kept. A run already in the history is \
        skipped; one imported before it was finished is replaced.
        """)

    @Argument(help: ArgumentHelp("A run folder, or a folder of run folders.", valueName: "run")) var runs: [String]
    @OptionGroup var file: File
    @Option(help: "Name for the run (default: its run_id); with one run only.") var name: String?
    @Flag(help: "Also import unfinished runs, and mark them as such.") var partial = false

    func run() throws {
      try Failure.reporting {
        var folders: [String] = []
        for word in runs {
          let found = try History.runFolders(at: word)
          let isBoth = ["base", "new"].allSatisfy { side in found.contains { $0.hasPrefix("\(word)/\(side)/") } }
          guard !isBoth else {
            throw UserError(.usage, "\(word): runs of two builds: expected \(word)/base or \(word)/new")
          }
          folders += found
        }
        guard name == nil || folders.count == 1 else {
          throw UserError(.usage, "invalid --name: expected one run, got \(folders.count)")
        }
        let first = try folders.first.map { try TrackedRun(folder: $0, .all) }
        let history = try file.open(for: .writing)
        for (index, folder) in folders.enumerated() {
          let run = if index == 0, let first { first } else { try TrackedRun(folder: folder, .all) }
          let outcome = try history.add(run, name: name, isPartialAllowed: partial)
          print(try HistoryListing.imported(outcome, history.entry(named: run.meta.runID)))
          for line in run.mapped.unmappedLines { print(line) }
        }
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the runs, newest first.")

    enum Format: String, ExpressibleByArgument, CaseIterable {
      case table, csv, json
    }

    @OptionGroup var file: File
    @Option(parsing: .unconditional, help: "Show only the newest N runs.") var limit: Int?
    @Option(help: "Output format: table, csv, json.") var format = Format.table

    func validate() throws {
      if let limit, limit < 1 { throw ValidationError("invalid --limit \(limit): expected at least 1") }
    }

    func run() throws {
      try Failure.reporting {
        let listing = HistoryListing(try file.open().runs(limit: limit))
        switch format {
        case .table: print(listing.text)
        case .csv: print(listing.csv, terminator: "")
        case .json: print(try listing.json)
        }
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a run and its result tables.")

    @Argument(help: ArgumentHelp("The run to show.", valueName: "name")) var name = "@1"
    @OptionGroup var file: File

    func run() throws {
      try Failure.reporting {
        let history = try file.open()
        print(HistoryRunText(try history.entry(named: name), try history.run(named: name)).text)
      }
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a run against earlier ones.",
      discussion: """
        Earlier runs count if they have the same machine (host name and processor), build mode and cell. In each cell \
        the median of one metric decides (`hintbench list metrics`). Exact metrics (simulated counts, virtual clock) \
        are worse or better if they differ by 0.5 % or more from the last run or from the median of the window. Other \
        metrics are worse or better if the newest value lies outside Student's prediction interval of the window \
        (alpha 0.01 over all cells) and is 25 % or more from its median: runs of different nights differ by far more \
        than launches by turns, which `compare` is for. The test assumes that the medians of different nights are \
        independent draws from one log-normal distribution; a slow drift widens the window and stays hidden, which \
        `history export --otava` is for.

        Fewer than 5 earlier runs, or so much scatter that not even a doubling would be detected, is not enough data.

        Exit status: 0 no regression, 2 regression, 3 not enough data or a missing cell, 4 improvement (with --strict \
        only).
        """)

    @Argument(help: ArgumentHelp("The run to check.", valueName: "name")) var name = "@1"
    @OptionGroup var file: File
    @Option(help: ArgumentHelp("Metrics that decide, instead of each experiment's own.", valueName: "name"))
    var metric: String?
    @Option(parsing: .unconditional, help: "Maximum number of earlier runs in the window of a cell.") var window = 10
    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Minimum effect for measured metrics (default: 25%).", valueName: "percent"))
    var minEffect: String?
    @Option(
      help: ArgumentHelp(
        "File with alpha, exact minimum effect, and minimum effects by metric.", valueName: "file"))
    var thresholds: String?
    @Flag(help: "Exit 4 on improvement.") var strict = false
    @Option(help: ArgumentHelp("Also write the result as JSON to a new file.", valueName: "file")) var json: String?

    func validate() throws {
      if window < 1 { throw ValidationError("invalid --window \(window): expected at least 1") }
    }

    func run() throws {
      try Failure.reporting {
        let made = try HistoryThresholds.make(file: thresholds, minimumEffect: minEffect, metric: metric, .all)
        let output = try json.map { try JSONFile(newAt: $0) }
        let check = try file.open().check(name, window: window, thresholds: made)
        print(HistoryCheckText(check).text)
        try output?.write(check)
        let status = check.exitStatus(strict: strict)
        if status != 0 { throw ExitCode(status) }
      }
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Export the medians of all runs as CSV, or for Apache Otava, which finds change points.",
      discussion: """
        For each run and cell: the primary metrics and the deciding one. Oversubscribed cells are left out.
        """)

    @OptionGroup var file: File
    @Option(help: ArgumentHelp("New CSV file (default: standard output).", valueName: "file")) var csv: String?
    @Option(help: ArgumentHelp("Folder for Otava: otava.yaml and a CSV file for each cell.", valueName: "dir"))
    var otava: String?

    func run() throws {
      try Failure.reporting {
        let output = try csv.map { try TextFile(newAt: $0) }
        let export = try file.open().export()
        if let otava {
          let files = OtavaExport(export)
          try files.write(to: otava)
          print(files.hint(otava))
        }
        if let output {
          try output.write(export.csv)
        } else if otava == nil {
          print(export.csv, terminator: "")
        }
      }
    }
  }
}
