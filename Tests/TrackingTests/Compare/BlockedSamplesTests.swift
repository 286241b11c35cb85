import Foundation
import Testing

@testable import Tracking

@Suite struct BlockedSamplesTests {
  private static func oneBlock(_ base: [Double], _ new: [Double]) -> BlockedSamples {
    BlockedSamples([.init(base: base, new: new)])
  }

  /// scipy 1.17.1: stats.mannwhitneyu(base, new, method='exact').pvalue
  @Test(arguments: [
    ([1.83, 0.50, 1.62, 2.48, 1.68], [0.878, 0.647, 0.598, 2.05, 1.06], 0.42063492063492064),
    (
      [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30],
      [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06001, 3.14, 1.29001], 0.13591114767585355
    ),
    (
      [101, 102, 103, 104, 105, 106, 107, 108, 109, 110], [111, 112, 113, 114, 115, 116, 117, 118, 119, 100],
      0.0015046872632011952
    ),
  ])
  func oneBlockIsTheRankSumTest(_ base: [Double], _ new: [Double], _ p: Double) {
    #expect(abs(Self.oneBlock(base, new).p - p) < 1e-12)
  }

  /// Above the exact steps: scipy 1.17.1, method='asymptotic'; method='exact' says 0.00719.
  @Test func manyValuesAreTestedByTheNormalDistribution() {
    let base = (1...80).map { Double($0) }
    #expect(abs(Self.oneBlock(base, base.map { $0 + 10.5 }).p - 0.00742405369633596) < 1e-9)
  }

  /// Tables of Wilcoxon's rank-sum, n = m = 5: two-sided, rank sums of new up to 15, 17, 19.
  @Test(arguments: [([1, 2, 3, 4, 5], 2), ([1, 2, 3, 4, 7], 8), ([1, 2, 3, 4, 9], 24)])
  func fiveAgainstFiveIsAsInTheTables(_ ranks: [Int], _ ways: Int) {
    let new = ranks.map { Double($0) }
    let base = (1...10).map { Double($0) }.filter { !new.contains($0) }
    // Of 252; the p of the table's sum and all below it, on both sides.
    #expect(abs(Self.oneBlock(base, new).p - Double(ways) / 252) < 1e-12)
  }

  /// Every way to exchange labels inside blocks, one by one, with ranks as counted pair by pair.
  @Test(arguments: 1...60) func theDistributionIsThatOfEveryArrangement(_ seed: Int) {
    var draw = Draws(seed: UInt64(seed))
    let blocks = (0..<Int.random(in: 1...3, using: &draw.generator)).map { _ in
      // Few different values, so that there are ties.
      func values() -> [Double] {
        (0..<Int.random(in: 1...3, using: &draw.generator)).map { _ in
          Double(Int.random(in: 1...6, using: &draw.generator))
        }
      }
      return BlockedSamples.Block(base: values(), new: values())
    }
    let samples = BlockedSamples(blocks)
    #expect(abs(samples.p - Self.byEnumeration(blocks)) < 1e-9, "seed \(seed): \(blocks)")
    #expect(samples.p >= samples.smallestP / 2 - 1e-12, "seed \(seed)")
  }

  private static func byEnumeration(_ blocks: [BlockedSamples.Block]) -> Double {
    var aligned: [(value: Double, block: Int)] = []
    var observed: [Bool] = []
    for (index, block) in blocks.enumerated() {
      let all = (block.base + block.new).map { log($0) }.sorted()
      let middle = (all[(all.count - 1) / 2] + all[all.count / 2]) / 2
      aligned += (block.base + block.new).map { (log($0) - middle, index) }
      observed += block.base.map { _ in false } + block.new.map { _ in true }
    }
    // A mean rank: 1/2 for itself and each equal value, 1 for each lower one.
    let ranks = aligned.map { one in
      aligned.reduce(0.5) { sum, other in
        sum + (abs(other.value - one.value) < 1e-9 ? 0.5 : other.value < one.value ? 1 : 0)
      }
    }
    func statistic(_ labels: [Bool]) -> Double { zip(ranks, labels).reduce(0) { $1.1 ? $0 + $1.0 : $0 } }
    var sums: [Double] = []
    for word in 0..<(1 << aligned.count) {
      let labels = aligned.indices.map { word >> $0 & 1 == 1 }
      let isArrangement = blocks.indices.allSatisfy { block in
        zip(aligned, labels).count { $0.block == block && $1 } == blocks[block].new.count
      }
      if isArrangement { sums.append(statistic(labels)) }
    }
    let mean = sums.reduce(0, +) / Double(sums.count)
    let distance = abs(statistic(observed) - mean)
    return Double(sums.count { abs($0 - mean) >= distance - 1e-9 }) / Double(sums.count)
  }

  /// Pairs whose changes all go one way: 2 of 2^n signs. One of them the other way: only the smallest keeps it below
  /// the next, as in the signed-rank test.
  @Test func pairsAreTestedByTheSignsOfTheirChanges() {
    func pairs(_ changes: [Double]) -> BlockedSamples {
      BlockedSamples(changes.enumerated().map { .init(base: [Double($0 + 1)], new: [Double($0 + 1) * exp($1)]) })
    }
    #expect(abs(pairs([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]).p - 2.0 / 256) < 1e-12)
    #expect(abs(pairs([-0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]).p - 4.0 / 256) < 1e-12)
    #expect(abs(pairs([0.1, 0.2, 0.3, 0.4]).smallestP - 2.0 / 16) < 1e-12)
    #expect(pairs([0.1, 0.2, 0.3, 0.4]).interval(level: 0.95) == nil)
  }

  /// What only blocks differ in is no difference: the rank-sum test of all values would see nothing here.
  @Test func blocksTakeOutWhatTheyDifferIn() {
    let blocks = (0..<6).map { block in
      let level = pow(10, Double(block))
      return BlockedSamples.Block(base: [level, level * 1.01], new: [level * 1.1, level * 1.11])
    }
    #expect(abs(BlockedSamples(blocks).p - 2 / pow(6, 6)) < 1e-12)
    #expect(Self.oneBlock(blocks.flatMap(\.base), blocks.flatMap(\.new)).p > 0.5)
  }

  @Test func theChangeIsTheMedianOfAllPairs() {
    let samples = Self.oneBlock([100, 200, 400], [200, 400, 800])
    #expect(isNear(samples.shift, log(2)) && samples.isLogarithmic)
    let plain = Self.oneBlock([0, 10, 20], [5, 15, 25])
    #expect(plain.shift == 5 && !plain.isLogarithmic)
    #expect(BlockedSamples([]).shift == nil && BlockedSamples([]).p == 1)
    // A block of one side says nothing.
    #expect(BlockedSamples([.init(base: [1], new: []), .init(base: [1], new: [2])]).blocks.count == 1)
  }

  @Test func equalValuesAreTheSameForCertain() {
    let samples = Self.oneBlock(Array(repeating: 7, count: 8), Array(repeating: 7, count: 8))
    #expect(samples.p == 1 && samples.shift == 0)
    let interval = samples.interval(level: 0.99)
    #expect(isNear(interval?.lowerBound, 0, 1e-9) && isNear(interval?.upperBound, 0, 1e-9))
    let zeros = Self.oneBlock(Array(repeating: 0, count: 8), Array(repeating: 0, count: 8))
    #expect(zeros.p == 1 && zeros.interval(level: 0.99) == 0...0)
  }

  /// The ends are where the test turns: inside a shift is kept, outside refused.
  @Test func theIntervalIsTheTestTurnedRound() throws {
    var draw = Draws(seed: 5)
    for _ in 0..<20 {
      let blocks = (0..<5).map { _ in
        BlockedSamples.Block(base: draw.launches(2, spread: 0.03), new: draw.launches(2, spread: 0.03, change: 0.05))
      }
      let interval = try #require(BlockedSamples(blocks).interval(level: 0.99))
      func p(_ shift: Double) -> Double {
        BlockedSamples(blocks.map { .init(base: $0.base, new: $0.new.map { $0 * exp(-shift) }) }).p
      }
      let width = interval.upperBound - interval.lowerBound
      for end in [interval.lowerBound, interval.upperBound] {
        let out = end == interval.lowerBound ? -width * 1e-3 : width * 1e-3
        #expect(p(end - out) > 0.01 && p(end + out) <= 0.01)
      }
    }
  }

  /// Seeded: of 400 intervals of 95 %, at least 92 % hold the true change (1.5 of 100 by chance for 95: -2.8
  /// deviations).
  @Test(arguments: [false, true]) func theIntervalHoldsTheTrueChange(_ hasHeavyTails: Bool) throws {
    let seed: UInt64 = hasHeavyTails ? 11 : 10
    var draw = Draws(seed: seed)
    let change = 0.07
    let held = (0..<400).count { _ in
      let base = draw.launches(8, spread: 0.05, heavyTails: hasHeavyTails)
      let new = draw.launches(8, spread: 0.05, change: change, heavyTails: hasHeavyTails)
      return Self.oneBlock(base, new).interval(level: 0.95)?.contains(change) == true
    }
    #expect(held >= 368, "seed \(seed): \(held) of 400")
    // Nor does it hold everything.
    #expect(held < 400, "seed \(seed)")
  }
}

@Suite struct HolmTests {
  /// By hand: 0.01 x 4, 0.02 x 3, 0.03 x 2 but not below 0.06, 0.04 x 1 neither.
  @Test func isAsByHand() {
    func near(_ one: [Double], _ other: [Double]) -> Bool { zip(one, other).allSatisfy { abs($0 - $1) < 1e-12 } }
    #expect(near(Holm.corrected([0.01, 0.02, 0.03, 0.04]), [0.04, 0.06, 0.06, 0.06]))
    #expect(near(Holm.corrected([0.04, 0.001, 0.5]), [0.08, 0.003, 0.5]))
    #expect(near(Holm.corrected([0.6, 0.7]), [1, 1]))
    #expect(Holm.corrected([]).isEmpty)
    #expect(Holm.corrected([0.02]) == [0.02])
  }
}
