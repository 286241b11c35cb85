import CHost

/// Measures empty intervals: a fixed amount of arithmetic, so that whatever makes one longer than another came from the
/// machine. A wait for a point in time would hide every interruption shorter than the interval.
public enum NoiseMeter {
  /// The most intervals one measurement takes.
  public static let samplesMax = 1000

  /// Times intervals of about `intervalNanoseconds` (negative and not-a-number count as 0), one behind the other, until
  /// there are ``samplesMax`` or `budgetNanoseconds` are spent; at least one.
  public static func measure(intervalNanoseconds: Double, budgetNanoseconds: Double) -> NoiseReading {
    let interval = intervalNanoseconds > 0 ? intervalNanoseconds : 0
    let budgetTicks = budgetNanoseconds > 0 ? budgetNanoseconds / CycleClock.nanosecondsPerTick : 0
    // The interval's own two clock reads are part of its length, as they are of a hold's.
    let clock = quickest {} ?? 0
    let steps20k = max(1, (quickest { work(20_000) } ?? 0) - clock)
    let wanted = (max(0, interval - clock) / (steps20k / 20_000)).rounded()
    let steps = wanted < 1e15 ? Int(wanted) : 1_000_000_000_000_000

    var samples: [Double] = []
    samples.reserveCapacity(samplesMax)
    let opened = CycleClock.begin()
    repeat {
      let begin = CycleClock.begin()
      work(steps)
      let end = CycleClock.end()
      samples.append(CycleClock.nanoseconds(fromTicks: end > begin ? end - begin : 0))
    } while samples.count < samplesMax && Double(CycleClock.begin() &- opened) < budgetTicks
    return NoiseReading(intervalNanoseconds: interval, samples: samples)
  }

  /// Nanoseconds of the quickest of several runs: the others were interrupted, or clocked lower. nil if the clock
  /// stood still in all of them.
  @inline(__always)
  private static func quickest(_ body: () -> Void) -> Double? {
    var best = UInt64.max
    for _ in 0..<10 {
      let begin = CycleClock.begin()
      body()
      let end = CycleClock.end()
      if end > begin { best = min(best, end - begin) }
    }
    return best == .max ? nil : CycleClock.nanoseconds(fromTicks: best)
  }

  /// `steps` multiplications, each waiting for the one before.
  @inline(never)
  private static func work(_ steps: Int) {
    var value: UInt64 = 0x9e37_79b9_7f4a_7c15
    var left = steps
    while left > 0 {
      value = value &* 6_364_136_223_846_793_005 &+ 1
      chost_consume(value)
      left &-= 1
    }
  }
}

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
