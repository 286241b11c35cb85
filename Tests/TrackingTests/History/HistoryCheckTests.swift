import Experiments
import Foundation
import Records
import TestSupport
import Testing

@testable import Tracking

@Suite struct HistoryCheckTests {
  private static func thresholds() throws -> Thresholds { try HistoryThresholds.make(file: nil, minimumEffect: nil) }

  /// Of these runs in a history of their own, the newest of them checked.
  private static func check(
    _ runs: [TrackedRun], window: Int = 10, thresholds: Thresholds? = nil
  ) throws -> HistoryCheck {
    try Nights.withFolder { folder in
      let history = try History(folder + "/history.sqlite", for: .writing)
      for run in runs { _ = try history.add(run, isPartialAllowed: true) }
      return try history.check(window: window, thresholds: try thresholds ?? Self.thresholds())
    }
  }

  /// Nights with so much scatter, then one that is so many times as much.
  private static func nights(_ count: Int, scatter: Double, factor: Double, seed: UInt64 = 3) -> [TrackedRun] {
    var random = SplitMix64(seed: seed)
    return (1...count).map { night in
      let last = night == count ? factor : 1
      return Nights.scan(
        night, ["a": 1000 * exp(random.normal() * scatter) * last, "b": 5000 * exp(random.normal() * scatter)])
    }
  }

  // MARK: measured metrics

  @Test func aSlowdownIsFoundAndAnImprovementAsWell() throws {
    let worse = try Self.check(Self.nights(11, scatter: 0.02, factor: 1.6))
    #expect(worse.rows.map(\.verdict) == [.worse, .same])
    #expect(worse.rows.map(\.metric) == ["guest_cpu_ns", "guest_cpu_ns"])
    #expect(worse.exitStatus(strict: false) == 2 && worse.exitStatus(strict: true) == 2)
    let better = try Self.check(Self.nights(11, scatter: 0.02, factor: 0.5))
    #expect(better.rows.map(\.verdict) == [.better, .same])
    #expect(better.exitStatus(strict: false) == 0 && better.exitStatus(strict: true) == 4)
    let same = try Self.check(Self.nights(11, scatter: 0.02, factor: 1))
    #expect(same.rows.map(\.verdict) == [.same, .same])
    #expect(same.exitStatus(strict: true) == 0)
  }

  /// Statistics alone don't make a regression: 15 % is certain here, and below the 25 that count.
  @Test func aSmallChangeCountsOnlyIfAskedFor() throws {
    let nights = Self.nights(11, scatter: 0.01, factor: 1.15)
    let check = try Self.check(nights)
    #expect(check.rows[0].verdict == .same && (check.rows[0].correctedP ?? 1) < 0.001)
    let narrow = try HistoryThresholds.make(file: nil, minimumEffect: "10%")
    #expect(try Self.check(nights, thresholds: narrow).rows[0].verdict == .worse)
  }

  @Test func aLargeChangeAmongLargeScatterIsNoRegression() throws {
    let check = try Self.check(Self.nights(11, scatter: 0.4, factor: 1.5))
    #expect(check.rows[0].verdict == .notEnoughData)
    #expect(check.rows[0].reason?.contains("scatter") == true)
    #expect((check.rows[0].leastFound ?? 0) > 1)
    #expect(check.exitStatus(strict: false) == 3)
  }

  @Test(arguments: 1...5) func fewerThanFiveEarlierRunsAreNotEnough(earlier: Int) throws {
    let check = try Self.check(Self.nights(earlier + 1, scatter: 0.01, factor: 3))
    #expect(check.rows[0].verdict == (earlier < 5 ? .notEnoughData : .worse))
    #expect(check.exitStatus(strict: false) == (earlier < 5 ? 3 : 2))
  }

  @Test func aFirstRunHasNothingToBeJudgedBy() throws {
    let check = try Self.check([Nights.scan(1, ["a": 100])])
    #expect(check.rows.map(\.verdict) == [.notEnoughData] && check.earlier.isEmpty)
    #expect(check.exitStatus(strict: false) == 3)
  }

  /// What never varied says nothing of how much it may.
  @Test func equalEarlierValuesAreNotTakenForCertainty() throws {
    func check(_ last: Double) throws -> HistoryCheck {
      try Self.check((1...9).map { Nights.scan($0, ["a": $0 == 9 ? last : 1000]) })
    }
    #expect(try check(1000).rows[0].verdict == .same)
    #expect(try check(1100).rows[0].verdict == .same)
    let unsure = try check(2000)
    #expect(unsure.rows[0].verdict == .notEnoughData && unsure.rows[0].reason?.contains("equal") == true)
  }

  /// Equal builds are called worse or better no more often than alpha says, for all cells together.
  @Test func equalNightsAreNotCalledDifferent() throws {
    let seed: UInt64 = 77
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    var thresholds = try Self.thresholds()
    thresholds.minimumEffect = 0
    thresholds.alpha = 0.05
    let metric = try #require(TrackedMetric.all(of: "scan").first { $0.name == "guest_cpu_ns" })
    let entry = try Nights.withFolder { folder in
      let history = try History(folder + "/history.sqlite", for: .writing)
      _ = try history.add(Nights.scan(1, ["a": 1]))
      return try history.entry(named: "@1")
    }
    var alarms = 0
    let trials = 1000
    for _ in 0..<trials {
      let rows = (0..<10).map { cell in
        let values = (0..<11).map { _ in exp(random.normal() * 0.1) }
        return HistoryCheckRow(
          cellID: "\(cell)", cell: "\(cell)", experiment: "scan", strategy: "x", metric: metric, isExact: false,
          earlier: Array(values.dropLast()), newest: values[10], minimumEffect: 0)
      }
      let check = HistoryCheck(
        run: entry, earlier: [], rows: rows, lost: [], common: [], thresholds: thresholds, window: 10)
      if check.count(.worse) + check.count(.better) > 0 { alarms += 1 }
    }
    // At most 50 expected; five standard deviations are 34. And not so few that nothing is tested.
    #expect((16...84).contains(alarms), "\(alarms) of \(trials)")
  }

  // MARK: what numbers alone don't say

  @Test func aRunThatCoversLessIsNeitherBetterNorTheSame() throws {
    func check(_ factor: Double) throws -> HistoryCheck {
      var nights = Self.nights(11, scatter: 0.02, factor: factor)
      for index in nights[10].repetitions.indices where nights[10].repetitions[index].identity.cellID == "a" {
        nights[10].repetitions[index].found.coverageFree = 0.5
      }
      return try Self.check(nights)
    }
    for factor in [1, 0.5] {
      let check = try check(factor)
      #expect(check.rows.map(\.verdict) == [.notEnoughData, .same] && check.exitStatus(strict: false) == 3)
      #expect(check.rows[0].reason?.contains("coverage_free") == true)
    }
    #expect(try check(1.6).rows[0].verdict == .worse)
  }

  @Test func moreFailedRepetitionsAreNotPassedOver() throws {
    var nights = Self.nights(11, scatter: 0.02, factor: 1)
    nights[10].repetitions[0].found.outcome = .error
    let check = try Self.check(nights)
    #expect(check.rows.map(\.verdict) == [.same, .same] && check.exitStatus(strict: false) == 3)
    #expect(HistoryCheckText(check).text.contains("1 of 6 repetitions failed"))
    nights[9].repetitions[0].found.outcome = .error
    #expect(try Self.check(nights).exitStatus(strict: false) == 0)
  }

  /// Of a window with a 0 in it nobody can say how large a change would have shown.
  @Test func scatterAroundZeroIsNotTheSame() throws {
    let metric = try #require(TrackedMetric.all(of: "contiguous").first { $0.name == "failures_per_1000" })
    let entry = try Nights.withFolder { folder in
      let history = try History(folder + "/history.sqlite", for: .writing)
      _ = try history.add(Nights.scan(1, ["a": 1]))
      return try history.entry(named: "@1")
    }
    func verdict(_ earlier: [Double], _ newest: Double) throws -> Verdict? {
      let row = HistoryCheckRow(
        cellID: "c", cell: "c", experiment: "contiguous", strategy: "x", metric: metric, isExact: false,
        earlier: earlier, newest: newest, minimumEffect: 0.25)
      return HistoryCheck(
        run: entry, earlier: [], rows: [row], lost: [], common: [], thresholds: try Self.thresholds(), window: 10
      ).rows.first?.verdict
    }
    #expect(try verdict([0, 250, 0, 500, 250, 0], 250) == .notEnoughData)
    #expect(try verdict([0, 1, 0, 2, 1, 0], 250) == .worse)
    #expect(try verdict([0, 0, 0, 0, 0, 0], 0) == .same)
  }

  // MARK: exact metrics

  @Test func countsOfAnotherSeedAreThoseOfAnotherGuest() throws {
    func check(seed: UInt64) throws -> HistoryCheck {
      try Self.check(
        (1...3).map { night in
          Nights.scan(night, ["a": 100], instructions: night == 3 ? 2000 : 1000) {
            if night == 3 { $0.meta.seed = seed }
          }
        })
    }
    #expect(try check(seed: 7).rows.map(\.verdict) == [.worse])
    let other = try check(seed: 8)
    #expect(other.rows.map(\.verdict) == [.notEnoughData] && other.rows[0].earlier.isEmpty)
  }

  private static func counted(_ instructions: [Int]) throws -> HistoryCheck {
    try check(
      instructions.enumerated().map { night, count in Nights.scan(night + 1, ["a": 1000], instructions: count) })
  }

  @Test func aStepOfAnExactMetricIsFoundEveryTime() throws {
    #expect(try Self.counted([100_000, 100_600]).rows[0].verdict == .worse)
    #expect(try Self.counted([100_000, 100_400]).rows[0].verdict == .same)
    #expect(try Self.counted([100_000, 99_000]).rows[0].verdict == .better)
    let usual = [Int](repeating: 100_000, count: 10)
    let step = try Self.counted(usual + [100_600])
    #expect(step.rows[0].verdict == .worse && step.rows[0].isExact && step.rows[0].p == nil)
    #expect(step.rows[0].metric == "instructions")
    #expect(step.exitStatus(strict: false) == 2)
    // Back at what was usual, from an improvement of the night before.
    #expect(try Self.counted(usual + [50_000, 100_000]).rows[0].verdict == .worse)
    // Small steps, none of which counts, from what was usual.
    #expect(try Self.counted(usual + [100_300, 100_600]).rows[0].verdict == .worse)
    #expect(try Self.counted(usual + [100_000]).exitStatus(strict: true) == 0)
  }

  /// Where only one side was counted, times decide.
  @Test func countsAreComparedWithCounts() throws {
    let nights = (1...8).map { Nights.scan($0, ["a": 1000 + Double($0)], instructions: $0 == 8 ? 100 : nil) }
    let check = try Self.check(nights)
    #expect(check.rows[0].metric == "guest_cpu_ns" && !check.rows[0].isExact && check.rows[0].earlier.count == 7)
    let mixed = (1...8).map { Nights.scan($0, ["a": 1000 + Double($0)], instructions: $0 > 6 ? 100 : nil) }
    let counted = try Self.check(mixed)
    #expect(counted.rows[0].metric == "instructions" && counted.rows[0].earlier == [100])
  }

  @Test func theVirtualClocksRowsAreExactAndTheRealOnesAreNot() throws {
    let nights = (1...8).map {
      Nights.steadyState($0, virtual: $0 == 8 ? 2.1e9 : 2e9, real: 2e9 * (1 + Double($0) * 0.01))
    }
    let check = try Self.check(nights)
    #expect(check.rows.count == 2)
    let rows = Dictionary(uniqueKeysWithValues: check.rows.map { ($0.isExact, $0) })
    #expect(rows[true]?.verdict == .worse && rows[true]?.cell.contains("clock=virtual") == true)
    #expect(rows[false]?.verdict == .same && rows[false]?.cell.contains("clock=real") == true)
  }

  // MARK: what is compared with what

  @Test func onlyTheWindowCounts() throws {
    // An old level, long gone.
    let nights = (1...20).map { Nights.scan($0, ["a": $0 < 10 ? 4000 : 1000 * (1 + Double($0 % 3) / 100)]) }
    let check = try Self.check(nights)
    #expect(check.rows[0].earlier.count == 10 && check.rows[0].verdict == .same)
    let last = try #require(check.rows[0].earlier.last)
    #expect(abs(last - 1010) < 1)
    #expect(try Self.check(nights, window: 5).rows[0].earlier.count == 5)
    #expect(try Self.check(nights, window: 100).rows[0].earlier.count == 19)
  }

  /// A cell that not every night has is judged by those nights that have it.
  @Test func eachCellHasItsOwnWindow() throws {
    let nights = (1...20).map { night in
      Nights.scan(
        night,
        night.isMultiple(of: 4)
          ? ["a": 1000 + Double(night), "rare": 10 + Double(night % 3)] : ["a": 1000 + Double(night)])
    }
    let check = try Self.check(nights, window: 4)
    #expect(check.rows.map(\.cellID) == ["a", "rare"])
    #expect(check.rows.map { $0.earlier.count } == [4, 4])
    #expect(check.lost.isEmpty)
  }

  @Test func otherMachinesAndBuildsHaveNoPart() throws {
    let nights = Self.nights(7, scatter: 0.01, factor: 1)
    let others = (1...6).flatMap { night in
      [
        Nights.scan(night, ["a": 9000], runID: "cpu-\(night)") {
          $0.meta = Nights.meta("cpu-\(night)", night: night, cpu: "another")
        },
        Nights.scan(night, ["a": 9000], runID: "build-\(night)") { $0.meta.buildMode = "debug" },
        Nights.scan(night, ["a": 9000], runID: "host-\(night)") { run in
          for index in run.repetitions.indices { run.repetitions[index].identity.host = "elsewhere" }
        },
      ]
    }
    let check = try Self.check(nights + others)
    #expect(check.earlier.count == 6 && check.rows.map(\.verdict) == [.same, .same])
  }

  @Test func laterRunsHaveNoPart() throws {
    let nights = Self.nights(14, scatter: 0.01, factor: 3)
    try Nights.withFolder { folder in
      let history = try History(folder + "/history.sqlite", for: .writing)
      for run in nights { _ = try history.add(run) }
      let check = try history.check("night-8", thresholds: Self.thresholds())
      #expect(check.run.name == "night-8" && check.earlier.map(\.name) == (1...7).reversed().map { "night-\($0)" })
    }
  }

  @Test func aCellThatIsGoneIsNamed() throws {
    var nights = Self.nights(8, scatter: 0.01, factor: 1)
    nights[7] = Nights.scan(8, ["b": 5000])
    let gone = try Self.check(nights)
    #expect(gone.rows.map(\.cellID) == ["b"] && gone.lost.count == 1)
    #expect(gone.exitStatus(strict: false) == 3)
    // A cell whose repetitions all failed is there, and has no value.
    nights[7] = Nights.scan(8, ["a": 1000, "b": 5000]) { run in
      for index in run.repetitions.indices where run.repetitions[index].identity.cellID == "a" {
        run.repetitions[index].found.outcome = .error
      }
    }
    let failed = try Self.check(nights)
    #expect(failed.rows[0].verdict == .notEnoughData && failed.rows[0].reason?.contains("not measured") == true)
  }

  @Test func controlsAndOversubscribedCellsAreNotJudged() throws {
    let nights = (1...7).map { night in
      Nights.scan(night, ["a": 1000 + Double(night), "b": 100, "c": 100]) { run in
        for index in run.repetitions.indices {
          switch run.repetitions[index].identity.cellID {
          case "b": run.repetitions[index].identity.strategy = "none"
          case "c": run.repetitions[index].load.oversubscribed = true
          default: break
          }
        }
      }
    }
    #expect(try Self.check(nights).rows.map(\.cellID) == ["a"])
  }

  // MARK: in words

  @Test func theTextSaysWhatWasFound() throws {
    let check = try Self.check(Self.nights(11, scatter: 0.02, factor: 1.6))
    let text = HistoryCheckText(check).text
    for said in ["night-11", "worse", "guest_cpu_ns", "Holm", "1 worse, 1 same of 2", "25 %"] {
      #expect(text.contains(said), "\(said) in:\n\(text)")
    }
    let json = try JSONEncoder().encode(check)
    let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    let rows = try #require(object["rows"] as? [[String: Any]])
    #expect(rows.count == 2 && rows[0]["verdict"] as? String == "worse")
  }

  @Test func minimumEffectsAreReadStrictly() throws {
    for (text, share) in [("25", 0.25), ("25%", 0.25), ("0.5%", 0.005), ("0", 0)] {
      #expect(try HistoryThresholds.make(file: nil, minimumEffect: text).minimumEffect == share)
    }
    for text in ["", "%", "x", "-1", "nan", "2000", "5 %x"] {
      #expect(throws: UserError.self, "\(text)") { try HistoryThresholds.make(file: nil, minimumEffect: text) }
    }
  }
}
