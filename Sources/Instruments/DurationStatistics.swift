/// Mean, sum and order statistics of durations, exact, in nanoseconds; nil if there is no sample.
public struct DurationStatistics: Equatable, Codable, Sendable {
  /// How many durations.
  public var count: Int
  /// Arithmetic mean.
  public var mean: Double?
  /// Sum.
  public var total: Double?
  /// Half are at most this (nearest rank, as for the others).
  public var p50: Double?
  /// 99 of 100 are at most this.
  public var p99: Double?
  /// 999 of 1000 are at most this.
  public var p999: Double?
  /// The longest.
  public var max: Double?

  /// Of durations in ticks of ``CycleClock``, in any order.
  ///
  /// - Complexity: O(n log n).
  public init(ticks: [UInt64], nanosecondsPerTick: Double = CycleClock.nanosecondsPerTick) {
    count = ticks.count
    guard !ticks.isEmpty else { return }
    let sorted = ticks.sorted()
    let sum = sorted.reduce(0.0) { $0 + Double($1) }
    mean = sum / Double(count) * nanosecondsPerTick
    total = sum * nanosecondsPerTick
    func ranked(_ fraction: Double) -> Double? {
      Percentile.nearestRank(fraction, ofSorted: sorted).map { Double($0) * nanosecondsPerTick }
    }
    p50 = ranked(0.5)
    p99 = ranked(0.99)
    p999 = ranked(0.999)
    max = ranked(1)
  }
}
