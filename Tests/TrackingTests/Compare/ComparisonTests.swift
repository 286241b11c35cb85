import Bench
import Experiments
import Records
import TestSupport
import Testing

@testable import Tracking

/// Which values are held against which.
@Suite struct ComparisonTests {
  private typealias Fixtures = CompareFixtures

  @Test func cellsOfOneSideAreNamedByWhatTellsThem() throws {
    let shared = Fixtures.Cell(id: "s", cpu: Fixtures.values())
    let base = [shared, .init(id: "x", bytes: 64 << 30, cpu: Fixtures.values())]
    let new = [shared, .init(id: "y", strategy: "page-reporting:order=9", state: "aged", cpu: Fixtures.values())]
    let comparison = try Comparison(
      base: [Fixtures.run("a", base)], new: [Fixtures.run("b", new)], thresholds: Thresholds())
    #expect(comparison.onlyInBase == ["step-iterator 64 GiB fresh"])
    #expect(comparison.onlyInNew == ["page-reporting 8 GiB aged"])
    #expect(comparison.rows.filter(\.isAsked).map(\.cell) == ["step-iterator 8 GiB fresh"])
    #expect(comparison.common.contains("4 CPUs") && !comparison.common.contains("8 GiB"))
  }

  /// As two groups that differ in the free share asked for, which no row tells.
  @Test func cellsThatReadAlikeHaveTheirIDs() throws {
    let cells = ["aaaaaaaa", "bbbbbbbb"].map { Fixtures.Cell(id: $0, cpu: Fixtures.values()) }
    let run = Fixtures.run("a", cells)
    let rows = try Comparison(base: [run], new: [run], thresholds: Thresholds()).rows.filter(\.isAsked)
    #expect(rows.map(\.cell) == ["step-iterator #aaaaaa", "step-iterator #bbbbbb"])
  }

  @Test func controlsAndOversubscribedCellsDecideNothing() throws {
    func cells(_ factor: Double) -> [Fixtures.Cell] {
      [
        .init(id: "n", strategy: "none", cpu: Fixtures.values(times: factor)),
        .init(id: "o", state: "aged", cpu: Fixtures.values(times: factor), isOversubscribed: true),
        .init(id: "c", cpu: Fixtures.values()),
      ]
    }
    let comparison = try Comparison(
      base: [Fixtures.run("a", cells(1))], new: [Fixtures.run("b", cells(2))], thresholds: Thresholds())
    let asked = comparison.rows.filter(\.isAsked)
    #expect(asked.map(\.reason) == [.control, .oversubscribed, nil])
    #expect(asked.map(\.verdict) == [nil, nil, .same])
    // They are shown all the same.
    #expect(asked.allSatisfy { $0.change != nil })
    #expect(comparison.family == 1 && comparison.exitStatus(strict: false) == 0)
  }

  /// Of an experiment without strategies its cells of `none` are all there is.
  @Test func noneIsAControlOnlyBesideDesigns() throws {
    var record = RunRecord(
      identity: .init(
        runID: "r", cellID: "c", time: .init(timeIntervalSince1970: 0), host: "h", experiment: "scan", strategy: "none",
        repetition: 0, seed: 1),
      guest: .init(
        bytes: 8 << 30, nodes: 1, cpus: 4, zones: 3, granuleOrder: 0, vmemmapPageBytes: 4096, lockKind: "queued",
        pageInit: "none", state: "fresh", listOrder: "ascending"),
      load: .init(kind: "none", mutators: 0, oversubscribed: false, cache: "cold"), found: .init(outcome: .complete))
    for (experiment, isControl) in [
      ("scan", true), ("migration", true), ("page-states", false), ("ballooning", false), ("of another program", true),
    ] {
      record.identity.experiment = experiment
      #expect(try #require(CellFacts([record], place: 0)).isControl == isControl, "\(experiment)")
    }
    record.identity.experiment = "scan"
    record.identity.strategy = "step-iterator:step=1"
    #expect(try #require(CellFacts([record], place: 0)).isControl == false)
  }

  /// Quicker for reporting less is no improvement.
  @Test func aCellThatCoversLessIsNeitherBetterNorTheSame() throws {
    func run(_ name: String, _ factor: Double, _ coverage: Double) -> TrackedRun {
      var run = Fixtures.run(name, [.init(id: "c", cpu: Fixtures.values(times: factor))])
      for index in run.repetitions.indices { run.repetitions[index].found.coverageFree = coverage }
      return run
    }
    func compare(_ factor: Double, _ coverage: Double) throws -> (row: ComparisonRow?, status: Int32) {
      let comparison = try Comparison(
        base: [run("a", 1, 0.99)], new: [run("b", factor, coverage)], thresholds: Thresholds())
      return (comparison.rows.first { $0.isAsked }, comparison.exitStatus(strict: false))
    }
    let quicker = try compare(0.5, 0.5)
    #expect(quicker.row?.verdict == nil && quicker.row?.reason == .coversLess("coverage_free") && quicker.status == 3)
    #expect(try compare(1, 0.5).status == 3)
    #expect(try compare(0.5, 0.97).row?.verdict == .better && compare(0.5, 1).row?.verdict == .better)
    let worse = try compare(2, 0.5)
    #expect(worse.row?.verdict == .worse && worse.status == 2)
  }

  @Test func moreFailedRepetitionsAreNotPassedOver() throws {
    func run(_ name: String, failed: Int) -> TrackedRun {
      var run = Fixtures.run(name, [.init(id: "c", cpu: Fixtures.values(12))])
      for index in 0..<failed { run.repetitions[index].found.outcome = .error }
      return run
    }
    func compare(_ base: Int, _ new: Int) throws -> Comparison {
      try Comparison(base: [run("a", failed: base)], new: [run("b", failed: new)], thresholds: Thresholds())
    }
    #expect(try compare(0, 0).exitStatus(strict: false) == 0)
    let more = try compare(0, 1)
    #expect(more.exitStatus(strict: false) == 3)
    #expect(more.warnings.contains { $0.contains("b: 1 of 12 repetitions failed") }, "\(more.warnings)")
    #expect(try compare(1, 1).exitStatus(strict: false) == 0)
  }

  /// A migration's steps last as long as was measured, by its virtual clock, too.
  @Test(arguments: [("steady-state", "last_ns", true), ("migration", "total_ns", false)])
  func exactIsWhatTheMachineHasNoPartIn(experiment: String, metric: String, isExact: Bool) throws {
    let rows = (0..<3).map { ["cell_id": "c", "repetition": "\($0)", "clock": "virtual", metric: "1000"] }
    let run = Fixtures.run(
      "a", [.init(id: "c", cpu: Fixtures.values(3), experiment: experiment)], ownRows: [experiment: rows])
    let found = try #require(TrackedMetric.all(of: experiment).first { $0.name == metric })
    #expect(run.series(of: found).map(\.isExact) == [isExact])
  }

  @Test func whatOnlyOneSideMeasuredIsAMismatch() throws {
    let measured = Fixtures.Cell(id: "c", cpu: Fixtures.values())
    let not = Fixtures.Cell(id: "c", cpu: [nil, nil, nil])
    func row(_ base: Fixtures.Cell, _ new: Fixtures.Cell) throws -> (ComparisonRow?, Int32) {
      let comparison = try Comparison(
        base: [Fixtures.run("a", [base])], new: [Fixtures.run("b", [new])], thresholds: Thresholds())
      return (comparison.rows.first { $0.isAsked }, comparison.exitStatus(strict: false))
    }
    let (one, status) = try row(measured, not)
    #expect(one?.reason == .measuredOnlyIn("base") && one?.base != nil && one?.new == nil && status == 3)
    #expect(try row(not, measured).0?.reason == .measuredOnlyIn("new"))
    let (neither, nothing) = try row(not, not)
    // Nothing at all was compared: no success.
    #expect(neither?.reason == .notMeasured && neither?.isMismatch == false && nothing == 3)
  }

  @Test func severalRunsASideAreOneSampleEach() throws {
    func runs(_ name: String, _ count: Int, _ factor: Double) -> [TrackedRun] {
      (0..<count).map { number in
        let level = factor * (1 + 0.001 * Double(number))
        let cpu: [Double?] = [0.5 * level, level, 3 * level]
        return Fixtures.run("\(name)\(number)", [.init(id: "c", cpu: cpu, repeatableHold: 100 + Double(number))])
      }
    }
    let quartets = try Comparison(base: runs("a", 6, 1), new: runs("b", 6, 1.2), thresholds: Thresholds())
    let row = try #require(quartets.rows.first)
    // The median of each launch: not the 18 repetitions.
    #expect(row.base?.count == 6 && row.base?.lowest == 1 && quartets.sampling == .launches(inQuartets: true))
    #expect(row.verdict == .worse && isNear(row.p, 2 / 216))
    // A cell's one value is a launch's one value.
    let former = try Comparison(
      base: runs("a", 6, 1), new: runs("b", 6, 1.2), thresholds: Thresholds(), metrics: ["lock_hold_ns_max_repeatable"])
    #expect(former.rows.first?.new?.count == 6)
    let block = try Comparison(base: runs("a", 5, 1), new: runs("b", 6, 1.2), thresholds: Thresholds())
    #expect(block.sampling == .launches(inQuartets: false) && block.rows.first?.verdict == .worse)
  }

  @Test func rowsOfOneRepetitionAreToldApartByTheirKeys() throws {
    func run(_ name: String, _ factor: Double) -> TrackedRun {
      let cell = Fixtures.Cell(id: "c", cpu: Fixtures.values(8), experiment: "contiguous")
      let rows = (0..<8).flatMap { repetition in
        [("2097152", 1.0), ("1073741824", factor)].map { bytes, factor in
          [
            "cell_id": "c", "repetition": "\(repetition)", "range_bytes": bytes, "drains_first": "true",
            "failures_per_1000": "\(factor * (100 + Double(repetition) / 10))",
          ]
        }
      }
      return Fixtures.run(name, [cell], ownRows: ["contiguous": rows])
    }
    let comparison = try Comparison(base: [run("a", 1)], new: [run("b", 1.5)], thresholds: Thresholds())
    let asked = comparison.rows.filter(\.isAsked)
    #expect(asked.map(\.metric.name) == ["failures_per_1000", "failures_per_1000"])
    #expect(asked.map(\.verdict) == [.same, .worse])
    #expect(asked[1].name.contains("range_bytes=1073741824 drains_first=true"))
  }

  @Test func whatElseDiffersIsSaid() throws {
    let cell = Fixtures.Cell(id: "c", cpu: Fixtures.values())
    let one = Fixtures.run("a", [cell])
    let other = Fixtures.run(
      "b", [cell], seed: 2, buildMode: "debug", isFinished: false, host: ["hostname": "vm", "cpu_model": "Intel"])
    let warnings = try Comparison(base: [one], new: [other], thresholds: Thresholds()).warnings
    for text in ["build differs", "CPU differs: AMD EPYC in base, Intel in new", "seed differs", "b is unfinished"] {
      #expect(warnings.contains { $0.contains(text) }, "\(text) in \(warnings)")
    }
    #expect(!warnings.contains { $0.contains("host differs") })
    #expect(try Comparison(base: [one], new: [one], thresholds: Thresholds()).warnings.isEmpty)
  }

  @Test func kernelsThatDifferAreNamed() throws {
    func run(_ name: String, _ kernel: String?, cell: String) -> TrackedRun {
      var run = Fixtures.run(name, [.init(id: cell, cpu: Fixtures.values())])
      if kernel == nil { run.meta.schemaVersion = 5 }
      for index in run.repetitions.indices {
        run.repetitions[index].guest.lockKind = "queued"
        run.repetitions[index].guest.kernelRules = kernel
      }
      return run
    }
    // Rows without the column are from before there was a choice.
    let former = run("former", nil, cell: "c")
    let old = run("old", "6.1", cell: "c")
    let new = run("new", "6.12", cell: "d")
    let words = "the guests follow the rules of Linux 6.1 in base, of 6.12 in new"
    for base in [former, old] {
      let warnings = try Comparison(base: [base], new: [new], thresholds: Thresholds()).warnings
      #expect(warnings.contains { $0.hasPrefix(words) }, "\(warnings)")
    }
    let warnings = try Comparison(base: [former], new: [old], thresholds: Thresholds()).warnings
    #expect(!warnings.contains { $0.contains("rules of Linux") })
  }

  @Test func aMetricThatThereIsNotIsRefused() throws {
    let run = Fixtures.run("a", [.init(id: "c", cpu: [1])])
    for name in ["nope", "", "outcome", "last_ns"] {
      let error = #expect(throws: UserError.self) {
        try Comparison(base: [run], new: [run], thresholds: Thresholds(), metrics: [name])
      }
      #expect(error?.exitStatus == 64 && error?.description.contains("'\(name)'") == true)
    }
    let empty = Fixtures.run("empty", [])
    let error = #expect(throws: UserError.self) {
      try Comparison(base: [run], new: [empty], thresholds: Thresholds())
    }
    #expect(error?.exitStatus == 65 && error?.description.hasPrefix("empty: ") == true)
  }
}

/// Two strategies of one run.
@Suite struct StrategyComparisonTests {
  private typealias Fixtures = CompareFixtures

  /// Guests whose repetitions differ far more than the strategies: only in pairs the difference shows.
  private static func run(_ extra: [CompareFixtures.Cell] = []) -> TrackedRun {
    let cells = [8, 64].flatMap { gib -> [Fixtures.Cell] in
      let levels = (0..<12).map { pow10(Double($0 % 4)) * Double(gib) * (1 + 0.001 * Double($0)) }
      return [
        .init(
          id: "w\(gib)", strategy: "walk-callback:kick=none", bytes: UInt64(gib) << 30, cpu: levels,
          hold: levels, order: 0),
        .init(
          id: "b\(gib)", strategy: "budgeted-resume:budget=100:check=buddy", bytes: UInt64(gib) << 30,
          cpu: levels.map { $0 * 1.2 }, hold: levels.map { $0 * 0.1 }),
      ]
    }
    return Fixtures.run("a", cells + extra)
  }

  private static func pow10(_ exponent: Double) -> Double { (0..<Int(exponent)).reduce(1) { value, _ in value * 10 } }

  @Test func cellsArePairedByEverythingButTheDesign() throws {
    let comparison = try Comparison(
      of: [Self.run()], strategies: ("walk-callback", "budgeted-resume"), thresholds: Thresholds())
    let asked = comparison.rows.filter(\.isAsked)
    // Which holds the lock shorter, and at what cost.
    let deciding = ["guest_cpu_ns", TrackedMetric.longestHold]
    #expect(asked.map(\.metric.name) == deciding + deciding)
    #expect(asked.map(\.cell) == ["8 GiB", "8 GiB", "64 GiB", "64 GiB"])
    #expect(asked.map(\.verdict) == [.worse, .better, .worse, .better])
    #expect(asked.allSatisfy { isNear($0.p, 2.0 / 4096) }, "12 pairs that all go one way")
    #expect(comparison.family == 4 && comparison.sampling == .pairs)
    let notes = ComparisonText(comparison, all: false).notes
    #expect(
      notes.first == "budgeted-resume against walk-callback: slower, holds shorter in 2 of 2 cells (8 GiB; 64 GiB).")
  }

  /// Strategies of two runs: nothing pairs their repetitions.
  @Test func strategiesOfTwoRunsAreCompared() throws {
    let comparison = try Comparison(
      of: [Self.run()], and: [Self.run()], strategies: ("walk-callback", "budgeted-resume"), thresholds: Thresholds())
    #expect(comparison.sampling == .repetitions)
    let asked = comparison.rows.filter(\.isAsked)
    #expect(asked.map(\.cell) == ["8 GiB", "8 GiB", "64 GiB", "64 GiB"])
    // Levels differ a thousandfold, and unpaired a fifth is lost in them.
    #expect(asked.first?.verdict == .notEnoughData)
  }

  @Test func strategiesOfDifferentGoalsDontReplaceEachOther() throws {
    let run = Self.run([
      .init(id: "p8", strategy: "page-reporting:order=session", cpu: Fixtures.values(12)),
      .init(id: "a8", strategy: "bitmap-hinting:capacity=16", cpu: Fixtures.values(12)),
    ])
    func warnings(_ base: String, _ new: String) throws -> [String] {
      try Comparison(of: [run], strategies: (base, new), thresholds: Thresholds()).warnings
    }
    #expect(try warnings("walk-callback", "page-reporting").first?.contains("they don't replace each other") == true)
    #expect(try warnings("walk-callback", "budgeted-resume").isEmpty)
    #expect(try warnings("bitmap-hinting", "page-reporting").isEmpty)
  }

  /// The 99th percentile of 14 holds is their longest, that of 100 leaves it out.
  @Test func quantilesOfOtherNumbersOfHoldsDontCompare() throws {
    func comparison(_ holds: Int) throws -> Comparison {
      let values = Fixtures.values(12)
      let cells: [Fixtures.Cell] = [
        .init(id: "w", strategy: "walk-callback:kick=none", cpu: values, holdP99: values, holds: 100),
        .init(id: "b", strategy: "budgeted-resume:budget=100", cpu: values, holdP99: values, holds: holds),
      ]
      return try Comparison(
        of: [Fixtures.run("a", cells)], strategies: ("walk-callback", "budgeted-resume"), thresholds: Thresholds(),
        metrics: ["lock_hold_ns_p99"])
    }
    let other = try comparison(111)
    #expect(other.rows.first?.reason == .otherNumberOfHolds && other.exitStatus(strict: false) == 3)
    #expect(try comparison(109).rows.first?.verdict == .same)
    // Where nobody asks for it, it isn't offered.
    let shown = try Comparison(
      of: [
        Fixtures.run(
          "a",
          [
            .init(id: "w", strategy: "walk-callback:kick=none", cpu: Fixtures.values(12), holdP99: [1, 2], holds: 100),
            .init(
              id: "b", strategy: "budgeted-resume:budget=100", cpu: Fixtures.values(12), holdP99: [1, 2], holds: 14),
          ])
      ], strategies: ("walk-callback", "budgeted-resume"), thresholds: Thresholds())
    #expect(!shown.rows.contains { $0.metric.name == "lock_hold_ns_p99" })
  }

  @Test func aWordMustMeanOneDesign() throws {
    let other = Fixtures.Cell(
      id: "b2", strategy: "budgeted-resume:budget=1000:check=buddy", cpu: Fixtures.values(12))
    let run = Self.run([other])
    func compare(_ word: String) throws -> Comparison {
      try Comparison(of: [run], strategies: ("walk-callback", word), thresholds: Thresholds())
    }
    let error = #expect(throws: UserError.self) { try compare("budgeted-resume") }
    #expect(error?.exitStatus == 64)
    for name in ["budgeted-resume:budget=100:check=buddy", "budgeted-resume:budget=1000:check=buddy"] {
      #expect(error?.description.contains(name) == true)
    }
    #expect(try compare("budgeted-resume:budget=100").rows.count { $0.isAsked } == 4)
    let unknown = #expect(throws: UserError.self) { try compare("nope") }
    #expect(unknown?.description.contains("unknown strategy 'nope'") == true)
    // A strategy that only one guest has: the other cell of base has nothing to be paired with.
    let partial = try compare("budgeted-resume:budget=1000")
    #expect(partial.onlyInBase == ["64 GiB order 0"] || partial.onlyInBase == ["64 GiB"])
    #expect(partial.rows.count { $0.isAsked } == 2 && partial.exitStatus(strict: false) != 0)
  }
}
