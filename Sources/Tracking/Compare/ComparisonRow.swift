import Foundation
import Records

/// One metric of one cell on both sides.
public struct ComparisonRow: Sendable {
  /// A summary of one side's samples.
  public struct Side: Sendable, Equatable, Encodable {
    /// The number of samples: repetitions, or launches.
    public let count: Int
    public let median: Double
    public let lowest: Double
    public let highest: Double

    init?(_ values: [Double]) {
      let summary = MetricSummary(values)
      guard let median = summary.median, let lowest = summary.lowest, let highest = summary.highest else { return nil }
      count = values.count
      (self.median, self.lowest, self.highest) = (median, lowest, highest)
    }
  }

  /// `cell_id` of base's cell; new's is the same unless two strategies are compared.
  public let cellID: String
  /// The distinguishing name of the cell.
  public let cell: String
  public let experiment: String
  /// The full name; base's, if two strategies are compared.
  public let strategy: String
  public let metric: TrackedMetric
  /// The key that distinguishes this row of a repetition from others, such as `range_bytes=2097152`; empty if there is
  /// only one.
  public let key: String
  public let base: Side?
  public let new: Side?
  /// Whether the values don't depend on the machine: counted by simulation, or by a virtual clock.
  public let isExact: Bool
  /// Whether the row was requested. If it decides, it has a verdict, or a reason why not.
  public let isAsked: Bool
  /// The change from base to new as a share of base: 0.05 is 5 % more. Absolute if base's median is 0.
  public let change: Double?
  public let isRelative: Bool
  /// The confidence interval of the change at ``Comparison/level``.
  public let interval: ClosedRange<Double>?
  /// The interval at ``Thresholds/sameLevel``, which has to lie within the minimum effect for the cell to be the same.
  let sameInterval: ClosedRange<Double>?
  /// The test's p; nil if nothing was tested.
  public let p: Double?
  /// The smallest relative change that counts.
  public let minimumEffect: Double
  /// `p` corrected over all deciding rows; nil in others.
  public internal(set) var correctedP: Double?
  public internal(set) var verdict: Verdict?
  /// Why there is no verdict, or not enough data.
  public internal(set) var reason: VerdictReason?
  /// The metric by which new reports less memory than base; nil if it doesn't.
  var coversLessBy: String?
  /// The smallest p possible with this many samples; nil if nothing is tested.
  let smallestP: Double?

  /// Whether the sides aren't comparable.
  public var isMismatch: Bool { reason?.isMismatch == true }

  /// Whether the row affects the exit status.
  public var decides: Bool { verdict != nil }

  /// The cell's name with the key, as in tables.
  public var name: String { key.isEmpty ? cell : "\(cell) \(key)" }

  /// Whether the change is for the worse; nil if there is none.
  var isWorse: Bool? {
    guard let change, change != 0 else { return nil }
    return metric.direction == .lowerIsBetter ? change > 0 : change < 0
  }

  /// Whether the change is large enough to count. With a base of 0 every change is.
  var isLarge: Bool {
    guard let change, change != 0 else { return false }
    return !isRelative || abs(change) >= minimumEffect
  }
}

extension ComparisonRow {
  /// Returns the row's verdict among `family` deciding rows.
  ///
  /// - Parameters:
  ///   - alpha: the probability of calling any of them different if nothing changed.
  ///   - needed: the samples per side that are needed to show a change.
  func judged(alpha: Double, family: Int, needed: Int) -> (verdict: Verdict, reason: VerdictReason?) {
    if isExact {
      guard isLarge, let isWorse else { return (.same, nil) }
      return (isWorse ? .worse : .better, nil)
    }
    if let correctedP, correctedP <= alpha, isLarge, let isWorse { return (isWorse ? .worse : .better, nil) }
    guard let p, let smallestP, smallestP * Double(family) <= alpha else {
      return (.notEnoughData, .tooFew(needed: needed, family: family))
    }
    if p <= alpha && isLarge {
      return (.notEnoughData, .onlyUncorrected(family: family))
    }
    // With a base of 0 the interval is no share of anything, so all there is to say is that no change was shown.
    guard isRelative else { return (.same, nil) }
    guard let sameInterval, sameInterval.lowerBound >= -minimumEffect, sameInterval.upperBound <= minimumEffect else {
      return (.notEnoughData, .tooScattered(beyond: minimumEffect, needed: samplesForSame))
    }
    return (.same, nil)
  }

  /// How many samples per side would make the interval fit within the minimum effect, if it shrinks with their root and
  /// the change stays what it is; nil if the change itself is too large, or nothing was tested.
  private var samplesForSame: Int? {
    guard let sameInterval, let change, let count = base?.count, abs(change) < minimumEffect else { return nil }
    let half = max(sameInterval.upperBound - change, change - sameInterval.lowerBound)
    let ratio = half / (minimumEffect - abs(change))
    return Int((Double(count) * ratio * ratio).rounded(.up))
  }
}
