import Bench
import Testing

@testable import Tracking

/// The rule of the verdicts, from values to verdict.
@Suite struct VerdictTests {
  private typealias Fixtures = CompareFixtures

  private static func comparison(
    _ base: [Double?], _ new: [Double?], thresholds: Thresholds = Thresholds(), metric: String? = nil
  ) throws -> Comparison {
    try Comparison(
      base: [Fixtures.run("a", [.init(id: "c", cpu: base)])], new: [Fixtures.run("b", [.init(id: "c", cpu: new)])],
      thresholds: thresholds, metrics: metric.map { [$0] } ?? [])
  }

  private static func row(_ base: [Double?], _ new: [Double?], _ thresholds: Thresholds = Thresholds()) throws
    -> ComparisonRow
  {
    try #require(try comparison(base, new, thresholds: thresholds).rows.first { $0.metric.name == "guest_cpu_ns" })
  }

  @Test func aLargeAndCertainChangeIsWorseOrBetter() throws {
    let worse = try Self.row(Fixtures.values(), Fixtures.values(times: 1.1, from: 1))
    #expect(worse.verdict == .worse && worse.reason == nil)
    #expect(isNear(worse.change, 0.1, 0.005))
    #expect(try Self.row(Fixtures.values(times: 1.1), Fixtures.values(from: 1)).verdict == .better)
  }

  /// A metric of which more is better, turned round.
  @Test func theDirectionOfTheMetricCounts() throws {
    func run(_ name: String, _ coverage: Double) -> TrackedRun {
      var run = Fixtures.run(name, [.init(id: "c", cpu: Fixtures.values())])
      for index in run.repetitions.indices { run.repetitions[index].found.coverage = coverage - Double(index) * 1e-4 }
      return run
    }
    func verdict(_ base: Double, _ new: Double) throws -> Verdict? {
      try Comparison(base: [run("a", base)], new: [run("b", new)], thresholds: Thresholds(), metrics: ["coverage"])
        .rows.first?.verdict
    }
    #expect(try verdict(0.9, 0.5) == .worse)
    #expect(try verdict(0.5, 0.9) == .better)
    #expect(try verdict(0.9, 0.9) == .same)
  }

  /// Certain, and less than anybody cares for.
  @Test func aSmallChangeIsTheSameHoweverCertain() throws {
    let row = try Self.row(Fixtures.values(), Fixtures.values(times: 1.03, from: 1))
    #expect((row.correctedP ?? 1) <= 0.01 && row.verdict == .same)
    var strict = Thresholds()
    strict.minimumEffect = 0.02
    #expect(try Self.row(Fixtures.values(), Fixtures.values(times: 1.03, from: 1), strict).verdict == .worse)
    strict.minimumEffect = 0.5
    strict.metrics["guest_cpu_ns"] = 0.01
    #expect(try Self.row(Fixtures.values(), Fixtures.values(times: 1.03, from: 1), strict).verdict == .worse)
  }

  @Test func equalRunsAreTheSame() throws {
    let row = try Self.row(Fixtures.values(), Fixtures.values())
    #expect(row.verdict == .same && row.change == 0 && row.p == 1)
    #expect(row.interval?.contains(0) == true)
  }

  /// 4 against 4 say at most 2 in 70.
  @Test func tooFewValuesSayNothing() throws {
    let row = try Self.row(Fixtures.values(4), Fixtures.values(4, times: 2))
    #expect(row.verdict == .notEnoughData && row.reason == .tooFew(needed: 5, family: 1))
    #expect(try Self.row(Fixtures.values(5), Fixtures.values(5, times: 2)).verdict == .worse)
    let single = try Self.row([1], [2])
    #expect(single.p == nil && single.interval == nil && single.verdict == .notEnoughData)
  }

  /// Noise of 30 % in 5 repetitions rules nothing out; with a larger minimum effect it does.
  @Test func scatteredValuesAreNotTheSame() throws {
    let base: [Double?] = [1.0, 1.4, 0.75, 1.2, 0.7]
    let new: [Double?] = [0.8, 1.3, 1.05, 0.72, 1.35]
    let row = try Self.row(base, new)
    #expect(row.verdict == .notEnoughData && row.reason?.short == "scattered")
    var wide = Thresholds()
    wide.minimumEffect = 1
    #expect(try Self.row(base, new, wide).verdict == .same)
  }

  /// 5 % by alpha of its own, nothing among twenty: neither worse nor the same.
  @Test func whatOnlyItsOwnPSaysIsNotEnough() throws {
    let cells = (0..<20).map { number in
      Fixtures.Cell(id: "c\(number)", cpu: Fixtures.values(8, from: number))
    }
    var changed = cells
    // 8 against 8 whose p is between 1 in 1000 and 1 in 100.
    changed[3].cpu = [1.01e6, 1.011e6, 1.11e6, 1.12e6, 1.13e6, 1.14e6, 1.15e6, 1.16e6]
    let comparison = try Comparison(
      base: [Fixtures.run("a", cells)], new: [Fixtures.run("b", changed)], thresholds: Thresholds())
    let row = try #require(comparison.rows.first { $0.cellID == "c3" && $0.isAsked })
    #expect((row.p ?? 1) <= 0.01 && (row.correctedP ?? 0) > 0.01)
    #expect(row.verdict == .notEnoughData && row.reason == .onlyUncorrected(family: 20))
    #expect(comparison.family == 20 && comparison.count(.same) == 19)
  }

  /// The family grows by each cell, so that the same p counts for less.
  @Test func moreCellsNeedMoreRepetitions() throws {
    func verdict(cells: Int) throws -> ComparisonRow? {
      let base = (0..<cells).map { Fixtures.Cell(id: "c\($0)", cpu: Fixtures.values(5)) }
      let new = (0..<cells).map { Fixtures.Cell(id: "c\($0)", cpu: Fixtures.values(5, times: 2)) }
      return try Comparison(base: [Fixtures.run("a", base)], new: [Fixtures.run("b", new)], thresholds: Thresholds())
        .rows.first
    }
    #expect(try verdict(cells: 1)?.verdict == .worse)
    #expect(try verdict(cells: 30)?.verdict == .notEnoughData)
    #expect(try verdict(cells: 30)?.reason == .tooFew(needed: 8, family: 30))
  }

  @Test func exactCountsNeedNoTest() throws {
    func verdict(_ base: Int, _ new: Int, seed: UInt64 = 1) throws -> ComparisonRow {
      let one = Fixtures.run("a", [.init(id: "c", cpu: Fixtures.values(3), instructions: base)])
      let other = Fixtures.run("b", [.init(id: "c", cpu: Fixtures.values(3), instructions: new)], seed: seed)
      let rows = try Comparison(base: [one], new: [other], thresholds: Thresholds()).rows
      #expect(rows.count { $0.isAsked } == 1)
      return try #require(rows.first)
    }
    let worse = try verdict(100_000, 100_600)
    #expect(worse.metric.name == "instructions" && worse.isExact && worse.p == nil && worse.verdict == .worse)
    #expect(try verdict(100_600, 100_000).verdict == .better)
    #expect(try verdict(100_000, 100_400).verdict == .same)
    #expect(try verdict(100_000, 100_000).change == 0)
    #expect(try verdict(0, 1).verdict == .worse)
    // Another seed makes another guest.
    let other = try verdict(100_000, 100_000, seed: 2)
    #expect(other.verdict == nil && other.reason == .exactWithOtherSeed && other.isMismatch)
  }

  /// A base of 0 has no percentage: what the statistics say counts, however small.
  @Test func aBaseOfNothingHasNoShare() throws {
    let zeros = [Double?](repeating: 0, count: 8)
    let row = try Self.row(zeros, (1...8).map { Double($0) })
    #expect(!row.isRelative && row.change == 4.5 && row.verdict == .worse)
    #expect(try Self.row(zeros, zeros).verdict == .same)
  }

  @Test func theExitStatusSaysTheWorst() throws {
    let base = Fixtures.values()
    let status = { (new: [Double?], strict: Bool) in try Self.comparison(base, new).exitStatus(strict: strict) }
    #expect(try status(Fixtures.values(times: 1.2), false) == 2)
    #expect(try status(Fixtures.values(times: 0.8), false) == 0)
    #expect(try status(Fixtures.values(times: 0.8), true) == 4)
    #expect(try status(base, true) == 0)
    #expect(try status([1e6, 2e6], false) == 3)
    // A regression goes before a cell that isn't there, and that before an improvement.
    func cells(_ factor: Double) -> [Fixtures.Cell] { [.init(id: "c", cpu: Fixtures.values(times: factor))] }
    let more = Fixtures.Cell(id: "d", state: "aged", cpu: base)
    for (factor, expected) in [(1.2, Int32(2)), (0.8, 3), (1, 3)] {
      let comparison = try Comparison(
        base: [Fixtures.run("a", cells(1) + [more])], new: [Fixtures.run("b", cells(factor))],
        thresholds: Thresholds())
      #expect(comparison.exitStatus(strict: true) == expected)
      #expect(comparison.onlyInBase.count == 1 && comparison.onlyInBase[0].contains("aged"))
    }
  }
}

/// What the rule says of equal and of different builds, launch by launch, in blocks of two and two. Seeded.
@Suite struct FalseAlarmTests {
  private typealias Fixtures = CompareFixtures
  private static let cells = 6

  /// One comparison of 10 launches a side in the order A B B A, of one repetition each: every launch about 3 % off, on
  /// a machine that drifts.
  private static func compare(_ draw: inout Draws, change: Double, quartets: Int = 5) throws -> Comparison {
    var (base, new): ([TrackedRun], [TrackedRun]) = ([], [])
    var drift = [Double](repeating: 0, count: cells)
    for quartet in 0..<quartets {
      for cell in drift.indices { drift[cell] += 0.05 * draw.normal() }
      for launch in 0..<2 {
        func run(_ name: String, _ change: Double) -> TrackedRun {
          let cells = drift.enumerated().map { number, drift in
            Fixtures.Cell(
              id: "c\(number)", cpu: draw.launches(1, spread: 0.03, change: drift + change, heavyTails: true))
          }
          return Fixtures.run("\(name)\(quartet)\(launch)", cells)
        }
        base.append(run("a", 0))
        new.append(run("b", change))
      }
    }
    return try Comparison(base: base, new: new, thresholds: Thresholds(), metrics: ["guest_cpu_ns"])
  }

  /// Of 60 comparisons of a build with itself at most 3 may call any cell different: at alpha 1 % more come thrice in
  /// 1000 times.
  @Test func equalBuildsAreCalledTheSame() throws {
    var draw = Draws(seed: 21)
    var different = 0
    for _ in 0..<60 {
      let comparison = try Self.compare(&draw, change: 0)
      #expect(comparison.sampling == .launches(inQuartets: true) && comparison.family == Self.cells)
      if comparison.count(.worse) + comparison.count(.better) > 0 { different += 1 }
    }
    #expect(different <= 3, "seed 21: \(different) of 60")
  }

  /// With 10 launches a side that scatter by 3 %, the interval often reaches beyond 5 %: not enough data. With 60 it
  /// doesn't.
  @Test func moreLaunchesShowThatNothingChanged() throws {
    var draw = Draws(seed: 23)
    var same = 0
    for _ in 0..<6 { same += try Self.compare(&draw, change: 0, quartets: 30).count(.same) }
    #expect(same >= 34, "seed 23: \(same) of 36")
  }

  /// Of 240 cells that became slower by the minimum effect itself one in twenty may be called the same: 12, and 13.5 for
  /// chance (four standard deviations).
  @Test func aChangeOfTheMinimumEffectIsSeldomCalledTheSame() throws {
    var draw = Draws(seed: 24)
    var same = 0
    for _ in 0..<40 { same += try Self.compare(&draw, change: 0.04879).count(.same) }
    #expect(same <= 25, "seed 24: \(same) of 240")
  }

  /// Of 180 cells that became 10 % slower at least 19 of 20 are called worse, and none better.
  @Test func tenPercentAreSeen() throws {
    var draw = Draws(seed: 22)
    var counts: [Verdict: Int] = [:]
    for _ in 0..<30 {
      for row in try Self.compare(&draw, change: 0.0953).rows.filter(\.decides) {
        counts[row.verdict ?? .same, default: 0] += 1
      }
    }
    #expect(counts[.worse, default: 0] >= 171 && counts[.better] == nil, "seed 22: \(counts)")
  }
}
