import Experiments
import Foundation
import GuestMemory
import Records
import TestSupport
import Testing

@testable import Diagnosis

@Suite("What noise lets be told apart")
struct NoiseStatisticTests {
  private static let counts = NoiseReport.repetitions

  /// Samples of three shapes: even, skewed to long times as a shared machine's are, and two-peaked.
  private static func samples(_ count: Int, _ generator: inout SeededGenerator) -> [[Double]] {
    let uniform = (0..<count).map { _ in Double.random(in: 90...110, using: &generator) }
    let skewed = (0..<count).map { _ in 100 * exp(pow(Double.random(in: 0...1, using: &generator), 3)) }
    let peaks = (0..<count).map { _ in
      Double.random(in: 99...101, using: &generator) + (Double.random(in: 0...1, using: &generator) < 0.2 ? 30 : 0)
    }
    return [uniform, skewed, peaks]
  }

  private static func resolvable(_ samples: [Double], _ repetitions: Int, seed: UInt64 = 1) -> Double? {
    NoiseStatistic.resolvable(pool: samples.count, repetitions: repetitions, seed: seed) {
      NoiseStatistic.median(samples, $0)
    }
  }

  private static func seeded(_ body: (inout SeededGenerator, UInt64) throws -> Void) rethrows {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<3 { try body(&generator, seed) }
  }

  @Test("repetitions that don't differ leave any difference to be told")
  func identical() {
    let samples = [Double](repeating: 42, count: 60)
    for count in Self.counts { #expect(Self.resolvable(samples, count) == 0) }
    #expect(NoiseStatistic.spread(samples) == 0)
  }

  @Test("other units, the same relative effect")
  func scale() throws {
    try Self.seeded { generator, seed in
      for samples in Self.samples(80, &generator) {
        let factor = Double.random(in: 0.001...1000, using: &generator)
        let scaled = samples.map { $0 * factor }
        let spread = try #require(NoiseStatistic.spread(samples))
        #expect(abs(try #require(NoiseStatistic.spread(scaled)) - spread) < 1e-9 * spread, "seed \(seed)")
        for count in Self.counts {
          let effect = try #require(Self.resolvable(samples, count))
          #expect(abs(try #require(Self.resolvable(scaled, count)) - effect) < 1e-9 * effect, "seed \(seed)")
        }
      }
    }
  }

  @Test("it grows with the spread around the median")
  func spread() throws {
    try Self.seeded { generator, seed in
      for samples in Self.samples(80, &generator) {
        let middle = try #require(NoiseStatistic.median(samples, Array(samples.indices)))
        let wider = samples.map { middle + 2 * ($0 - middle) }
        for count in Self.counts {
          let effect = try #require(Self.resolvable(samples, count))
          // The same draws: twice as far apart.
          #expect(abs(try #require(Self.resolvable(wider, count)) - 2 * effect) < 1e-9 * effect, "seed \(seed)")
          #expect(effect > 0)
        }
      }
    }
  }

  @Test("it shrinks with the repetitions")
  func repetitions() {
    Self.seeded { generator, seed in
      for samples in Self.samples(200, &generator) {
        let effects = Self.counts.compactMap { Self.resolvable(samples, $0) }
        #expect(effects.count == Self.counts.count)
        for (few, many) in zip(effects, effects.dropFirst()) { #expect(many < few, "seed \(seed): \(effects)") }
      }
    }
  }

  @Test("noise alone stays below it in 19 of 20 comparisons")
  func falseAlarms() throws {
    try Self.seeded { generator, seed in
      // The pool and what is compared come from the same source, and are not the same samples.
      let source = Self.samples(2000, &generator)[1]
      let effect = try #require(Self.resolvable(source, 10))
      let middle = try #require(NoiseStatistic.median(source, Array(source.indices)))
      let rounds = 2000
      var alarms = 0
      for _ in 0..<rounds {
        let fresh = Self.samples(20, &generator)[1]
        let one = try #require(NoiseStatistic.median(fresh, Array(0..<10)))
        let other = try #require(NoiseStatistic.median(fresh, Array(10..<20)))
        if abs(one - other) / middle > effect { alarms += 1 }
      }
      // 5 %, with room for the error of the draws and of these rounds.
      #expect((0.015...0.095).contains(Double(alarms) / Double(rounds)), "seed \(seed): \(alarms) of \(rounds)")
    }
  }

  @Test("the same seed gives the same figure, and where there are too few there is none")
  func seedAndPool() {
    var generator = SeededGenerator(seed: 5)
    let samples = Self.samples(20, &generator)[0]
    #expect(Self.resolvable(samples, 10) == Self.resolvable(samples, 10))
    #expect(Self.resolvable(samples, 10) != Self.resolvable(samples, 10, seed: 2))
    #expect(Self.resolvable(samples, 20) != nil && Self.resolvable(samples, 21) == nil)
    #expect(Self.resolvable([], 5) == nil && Self.resolvable(samples, 0) == nil)
    #expect(Self.resolvable([Double](repeating: 0, count: 9), 5) == nil, "nothing to be relative to")
    #expect(NoiseStatistic.spread([]) == nil && NoiseStatistic.spread([0, 0]) == nil)
  }

  @Test("of each two repetitions one goes to either arm")
  func arms() {
    for count in [0, 1, 2, 7, 100] {
      let arms = NoiseStatistic.arms(count: count, seed: 3)
      #expect(arms.first.count == count / 2 && arms.second.count == count / 2)
      for (one, other) in zip(arms.first, arms.second) { #expect(one / 2 == other / 2 && one != other) }
    }
    let arms = NoiseStatistic.arms(count: 100, seed: 3)
    #expect(arms.first.contains { $0 % 2 == 0 } && arms.first.contains { $0 % 2 == 1 })
    #expect(NoiseStatistic.arms(count: 100, seed: 4).first != arms.first)
  }

  private static func run(repetition: Int) -> RunRecord {
    RunRecord(
      identity: .init(
        runID: "r", cellID: "c0", time: Date(timeIntervalSince1970: 1_700_000_000), host: "h", experiment: "scan",
        strategy: "none", repetition: repetition, seed: 1),
      guest: .init(
        bytes: 8 << 30, nodes: 1, cpus: 2, zones: 3, granuleOrder: 0, vmemmapPageBytes: 4096, lockKind: "queued",
        pageInit: "none", state: "fresh", listOrder: "ascending"),
      load: .init(kind: "none", mutators: 0, oversubscribed: false, cache: "cold"),
      found: .init(outcome: .complete))
  }

  @Test("a cell's figures are those of its repetitions")
  func cell() throws {
    let results: [(run: RunRecord, holds: [UInt64]?)] = (0..<50).map { number in
      var run = Self.run(repetition: number)
      run.speed.msPerTiB = 100
      run.speed.guestCPUNs = number == 7 ? 9000 : 1000
      run.lock.holdNsMax = nil
      run.trust.involuntarySwitches = number < 3 ? number : 0
      return (run, [10, 40, number == 7 ? 900 : 20])
    }
    let cell = NoiseTrial.cell("none", results)
    #expect(cell.strategy == "none" && cell.repetitions == 50 && cell.preempted == 2)
    #expect(cell.metrics.map(\.name) == ["ms_per_tib", "guest_cpu_ns", "lock_hold_ns_max_repeatable"])
    let speed = cell.metrics[0]
    #expect(speed.unit == "ms/TiB" && speed.median == 100 && speed.spread == 0 && speed.difference == 0)
    #expect(speed.resolvable == [0, 0, 0, 0])
    // One repetition in fifty is no median.
    #expect(cell.metrics[1].median == 1000 && cell.metrics[1].difference == 0)
    // Longer in one repetition only: that isn't the strategy's, unless arms of five are drawn with that one alone.
    let hold = cell.metrics[2]
    #expect(hold.spread == nil && hold.difference == 0 && hold.resolvable.last == 0)
    #expect(NoiseTrial.cell("none", []).metrics.isEmpty && NoiseTrial.cell("none", []).preempted == nil)
  }
}
