/// One metric over the repetitions of a cell. Nil: no repetition measured it.
public struct MetricSummary: Hashable, Sendable {
  /// The median of the repetitions.
  public var median: Double?
  /// The lowest of them.
  public var lowest: Double?
  /// The highest of them.
  public var highest: Double?
  /// Lower end of the interval of the median (``MedianInterval``).
  public var intervalLow: Double?
  /// Upper end of the interval of the median.
  public var intervalHigh: Double?

  /// Not measured.
  public init() {}

  /// Of the repetitions' values, in any order; nil where there are none.
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
