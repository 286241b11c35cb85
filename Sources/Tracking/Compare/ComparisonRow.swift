import Records

/// One metric of one cell on both sides.
public struct ComparisonRow: Sendable {
  /// One side's samples, summed up.
  public struct Side: Sendable, Equatable, Encodable {
    /// How many samples: repetitions, or launches.
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
  /// What tells it from the other cells, for people.
  public let cell: String
  public let experiment: String
  /// The full name; base's, where two are compared.
  public let strategy: String
  public let metric: TrackedMetric
  /// What tells this row of a repetition from its others, as `range_bytes=2097152`; empty if there is only one.
  public let key: String
  public let base: Side?
  public let new: Side?
  /// Whether the machine has no part in the values: counted by simulation, or by a virtual clock.
  public let isExact: Bool
  /// Whether the row is one of those that the comparison was made for. One that decides has a verdict, or a reason why
  /// it has none.
  public let isAsked: Bool
  /// The change from base to new as a share of base: 0.05 is 5 % more. An absolute one where base's median is 0.
  public let change: Double?
  public let isRelative: Bool
  /// The changes that the test doesn't refuse, at ``Comparison/level``.
  public let interval: ClosedRange<Double>?
  /// The test's; nil if nothing was tested.
  public let p: Double?
  /// The least relative change that counts.
  public let minimumEffect: Double
  /// `p` corrected over all rows that decide; nil in others.
  public internal(set) var correctedP: Double?
  public internal(set) var verdict: Verdict?
  /// Why there is no verdict, or not enough data.
  public internal(set) var reason: VerdictReason?
  /// The metric by which new reports less of the memory than base; nil if it doesn't.
  var coversLessBy: String?
  /// The smallest p that so many samples could give; nil if nothing is tested.
  let smallestP: Double?

  /// Whether the sides are not comparable.
  public var isMismatch: Bool { reason?.isMismatch == true }

  /// Whether the row has part in the exit status.
  public var decides: Bool { verdict != nil }

  /// The cell with the key, as tables show it.
  public var name: String { key.isEmpty ? cell : "\(cell) \(key)" }

  /// Whether the change is in the direction that is worse; nil if there is none.
  var isWorse: Bool? {
    guard let change, change != 0 else { return nil }
    return metric.direction == .lowerIsBetter ? change > 0 : change < 0
  }

  /// Whether the change is as large as one must be to count. Of a base of 0 every change is.
  var isLarge: Bool {
    guard let change, change != 0 else { return false }
    return !isRelative || abs(change) >= minimumEffect
  }
}
