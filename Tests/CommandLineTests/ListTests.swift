import Experiments
import Foundation
import Hinting
import Records
import Testing

/// What the program says of itself.
@Suite struct ListTests {
  @Test(arguments: [
    ["--help"], ["-h"], ["help"], ["run", "--help"], ["help", "run"], ["list", "--help"], ["help", "list"],
    ["capture", "--help"], ["help", "capture"], ["calibrate", "--help"], ["help", "calibrate"], ["doctor", "--help"],
    ["help", "doctor"], ["report", "--help"], ["help", "report"], ["compare", "--help"], ["help", "compare"], [],
  ])
  func helpIsEverywhere(_ arguments: [String]) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(arguments, in: folder, allowDebug: false)
      #expect(result.status == 0, "\(result)")
      #expect(result.out.contains("USAGE: hintbench"), "\(result)")
      #expect(result.err.isEmpty, "\(result)")
      #expect(Folder.names(folder).isEmpty)
    }
  }

  @Test func helpNamesEverySubcommandAndOption() throws {
    try Tool.withFolder { folder in
      let help = try Tool.run(["--help"], in: folder).out
      for name in ["run", "list", "capture", "calibrate", "doctor", "report", "compare"] {
        #expect(help.contains("\n  \(name) "), "\(name)")
      }
      let run = try Tool.run(["run", "--help"], in: folder).out
      for option in [
        "guest", "nodes", "cpus", "strategy", "state", "free", "buddyinfo", "pagetypeinfo", "zoneinfo", "lists",
        "capture", "show-mem", "nth",
        "watermarks", "page-size",
        "list-order", "granule", "vmemmap", "lock", "page-init", "cache", "order", "budget", "load", "mutators",
        "repetitions",
        "seed", "hold-limit", "counters", "events", "config", "dry-run", "time-limit", "out", "resume", "quick",
      ] {
        #expect(run.contains("--\(option) "), "--\(option)")
      }
    }
  }

  @Test func listsEveryStrategyWithItsOptions() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["list", "strategies"], in: folder, allowDebug: false)
      #expect(result.status == 0, "\(result)")
      for entry in Strategies.all {
        let lines = result.outLines.filter { $0.hasPrefix(entry.card.name + " ") }
        #expect(lines.count == 1 + entry.card.options.count, "\(entry.card.name)")
        for option in entry.card.options {
          #expect(
            lines.contains {
              $0.contains(" \(option.name) ") && $0.contains(option.range) && $0.contains(option.meaning)
            },
            "\(entry.card.name):\(option.name)")
        }
      }
    }
  }

  @Test func listsEveryExperiment() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["list", "experiments"], in: folder, allowDebug: false)
      #expect(result.status == 0, "\(result)")
      for experiment in Experiments.all {
        #expect(result.outLines.contains { $0.hasPrefix(experiment.name) && $0.contains(experiment.question) })
      }
    }
  }

  @Test func listsEveryColumnOnce() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["list", "metrics"], in: folder, allowDebug: false)
      #expect(result.status == 0, "\(result)")
      // Name and file tell a column.
      let first = result.outLines.map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
      for column in RunRecord.columns {
        #expect(first.count { $0 == "\(column.name) runs.csv" } == 1, "\(column.name)")
      }
      for experiment in Experiments.all {
        for column in experiment.columns {
          #expect(first.count { $0 == "\(column.name) \(experiment.name).csv" } == 1, "\(column.name)")
        }
      }
      for experiment in Experiments.all {
        let deciding = result.outLines.filter { $0.contains("decides \(experiment.name)") }
        let names = deciding.compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(Set(names) == Set(experiment.decisiveMetrics), "\(experiment.name)")
      }
      for column in ["event", "count"] { #expect(first.count { $0 == "\(column) events.csv" } == 1, "\(column)") }
      for column in ["elapsed_ns", "freed_share_reported", "bytes_pcp"] {
        #expect(first.count { $0 == "\(column) coverage.csv" } == 1, "\(column)")
      }
      #expect(first.count { $0 == "lock_hold_ns_max_repeatable cells.csv" } == 1)
      let columns = RunRecord.columns.count + 6 + Experiments.all.reduce(0) { $0 + $1.columns.count }
      #expect(first.count == columns + 2, "a title, a rule, and a line a column")
    }
  }

  @Test(arguments: [["list"], ["list", "everything"], ["frobnicate"], ["list", "metrics", "more"], ["--nope"]])
  func whatIsNotThereIsBadUsage(_ arguments: [String]) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(arguments, in: folder)
      #expect(result.status == 64, "\(result)")
      #expect(result.out.isEmpty)
      #expect(result.err.hasPrefix("Error: "), "\(result)")
    }
  }
}
