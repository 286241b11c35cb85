/// A cell over its repetitions: a row of `cells.csv`. ``columns`` documents the values.
///
/// Unmeasured values are nil and stand as empty fields, never as 0.
public struct CellRecord: Hashable, Sendable {
  public var runID = ""
  public var cellID = ""
  public var experiment = ""
  public var experimentOptions = ""
  public var strategy = ""
  public var guestBytes: UInt64 = 0
  public var nodes: Int?
  public var state = ""
  public var listOrder = ""
  public var granuleOrder: Int?
  public var vmemmapPageBytes: Int?
  public var order: Int?
  public var load = ""
  public var mutators = 0
  public var oversubscribed = false
  public var scanNode: Int?
  public var memoryNode: Int?
  // Failed repetitions aren't counted.
  public var repetitions = 0
  /// The primary metrics, by their column's name in `runs.csv`.
  public var metrics: [String: MetricSummary] = [:]
  public var intervalConfidence: Double?
  public var limitNsPerBlock: Double?
  public var nsPerBlockToLimit: Double?
  public var holdLimitNs: Double?
  public var lockHoldNsMaxRepeatable: Double?
  // nil if either is unknown.
  public var withinHoldLimit: Bool?
  // nil if none was watched.
  public var preemptedRepetitions: Int?
  // nil without a hold or a limit, like the three below it.
  public var holdLimitJudged: Int?
  public var holdLimitExceeded: Int?
  public var holdLimitExceededShareLow: Double?
  public var holdLimitExceededShareHigh: Double?
  public var holdLimitVerdict: HoldLimitVerdict?
  // nil if hold k is not the same work in every repetition.
  public var lockHoldNsMaxOwn: Double?

  /// Creates a record without values.
  public init() {}

  /// The summary of the primary metric with this name in `runs.csv`.
  public subscript(metric name: String) -> MetricSummary {
    get { metrics[name] ?? MetricSummary() }
    set { metrics[name] = newValue == MetricSummary() ? nil : newValue }
  }
}

extension CellRecord {
  /// The longest hold of a repetition over the repetitions: without preempted holds if any repetition has one, else with
  /// them.
  public var longestHold: MetricSummary {
    let undisturbed = self[metric: "lock_hold_ns_max_undisturbed"]
    return undisturbed.median == nil ? self[metric: "lock_hold_ns_max"] : undisturbed
  }

  /// Forgets what was found about the longest hold beside ``metrics``: the figures and both verdicts.
  public mutating func forgetHolds() {
    lockHoldNsMaxRepeatable = nil
    withinHoldLimit = nil
    lockHoldNsMaxOwn = nil
    holdLimitJudged = nil
    holdLimitExceeded = nil
    holdLimitExceededShareLow = nil
    holdLimitExceededShareHigh = nil
    holdLimitVerdict = nil
  }

  /// Holds the longest holds of the cell's repetitions, as ``longestHold`` takes them, against ``holdLimitNs``. A
  /// repetition whose longest work was preempted is judged if the time that its thread waited for a CPU doesn't matter.
  public mutating func judgeHolds(of runs: [RunRecord]) {
    guard let holdLimitNs else { return }
    let counted = runs.filter { $0.found.outcome != .error }
    let certain = counted.compactMap { $0.lock.longestHold ?? $0.preemptedHold(against: holdLimitNs) }
    let longest = certain.isEmpty ? counted.compactMap(\.lock.holdNsMax) : certain
    guard let check = HoldLimitCheck(longest: longest, limit: holdLimitNs) else { return }
    holdLimitJudged = check.exceeded.total
    holdLimitExceeded = check.exceeded.count
    holdLimitExceededShareLow = check.exceeded.low
    holdLimitExceededShareHigh = check.exceeded.high
    holdLimitVerdict = check.verdict
  }
}

/// A metric over the repetitions of a cell. nil: no repetition measured it.
public struct MetricSummary: Hashable, Sendable {
  /// The median of the repetitions.
  public var median: Double?
  /// The lowest repetition.
  public var lowest: Double?
  /// The highest repetition.
  public var highest: Double?
  /// The lower end of the median's interval (``MedianInterval``).
  public var intervalLow: Double?
  /// The upper end of the median's interval.
  public var intervalHigh: Double?

  /// Creates a summary without values.
  public init() {}

  /// Creates the summary of the repetitions' values, in any order; nil values if there are none.
  public init(_ values: [Double]) {
    let sorted = values.sorted()
    guard let first = sorted.first, let last = sorted.last, let interval = MedianInterval(sorted: sorted) else {
      return
    }
    median = MedianInterval.median(sorted: sorted)
    lowest = first
    highest = last
    intervalLow = interval.low
    intervalHigh = interval.high
  }
}
