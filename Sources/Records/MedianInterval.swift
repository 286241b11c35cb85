import Foundation

/// An interval that holds the median of where the samples come from, whatever their distribution.
///
/// From the k-th lowest to the k-th highest of n samples: the median lies below it when fewer than k samples lie below
/// the median, so the confidence is 1 - 2 P(Binomial(n, 1/2) < k). (David and Nagaraja, Order Statistics, 7.1.)
public struct MedianInterval: Hashable, Sendable {
  /// Lower end.
  public let low: Double
  /// Upper end.
  public let high: Double
  /// Probability that the interval holds the median, 0...1.
  public let confidence: Double

  /// The narrowest interval with at least the wanted confidence. Where no interval of so few samples has it (fewer than
  /// 6 for 95 %), the lowest to the highest sample with the confidence that has. Nil without samples.
  ///
  /// The samples come in ascending order. O(n).
  public init?(sorted: [Double], wanted: Double = 0.95) {
    guard !sorted.isEmpty else { return nil }
    let (rank, confidence) = Self.rank(count: sorted.count, wanted: wanted)
    low = sorted[rank - 1]
    high = sorted[sorted.count - rank]
    self.confidence = confidence
  }

  /// The rank k of the interval's ends from the outside, counted from 1, and its confidence.
  public static func rank(count: Int, wanted: Double = 0.95) -> (rank: Int, confidence: Double) {
    // log C(n, i) - n log 2 from i to i + 1, so that a large n doesn't underflow.
    var logTerm = -Double(count) * log(2.0)
    var below = exp(logTerm)
    var best = (rank: 1, confidence: 1 - 2 * below)
    var rank = 1
    while 2 * (rank + 1) <= count + 1 {
      logTerm += log(Double(count - rank + 1)) - log(Double(rank))
      below += exp(logTerm)
      rank += 1
      let confidence = 1 - 2 * below
      guard confidence >= wanted else { break }
      best = (rank, confidence)
    }
    return best
  }

  /// The middle sample, or the mean of the two in the middle; nil without samples. The samples come in ascending order.
  public static func median(sorted: [Double]) -> Double? {
    guard !sorted.isEmpty else { return nil }
    let upper = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[upper - 1] + sorted[upper]) / 2 : sorted[upper]
  }
}
