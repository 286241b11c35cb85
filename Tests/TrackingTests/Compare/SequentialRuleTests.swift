import Experiments
import Foundation
import Records
import TestSupport
import Testing

@testable import Tracking

/// `run --until decided`: how often it is wrong, and how long it takes.
@Suite struct SequentialRuleTests {
  private typealias Cell = CompareFixtures.Cell

  /// Two strategies whose CPU times and longest holds scatter by 4 % with a tenth of outliers, and drift together; the
  /// second is this many times the first.
  private struct Strategies {
    var generator: SplitMix64
    let cpu: Double
    let hold: Double
    var base = (cpu: [Double?](), hold: [Double?]())
    var new = (cpu: [Double?](), hold: [Double?]())

    init(seed: UInt64, cpu: Double = 1, hold: Double = 1) {
      generator = SplitMix64(seed: seed)
      self.cpu = cpu
      self.hold = hold
    }

    private mutating func scatter() -> Double {
      exp(0.04 * generator.normal()) * (generator.uniform() < 0.1 ? 1.3 : 1)
    }

    /// A run with this many repetitions, the first of which are those it had before.
    mutating func run(_ repetitions: Int) -> TrackedRun {
      while base.cpu.count < repetitions {
        let drift = 1 + 0.1 * sin(Double(base.cpu.count) / 9)
        base.cpu.append(1e6 * drift * scatter())
        base.hold.append(9e4 * drift * scatter())
        new.cpu.append(1e6 * drift * cpu * scatter())
        new.hold.append(9e4 * drift * hold * scatter())
      }
      return CompareFixtures.run(
        "r",
        [
          Cell(id: "c", strategy: "none", cpu: base.cpu.map { _ in 100 }),
          Cell(id: "a", strategy: "step-iterator:step=1:restarts=64", cpu: base.cpu, hold: base.hold),
          Cell(id: "b", strategy: "budgeted-resume:budget=1", cpu: new.cpu, hold: new.hold),
        ])
    }
  }

  /// Looks until all is decided. Returns the verdicts and the repetitions; nil if the last look decided nothing.
  private func decide(_ strategies: inout Strategies) throws -> (verdicts: [Verdict], repetitions: Int)? {
    let rule = SequentialRule(Thresholds(.all))
    var planned = 0
    while let repetitions = SequentialRule.repetitions(after: planned) {
      planned = repetitions
      let comparisons = try rule.comparisons(strategies.run(repetitions), repetitions: repetitions)
      #expect(comparisons.count == 1 && comparisons[0].rows.count(where: \.decides) == 2)
      if comparisons.allSatisfy(\.isDecided) { return (comparisons[0].rows.compactMap(\.verdict), repetitions) }
    }
    return nil
  }

  /// Of equal strategies at most one in a hundred may be called different, at any look: with 1000 seeds
  /// (HINTBENCH_SEEDS=10000) one was.
  @Test func equalStrategiesAreHardlyEverCalledDifferent() throws {
    let seeds = TestSeeds.oneIn(10)
    var wrong: [UInt64] = []
    var repetitions: [Int] = []
    for seed in seeds {
      var strategies = Strategies(seed: seed)
      guard let decided = try decide(&strategies) else { continue }
      if decided.verdicts != [.same, .same] { wrong.append(seed) }
      repetitions.append(decided.repetitions)
    }
    print("A/A: \(wrong.count) of \(seeds.count) wrong, seeds \(wrong); repetitions \(repetitions.sorted())")
    // 4 of 100 would be met by a rule of 1 % in 2 of 100 sets of seeds; these seeds are always the same.
    #expect(wrong.count <= max(1, 3 * seeds.count / 100), "seeds \(wrong)")
    #expect(repetitions.count >= seeds.count * 95 / 100)
  }

  @Test func aDifferenceIsFoundAndCountsByItsDirection() throws {
    let seeds = TestSeeds.oneIn(50)
    var found = 0
    for seed in seeds {
      var strategies = Strategies(seed: seed, cpu: 0.85, hold: 1.4)
      if try decide(&strategies)?.verdicts == [.better, .worse] { found += 1 }
    }
    #expect(found >= seeds.count * 9 / 10, "\(found) of \(seeds.count)")
  }

  @Test func eachLookHasAPartOfTheLevels() {
    let rule = SequentialRule(Thresholds(.all))
    let looks = SequentialRule.repetitions.map { rule.thresholds(at: $0, comparisons: 1) }
    #expect(SequentialRule.repetitions.first == 10 && SequentialRule.repetitions.last == 1280)
    #expect(looks.map(\.alpha).reduce(0, +) < Thresholds(.all).alpha)
    #expect(looks.map { 1 - $0.sameLevel }.reduce(0, +) < 1 - Thresholds(.all).sameLevel)
    #expect(rule.thresholds(at: 10, comparisons: 4).alpha == looks[0].alpha / 4)
    #expect(SequentialRule.repetitions(after: 10) == 20 && SequentialRule.repetitions(after: 1280) == nil)
  }

  @Test func whatReportsNothingIsNotCompared() throws {
    let names = ["none", "allocator:pages=16384", "walk-callback:kick=none", "none", "pluck-buffer:self=include"]
    #expect(SequentialRule.compared(names, .all) == ["walk-callback:kick=none", "pluck-buffer:self=include"])
    let run = CompareFixtures.run("r", [Cell(id: "a", cpu: CompareFixtures.values())])
    let error = #expect(throws: UserError.self) {
      try SequentialRule(Thresholds(.all)).comparisons(run, repetitions: 10)
    }
    #expect(error?.kind == .usage)
  }
}
