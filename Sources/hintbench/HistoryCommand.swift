import ArgumentParser
import Experiments
import Foundation
import Machine
import Records
import Reporting
import Tracking

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Keep runs of many nights in one file, and judge the newest by those before it.",
    discussion: """
      The file is an SQLite database, which sqlite3 reads as well: tables runs, repetitions, cells, and one of each \
      experiment's own file. A run is in it whole or not at all, whenever the program is killed.

      A run there is called by its name (its run_id, unless --name gave another), by the beginning of one that no \
      other run has, or by @1 for the newest, @2 for the one before.
      """,
    subcommands: [Import.self, List.self, Show.self, Check.self, Export.self])

  /// What all of them take.
  struct File: ParsableArguments {
    @Option(name: .customLong("history"), help: ArgumentHelp("The history.", valueName: "file"))
    var path = "Reports/history.sqlite"

    func open(for access: History.Access = .reading) throws -> History { try History(path, for: access, .all) }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Add runs.",
      discussion: """
        Each in one transaction, so that those before a failure are kept. A run that is there already is passed over; \
        one that was added before it was finished is replaced.
        """)

    @Argument(help: ArgumentHelp("A run's folder, or a folder of run folders.", valueName: "run")) var runs: [String]
    @OptionGroup var file: File
    @Option(help: "What the run is called (default: its run_id); for one run.") var name: String?
    @Flag(help: "Take runs that aren't finished, too, as killed ones; they are marked so.") var partial = false

    func run() throws {
      try Failure.reporting {
        var folders: [String] = []
        for word in runs { folders += try History.runFolders(at: word) }
        guard name == nil || folders.count == 1 else {
          throw UserError(.usage, "--name is for one run, and these are \(folders.count)")
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
    @Option(parsing: .unconditional, help: "Only the newest so many.") var limit: Int?
    @Option(help: "What to print: table, csv, json.") var format = Format.table

    func validate() throws {
      if let limit, limit < 1 { throw ValidationError("--limit can't be \(limit); accepted: 1 and more") }
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
      abstract: "Show a run: what it was, and the tables it ended with.")

    @Argument(help: ArgumentHelp("Which run.", valueName: "name")) var name = "@1"
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
      abstract: "Judge the newest run by those before it.",
      discussion: """
        Earlier runs count if they are of the same machine (host name and processor), the same way of building, and \
        have the same cell. In each cell one metric decides (`hintbench list metrics`), by its medians. Exact ones, \
        counted by simulation or by a virtual clock, are worse or better if they differ by 0.5 % or more from the \
        last run or from the median of the window. The others are if the newest is no plausible next value of the \
        window (Student's prediction, at alpha 0.01 for all cells together) and 25 % or more away from its median: \
        runs of different nights differ by far more than launches that take turns, which `compare` is for. Assumed is \
        that medians of different nights scatter like independent draws from one log-normal distribution: a slow \
        drift widens the window and hides in it, which `history export --otava` is for.

        Fewer than 5 earlier runs, or such scatter that not even twice as much would be found, are not enough data.

        Exit status: 0 nothing got worse, 2 worse, 3 not enough data or a cell that is gone, 4 better (with --strict only).
        """)

    @Argument(help: ArgumentHelp("Which run.", valueName: "name")) var name = "@1"
    @OptionGroup var file: File
    @Option(help: ArgumentHelp("What decides in every cell, instead of each experiment's own.", valueName: "name"))
    var metric: String?
    @Option(parsing: .unconditional, help: "Earlier runs that each cell is judged by, at most.") var window = 10
    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("The least change of measured metrics that counts (default: 25 %).", valueName: "percent"))
    var minEffect: String?
    @Option(
      help: ArgumentHelp(
        "Alpha, exact minimum effect, and minimum effects by metric, from a checked-in file.", valueName: "file"))
    var thresholds: String?
    @Flag(help: "End with 4 where something got better.") var strict = false
    @Option(help: ArgumentHelp("A new file for all of it as JSON.", valueName: "file")) var json: String?

    func validate() throws {
      if window < 1 { throw ValidationError("--window can't be \(window); accepted: 1 and more") }
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
      abstract: "Write the medians of all runs: as CSV, or for Apache Otava, which finds change points.",
      discussion: """
        Of each run and cell the primary metrics and the one that decides. Cells with more threads than CPUs are left out.
        """)

    @OptionGroup var file: File
    @Option(help: ArgumentHelp("A new file for the CSV (default: standard output).", valueName: "file")) var csv:
      String?
    @Option(help: ArgumentHelp("A folder for Otava: otava.yaml and a CSV file for each cell.", valueName: "dir"))
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
