import Records

/// The decisive metric of a cell: its value in the judged run, and the earlier ones.
public struct HistoryCheckRow: Sendable, Encodable {
  public let cellID: String
  /// The distinguishing name of the cell.
  public let cell: String
  public let experiment: String
  /// The full name.
  public let strategy: String
  public let metric: String
  public let unit: String
  let direction: MetricDirection
  /// Whether the values don't depend on the machine: counted by simulation, or by a virtual clock.
  public let isExact: Bool
  /// The medians of the earlier runs, oldest first.
  public let earlier: [Double]
  /// The median of this run; nil if it has none.
  public let newest: Double?
  /// The smallest relative change that counts.
  public let minimumEffect: Double
  /// The probability of such a value if nothing changed; nil if nothing was tested.
  public let p: Double?
  /// `p` corrected over all tested rows.
  public internal(set) var correctedP: Double?
  /// The smallest relative change that would have been found; nil if nothing was tested.
  public private(set) var leastFound: Double?
  public private(set) var verdict = Verdict.notEnoughData
  /// Why there is not enough data.
  public private(set) var reason: String?
  /// A sentence if less memory is reported than before; nil otherwise.
  private let coversLess: String?
  /// What the earlier values say of the next; nil if nothing is tested.
  private let prediction: Prediction?

  init(
    cellID: String, cell: String, experiment: String, strategy: String, metric: TrackedMetric, isExact: Bool,
    earlier: [Double], newest: Double?, minimumEffect: Double, coversLess: String? = nil
  ) {
    self.cellID = cellID
    self.cell = cell
    self.experiment = experiment
    self.strategy = strategy
    self.metric = metric.name
    unit = metric.unit
    direction = metric.direction
    self.isExact = isExact
    self.earlier = earlier
    self.newest = newest
    self.minimumEffect = minimumEffect
    self.coversLess = coversLess
    let prediction = isExact || earlier.count < HistoryCheck.fewest ? nil : Prediction(earlier: earlier)
    self.prediction = prediction
    p = newest.flatMap { prediction?.p(of: $0) }
  }

  /// The summary of the earlier values; nil values without any.
  public var summary: MetricSummary { MetricSummary(earlier) }

  /// The relative change from the earlier values' median; infinite if that is 0.
  public var change: Double? { summary.median.flatMap(change) }

  /// The relative change from the latest earlier value.
  public var changeToLast: Double? { earlier.last.flatMap(change) }

  private func change(from base: Double) -> Double? {
    guard let newest else { return nil }
    return newest == base ? 0 : base == 0 ? .infinity * newest : (newest - base) / abs(base)
  }

  /// The smallest minimum effect for which the newest value would be the same: the end, farther from no change, of the
  /// changes that the earlier values leave possible at ``Thresholds/standardSameLevel``. nil if nothing was tested.
  var sameWithin: Double? {
    guard let change, change.isFinite, let spread = prediction?.leastFound(p: 1 - Thresholds.standardSameLevel) else {
      return nil
    }
    return max(abs((1 + change) * (1 + spread) - 1), abs((1 + change) / (1 + spread) - 1))
  }

  /// Sets the verdict. `tested`: the number of rows that share `alpha`.
  mutating func judge(alpha: Double, tested: Int) {
    if p != nil {
      // The strictest of Holm's corrections.
      leastFound = prediction?.leastFound(p: alpha / Double(tested)).map { max($0, minimumEffect) }
    }
    (verdict, reason) = judged(alpha: alpha)
    if let coversLess, verdict != .worse { (verdict, reason) = (.notEnoughData, coversLess) }
  }

  private func judged(alpha: Double) -> (Verdict, String?) {
    guard newest != nil, let change else {
      return (.notEnoughData, newest == nil ? "not measured in this run" : "no earlier run has it")
    }
    if isExact { return (exactVerdict, nil) }
    guard earlier.count >= HistoryCheck.fewest else {
      return (.notEnoughData, "fewer than \(HistoryCheck.fewest) earlier runs have it")
    }
    let isLarge = abs(change) >= minimumEffect
    guard p != nil else {
      // All equal.
      return isLarge
        ? (.notEnoughData, "all earlier values are equal, so their scatter is unknown") : (.same, nil)
    }
    if let correctedP, correctedP <= alpha, isLarge { return (isWorse(change) ? .worse : .better, nil) }
    guard let leastFound else {
      return (.notEnoughData, "an earlier value is 0, so the relative change is undefined")
    }
    guard let sameWithin, sameWithin <= minimumEffect else {
      return (
        .notEnoughData,
        leastFound > max(HistoryCheck.blind, minimumEffect)
          ? """
          the earlier values scatter so much that twice as much wouldn't show (it may in a larger --window, or by \
          --counters simulated)
          """ : "neither a change of the minimum effect nor its absence is shown"
      )
    }
    return (.same, nil)
  }

  /// The verdict on exact values: without noise every difference is a change, from the last run or from the usual
  /// value.
  private var exactVerdict: Verdict {
    let large = [change, changeToLast].compactMap { $0 }.filter { abs($0) >= minimumEffect && $0 != 0 }
    return large.contains(where: isWorse) ? .worse : large.isEmpty ? .same : .better
  }

  private func isWorse(_ change: Double) -> Bool { direction == .higherIsBetter ? change < 0 : change > 0 }

  private enum CodingKeys: String, CodingKey {
    case cellID = "cell_id"
    case cell, experiment, strategy, metric, unit
    case isExact = "is_exact"
    case earlier, newest
    case minimumEffect = "minimum_effect"
    case p
    case correctedP = "corrected_p"
    case leastFound = "least_found"
    case verdict, reason
  }
}
