/// Mean, sum and order statistics of durations, exact, in nanoseconds; nil without samples.
public struct DurationStatistics: Equatable, Codable, Sendable {
  /// The number of durations.
  public var count: Int
  /// Arithmetic mean.
  public var mean: Double?
  /// Sum.
  public var total: Double?
  /// The median (nearest rank, like the others).
  public var p50: Double?
  /// The 99th percentile.
  public var p99: Double?
  /// The 99.9th percentile.
  public var p999: Double?
  /// The longest.
  public var max: Double?
  /// The mean weighted by length, the sum of squares over the sum: the length of the duration that a random moment
  /// within them falls into.
  public var weightedMean: Double?

  /// The statistics of durations in ticks of ``CycleClock``, in any order.
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
    let squares = sorted.reduce(0.0) { $0 + Double($1) * Double($1) }
    weightedMean = sum > 0 ? squares / sum * nanosecondsPerTick : nil
  }
}
