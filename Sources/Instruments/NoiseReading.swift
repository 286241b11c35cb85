/// What the machine alone adds to an interval of a given length.
public struct NoiseReading: Equatable, Codable, Sendable {
  /// The length asked for, in nanoseconds.
  public var intervalNanoseconds: Double
  /// The lengths found, in nanoseconds, in the order measured; at least one.
  public var samples: [Double]
  /// Half of them are at most this.
  public var p50: Double
  /// 999 of 1000 are at most this (the longest, where there are fewer than 1000).
  public var p999: Double
  /// The longest.
  public var max: Double

  init(intervalNanoseconds: Double, samples: [Double]) {
    let sorted = samples.sorted()
    self.intervalNanoseconds = intervalNanoseconds
    self.samples = samples
    p50 = Percentile.nearestRank(0.5, ofSorted: sorted) ?? 0
    p999 = Percentile.nearestRank(0.999, ofSorted: sorted) ?? 0
    max = sorted.last ?? 0
  }
}
