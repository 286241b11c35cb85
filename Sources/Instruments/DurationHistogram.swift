import Histogram

/// A histogram of durations from 1 ns to 1000 s, in buckets at most 0.1 % wide.
///
/// Of fixed size (about a quarter of a megabyte): recording never allocates. Below 2048 ns each nanosecond has its own
/// bucket. An HdrHistogram with three significant digits.
public struct DurationHistogram: Sendable {
  /// The longest distinct duration: 1000 s. Longer ones are recorded as this. Nanoseconds.
  public static let highestNanoseconds: UInt64 = 1_000_000_000_000

  @usableFromInline var counts: Histogram<UInt64>
  @usableFromInline var sum: Double = 0

  /// The number of durations longer than ``highestNanoseconds``.
  public private(set) var clamped: UInt64 = 0

  public init() {
    counts = Histogram(
      lowestDiscernibleValue: 1, highestTrackableValue: Self.highestNanoseconds, numberOfSignificantValueDigits: .three)
  }

  /// Adds a duration. 0 has its own bucket.
  @inlinable
  public mutating func record(nanoseconds: UInt64) {
    if nanoseconds > 1_000_000_000_000 {
      recordClamped()
    } else {
      counts.record(nanoseconds)
      sum += Double(nanoseconds)
    }
  }

  /// Adds a duration in ticks of ``CycleClock``, rounded to the nearest nanosecond.
  @inlinable
  public mutating func record(ticks: UInt64, nanosecondsPerTick: Double = CycleClock.nanosecondsPerTick) {
    let nanoseconds = (Double(ticks) * nanosecondsPerTick).rounded()
    record(nanoseconds: nanoseconds < 2e12 ? UInt64(nanoseconds) : 2_000_000_000_000)
  }

  @usableFromInline
  mutating func recordClamped() {
    clamped += 1
    counts.record(Self.highestNanoseconds)
    sum += Double(Self.highestNanoseconds)
  }

  /// The number of durations.
  public var count: UInt64 { counts.totalCount }

  /// The longest duration, exact; nil if there is none. Nanoseconds.
  public var max: UInt64? { count == 0 ? nil : counts.maxRecorded }

  /// The mean, exact; nil if there is no duration. Nanoseconds.
  public var mean: Double? { count == 0 ? nil : sum / Double(count) }

  /// The duration that `percent` (0...100) of all durations don't exceed, at most 0.1 % above the exact one; nil if
  /// there is none. Nanoseconds.
  public func percentile(_ percent: Double) -> Double? {
    count == 0 ? nil : Double(counts.valueAtPercentile(percent))
  }

  /// Adds the counts of `other`.
  public mutating func merge(_ other: DurationHistogram) {
    counts.add(other.counts)
    sum += other.sum
    clamped += other.clamped
  }

  /// The non-empty buckets, ascending: inclusive upper bound in nanoseconds, and the count in this bucket.
  public var buckets: [(upperNanoseconds: UInt64, count: UInt64)] {
    counts.recordedValues().map { (upperNanoseconds: $0.value, count: $0.count) }
  }
}
