import Foundation

/// What `count` of `total` independent trials say of the share behind them: the exact one-sided bounds of Clopper and
/// Pearson (Biometrika 26, 1934).
public struct BinomialShare: Hashable, Sendable {
  /// Trials with the property.
  public let count: Int
  /// All trials, at least 1.
  public let total: Int
  /// The share is at least this, at the confidence asked for. 0...1.
  public let low: Double
  /// The share is at most this, at the same confidence, which holds for each bound by itself. 0...1.
  public let high: Double

  /// The confidence of each bound, unless another is asked for.
  public static let confidence = 0.95

  /// Nil without trials.
  ///
  /// - Complexity: O(total) for each of some 50 steps of a bisection.
  public init?(_ count: Int, of total: Int, confidence: Double = Self.confidence) {
    guard total > 0, (0...total).contains(count) else { return nil }
    self.count = count
    self.total = total
    let miss = 1 - confidence
    low = count == 0 ? 0 : Self.root { Self.atLeast(count, of: total, share: $0) - miss }
    high = count == total ? 1 : Self.root { miss - (1 - Self.atLeast(count + 1, of: total, share: $0)) }
  }

  /// Probability of at least `count` of `total` if each has the property with this probability.
  static func atLeast(_ count: Int, of total: Int, share: Double) -> Double {
    guard count > 0 else { return 1 }
    guard share > 0 else { return 0 }
    guard share < 1 else { return 1 }
    var sum = 0.0
    for k in count...total {
      let ways = lgamma(Double(total + 1)) - lgamma(Double(k + 1)) - lgamma(Double(total - k + 1))
      sum += exp(ways + Double(k) * log(share) + Double(total - k) * log1p(-share))
    }
    return min(1, sum)
  }

  /// Where a function that rises from below 0 to above it on 0...1 is 0.
  private static func root(_ rising: (Double) -> Double) -> Double {
    var (low, high) = (0.0, 1.0)
    for _ in 0..<50 {
      let middle = (low + high) / 2
      if rising(middle) < 0 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
