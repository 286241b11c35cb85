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

  /// Creates a record without values.
  public init() {}

  /// The summary of the primary metric with this name in `runs.csv`.
  public subscript(metric name: String) -> MetricSummary {
    get { metrics[name] ?? MetricSummary() }
    set { metrics[name] = newValue == MetricSummary() ? nil : newValue }
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
