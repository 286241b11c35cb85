import Foundation
import GuestMemory
import Instruments
import Records

/// Noise statistics over repetitions of one cell. No distribution is assumed.
enum NoiseStatistic {
  /// The number of pairs of samples drawn for one figure.
  static let draws = 1000

  /// Assigns repetitions 0 ..< `count` to two arms: of each two successive ones a seeded coin sends one to either arm,
  /// so that drift affects both. An odd last one is in neither.
  static func arms(count: Int, seed: UInt64) -> (first: [Int], second: [Int]) {
    var generator = SeededGenerator(seed: seed, stream: 53)
    var arms: (first: [Int], second: [Int]) = ([], [])
    for pair in 0..<max(count, 0) / 2 {
      let swap = generator.below(2)
      arms.first.append(2 * pair + swap)
      arms.second.append(2 * pair + 1 - swap)
    }
    return arms
  }

  /// The interquartile range over the median (nearest ranks). Nil without samples, or if the median isn't above 0.
  static func spread(_ samples: [Double]) -> Double? {
    let sorted = samples.sorted()
    guard let median = MedianInterval.median(sorted: sorted), median > 0,
      let low = Percentile.nearestRank(0.25, ofSorted: sorted),
      let high = Percentile.nearestRank(0.75, ofSorted: sorted)
    else { return nil }
    return (high - low) / median
  }

  /// The difference that noise alone stays below in 19 of 20 comparisons of two arms of `repetitions` each, over the
  /// statistic of all samples. Nil if there are fewer than `repetitions` samples or the statistic isn't above 0.
  ///
  /// A bootstrap: two arms are drawn from the samples with replacement (seeded), ``draws`` times, and the result is the
  /// 95th percentile of the differences of their statistics. Draws are random, so that drift over the run counts as
  /// noise; a run that interleaves its cells suffers less from drift.
  ///
  /// - Parameters:
  ///   - pool: the number of samples.
  ///   - statistic: computes the statistic of the samples with these indices; at least one index.
  static func resolvable(
    pool: Int, repetitions: Int, seed: UInt64, _ statistic: ([Int]) -> Double?
  ) -> Double? {
    guard repetitions > 0, pool >= repetitions, let whole = statistic(Array(0..<pool)), whole > 0 else { return nil }
    var generator = SeededGenerator(seed: seed, stream: 59)
    var differences: [Double] = []
    differences.reserveCapacity(draws)
    func draw() -> Double? { statistic((0..<repetitions).map { _ in generator.below(pool) }) }
    for _ in 0..<draws {
      guard let one = draw(), let other = draw() else { return nil }
      differences.append(abs(one - other))
    }
    return Percentile.nearestRank(0.95, ofSorted: differences.sorted()).map { $0 / whole }
  }

  /// The median of the samples with these indices.
  static func median(_ samples: [Double], _ indices: [Int]) -> Double? {
    MedianInterval.median(sorted: indices.map { samples[$0] }.sorted())
  }

  /// The repeatable maximum of the sequences with these indices. Ticks.
  static func repeatableMaximum(_ sequences: [[UInt64]], _ indices: [Int]) -> Double? {
    var maximum = RepeatableMaximum()
    for index in indices { maximum.add(sequences[index]) }
    return maximum.value.map { Double($0) }
  }
}
