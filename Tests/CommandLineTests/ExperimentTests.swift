import Experiments
import Foundation
import Migration
import Testing

/// Experiments beside `scan`, run as a user runs them.
@Suite struct ExperimentTests {
  @Test func everyExperimentWritesItsOwnFile() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(
        "run interference steady-state contiguous migration delivery discard --quick --guest 5G --strategy "
          + "none,page-reporting:order=9 "
          + "--state fresh --repetitions 1 --window 20ms --clock virtual --host-ack-ns 0,20000 --load order0 "
          + "--mutators 1 --movable 0.9 "
          + "--granule 0 --out run", in: folder)
      #expect(result.status == 0, "\(result)")
      // Huge pages that aren't set aside.
      #expect(result.complaints.allSatisfy { $0.contains("skipped: delivery: ") && $0.contains("2 MiB") }, "\(result)")
      // A word: the option "tenant" has these letters, too.
      #expect(!result.out.contains(#/\bnan\b/#.ignoresCase()) && !result.out.contains("Optional"))
      _ = try RunFolderCheck.expectValid(folder + "/run", "experiments")
      let runs = try #require(try RunFiles.table(folder + "/run/runs.csv"))
      // A session of delivery that gives memory back ends with the memory there is for it.
      for (experiment, outcome) in zip(runs.column("experiment"), runs.column("outcome")) {
        #expect(outcome == "complete" || outcome == "stopped" && experiment == "delivery", "\(experiment): \(result)")
      }
      let acks = Dictionary(grouping: zip(runs.column("experiment"), runs.column("host_ack_ns")), by: \.0)
      for (experiment, rows) in acks {
        #expect(
          Set(rows.map(\.1)) == (["discard", "migration"].contains(experiment) ? [""] : ["0", "20000"]), "\(experiment)"
        )
      }
      // page-states makes a page cache that grows with the guest, and the balloon takes all memory page by page: they
      // have smaller guests of their own.
      for experiment in Experiments.all where !["scan", "page-states", "ballooning"].contains(experiment.name) {
        let own = try #require(try RunFiles.table(folder + "/run/\(experiment.name).csv"), "\(experiment.name)")
        #expect(own.header == ["run_id", "cell_id", "repetition"] + experiment.columns.map(\.name))
        let cells = Set(
          zip(runs.column("cell_id"), runs.column("experiment")).filter { $1 == experiment.name }.map(\.0))
        #expect(!cells.isEmpty && Set(own.column("cell_id")) == cells)
        #expect(result.out.contains("\n\(experiment.name): "), "\(result.out)")
      }
      // Resuming what is whole shows the same tables again.
      let again = try Tool.run("run --resume run", in: folder)
      #expect(again.status == 0 && again.out == result.out, "\(again)")
    }
  }

  /// A small guest's memory really goes to another process, and is compared there.
  @Test(.enabled("no dirty log") { WriteProtectLog.refusal == nil })
  func aMigrationByTheRealClockIsWhole() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(
        "run migration --clock real --guest 128M --state fresh,aged --strategy none,walk-callback,alloc-max-order "
          + "--load none,compile --mutators 2 --mutator-rate 500 --bandwidth 200M --page-init alloc --repetitions 1 "
          + "--out run", in: folder)
      #expect(result.status == 0 && result.complaints.isEmpty, "\(result)")
      _ = try RunFolderCheck.expectValid(folder + "/run", "real migration")
      let runs = try #require(try RunFiles.table(folder + "/run/runs.csv"))
      #expect(runs.column("outcome").count == 12 && Set(runs.column("outcome")) == ["complete"], "\(result)")
      let own = try #require(try RunFiles.table(folder + "/run/migration.csv"))
      #expect(Set(own.column("clock")) == ["real"] && Set(own.column("unit_bytes")) == ["4096"])
      // Measured, and not what only the virtual clock has.
      for column in ["total_ns", "downtime_ns", "sync_ns", "session_cpu_ns", "bytes_sent", "units_compared"] {
        #expect(own.column(column).allSatisfy { (Double($0) ?? -1) >= 0 }, "\(column): \(own.column(column))")
      }
      for column in ["zero_check_ns", "send_ns", "ns_per_hint"] { #expect(Set(own.column(column)) == [""]) }
      var skipping: Set<String> = []
      let places = Dictionary(uniqueKeysWithValues: zip(runs.column("cell_id"), 0...))
      for (row, cell) in own.column("cell_id").enumerated() {
        let place = try #require(places[cell])
        func run(_ column: String) -> String { runs.column(column)[place] }
        func number(_ column: String) -> Int { Int(own.column(column)[row]) ?? -1 }
        let (strategy, isFresh) = (run("strategy"), run("state") == "fresh")
        // A hint that comes after its page was sent skips nothing, and which do is a matter of time: not all of them.
        if strategy == "none" { #expect(number("pages_skipped") == 0) }
        if number("pages_skipped") > 0 { skipping.insert(strategy) }
        #expect(number("pages_sent") + number("pages_zero") + number("pages_skipped") >= 32_768)
        // What nobody has used is zero, and so is what a block taken for a hint was filled with.
        if !strategy.hasPrefix("alloc-max-order") { #expect((number("pages_zero") > 0) == isFresh, "\(strategy)") }
        if strategy.hasPrefix("alloc-max-order") { #expect(number("pages_zero") > 0) }
        #expect(own.column("operations")[row].isEmpty == (run("load") == "none"))
        #expect(number("units_compared") > 0 && number("units_compared") <= 32_768)
      }
      #expect(!skipping.isEmpty)
    }
  }

  @Test func pageStatesHasARowForEachModeAndRange() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run("run page-states --guest 128M --repetitions 1 --out run", in: folder)
      #expect(result.status == 0 && result.complaints.isEmpty, "\(result)")
      _ = try RunFolderCheck.expectValid(folder + "/run", "page-states")
      let own = try #require(try RunFiles.table(folder + "/run/page-states.csv"))
      let card = try #require(Experiments.all.first { $0.name == "page-states" })
      #expect(own.header == ["run_id", "cell_id", "repetition"] + card.columns.map(\.name))
      let keys = zip(own.column("mode"), zip(own.column("range_pages"), own.column("listed_pages")))
      #expect(Set(keys.map { "\($0) \($1.0) \($1.1)" }).count == 6 * 3 + 5)
      #expect(result.out.contains("\npage-states: ") && !result.out.lowercased().contains("nan"))
    }
  }

  @Test func theBalloonWritesItsOwnFile() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(
        "run ballooning --quick --guest 256M --state fresh --window 10ms --repetitions 1 --out run", in: folder)
      #expect(result.status == 0 && result.complaints.isEmpty, "\(result)")
      #expect(!result.out.lowercased().contains("nan") && !result.out.contains("Optional"))
      _ = try RunFolderCheck.expectValid(folder + "/run", "ballooning")
      let card = try #require(Experiments.all.first { $0.name == "ballooning" })
      let own = try #require(try RunFiles.table(folder + "/run/ballooning.csv"))
      #expect(own.header == ["run_id", "cell_id", "repetition"] + card.columns.map(\.name))
      #expect(Set(own.column("kind")) == ["order0", "2m", "hpo"])
      #expect(Set(own.column("movable")) == ["movable", "pinned", "unmovable"])
      #expect(result.out.contains("\nballooning: "), "\(result.out)")
      // Of the balloon's lock, put on the list and taken off it.
      let holds = try #require(try RunFiles.table(folder + "/run/lock_holds.csv"))
      #expect(Set(holds.column("phase")) == ["collect", "return"])
      let again = try Tool.run("run --resume run", in: folder)
      #expect(again.status == 0 && again.out == result.out, "\(again)")
    }
  }

  @Test(arguments: [
    ("run steady-state --strategy none", "strategies that react to frees"),
    (
      "run contiguous --strategy step-iterator",
      "invalid strategy: contiguous takes strategies that take blocks off the lists, and none"
    ),
    (
      "run interference --window 1ms",
      "invalid value '1ms' of option 'window' of experiment 'interference': expected 10ms.."
    ),
    (
      "run interference --window soon",
      "invalid value 'soon' of option 'window' of experiment 'interference': expected 10ms.."
    ),
    ("run contiguous --cpus 1 --strategy none", "expected at least --cpus 2"),
    (
      "run contiguous --load order0",
      "unknown option 'load' of experiment 'contiguous': expected one of range, drain, window, host-ack-ns"
    ),
    ("run ballooning --strategy page-reporting", "takes no strategy: expected none"),
    ("run ballooning --cpus 1 --strategy none", "expected at least --cpus 2"),
    ("run steady-state --clock lunar", "expected real|virtual"),
    (
      "run --host-ack-ns -5", "invalid value '-5' of option 'host-ack-ns' of experiment 'scan': expected 0..10000000000"
    ),
    ("run --load sleep", "expected none|order0|thp|mixed|faults|compile"),
    ("run --movable 2", "invalid movable fraction 2.0: expected 0 to 0.9"),
    ("run steady-state --clock virtual --mutator-rate 0", "expected 1..1000000000"),
    ("run migration --clock lunar", "expected virtual|real"),
    (
      "run migration --bandwidth 1K",
      "invalid value '1K' of option 'bandwidth' of experiment 'migration': expected 1M.."
    ),
    (
      "run migration --downtime-limit soon",
      "invalid value 'soon' of option 'downtime-limit' of experiment 'migration': expected 1ns.."
    ),
    ("run --bandwidth 1G", "--bandwidth: unknown option 'bandwidth' of experiment 'scan'"),
    ("run --exit-ns 1000", "--exit-ns: unknown option 'exit-ns' of experiment 'scan'"),
    (
      "run delivery --exit-ns soon",
      "invalid value 'soon' of option 'exit-ns' of experiment 'delivery': expected 0..10000000"
    ),
    ("run delivery --strategy none", "invalid strategy: delivery takes every strategy but none"),
    ("run page-states --strategy walk-callback", "takes no strategy: expected none"),
    ("run page-states --lock test-and-set", "--lock: page-states has no allocator"),
    (
      "run scan --clock virtual", "--clock: unknown option 'clock' of experiment 'scan': expected one of load, mutators"
    ),
    ("run scan --clock virtual --window 1s --mutator-rate 7", "unknown option"),
    ("run migration:clock=real/lunar", "invalid value 'lunar' of option 'clock' of experiment 'migration'"),
    ("run migration:bandwidth", "invalid option 'bandwidth' of experiment 'migration': expected OPTION=VALUE"),
    ("run migration:window=1s", "unknown option 'window' of experiment 'migration': expected one of clock, bandwidth"),
    ("run migration:clock=real --clock virtual", "--clock: migration:clock=... already sets this"),
    ("run steady-state:mutator-rate=7", "option 'mutator-rate' of experiment 'steady-state' needs clock=virtual"),
    ("run steady-state --mutator-rate 7", "needs clock=virtual"),
    ("run delivery:action=discard --strategy walk-callback", "walk-callback names blocks that may be in use again"),
    ("run contiguous:range=3M", "expected 2M|1G"),
    ("run migration --strategy page-reporting", "strategies that hint on a command of the host"),
  ])
  func badSettingsAreOneLine(_ line: String, says: String) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(line + " --out run", in: folder)
      #expect(result.status == 64, "\(result)")
      #expect(result.err.contains(says), "\(result)")
      #expect(result.complaints.count == 1 && result.out.isEmpty, "\(result)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/run"))
    }
  }

  /// A strategy asked for by name that no chosen experiment measures is said, and the run isn't all that was asked.
  @Test func aStrategyThatNoExperimentTakesIsSaid() throws {
    try Tool.withFolder { folder in
      let words =
        "run steady-state:clock=virtual --quick --guest 128M --repetitions 1 --counters off --out run --strategy "
      let result = try Tool.run(words + "budgeted-resume,page-reporting", in: folder)
      #expect(result.status == 3, "\(result)")
      let line = "skipped: budgeted-resume: steady-state takes strategies that react to frees"
      #expect(result.complaints.count == 1 && result.err.contains(line), "\(result)")
      let runs = try #require(try RunFiles.table(folder + "/run/runs.csv"))
      #expect(Set(runs.column("strategy").map { $0.split(separator: ":")[0] }) == ["page-reporting"])
    }
  }

  /// Ctrl-C ends the run after the repetition at hand, with what there is and how to go on.
  @Test func anInterruptedRunSaysHowToGoOn() throws {
    try Tool.withFolder { folder in
      let words =
        "run --guest 128M --state fresh --strategy none,step-iterator --repetitions 2000 --counters off --out run"
      let call = try Tool.start(words.split(separator: " ").map(String.init), in: folder)
      while (try? RunFiles.table(folder + "/run/runs.csv")?.rows.isEmpty) != false && call.isRunning { usleep(10_000) }
      call.interrupt()
      let result = try call.end()
      #expect(result.status == 130, "\(result)")
      #expect(result.err.contains("interrupted: ") && result.err.contains("hintbench run --resume run"), "\(result)")
      #expect(result.outLines.contains { $0.hasPrefix("step-iterator") } && result.outLines.last == "Files: run")
      _ = try RunFolderCheck.expectValid(folder + "/run", "interrupted")
      #expect(try RunFiles.meta(folder + "/run")["finished"] == nil)
    }
  }

  @Test func outputToAFullDeviceIsAnError() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["list", "metrics"], in: folder, shell: "\"$@\" > /dev/full")
      #expect(result.status == 74 && result.complaints.count == 1, "\(result)")
      #expect(result.err.contains("standard output: "), "\(result)")
    }
  }

  @Test func aRunCutShortIsFinishedByResuming() throws {
    try Tool.withFolder { folder in
      let line =
        "run interference --guest 128M --state fresh --strategy none,step-iterator --load order0 --mutators 1 "
        + "--window 10ms --repetitions 4 --granule 0 --time-limit 150ms --out run"
      #expect(try Tool.run(line, in: folder).status == 3)
      // Each call goes on for as long again.
      for _ in 0..<30 where try RunFiles.meta(folder + "/run")["finished"] == nil {
        _ = try RunFolderCheck.expectValid(folder + "/run", "between")
        let resumed = try Tool.run("run --resume run", in: folder)
        let isFinished = try RunFiles.meta(folder + "/run")["finished"] != nil
        #expect(resumed.status == (isFinished ? 0 : 3), "\(resumed)")
      }
      #expect(try RunFiles.meta(folder + "/run")["finished"] != nil)
      let runs = try #require(try RunFiles.table(folder + "/run/runs.csv"))
      let own = try #require(try RunFiles.table(folder + "/run/interference.csv"))
      // The allocator's own row stands beside strategies that are named.
      #expect(runs.rows.count == 12 && own.keys.count == 12 && Set(own.keys) == Set(runs.keys))
    }
  }
}
