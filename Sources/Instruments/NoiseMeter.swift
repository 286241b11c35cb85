import CHost

/// Measures noise by timing a fixed amount of arithmetic: any difference between intervals comes from the machine.
/// Waiting for a point in time would hide every interruption shorter than the interval.
public enum NoiseMeter {
  /// The most intervals one measurement takes.
  public static let samplesMax = 1000

  /// Times intervals of about `intervalNanoseconds` (negative and NaN count as 0) in succession, at least one, until
  /// there are ``samplesMax`` or `budgetNanoseconds` is spent.
  public static func measure(intervalNanoseconds: Double, budgetNanoseconds: Double) -> NoiseReading {
    let interval = intervalNanoseconds > 0 ? intervalNanoseconds : 0
    let budgetTicks = budgetNanoseconds > 0 ? budgetNanoseconds / CycleClock.nanosecondsPerTick : 0
    // The interval's own two clock reads are part of its length, as with a hold.
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

  /// The fastest of several runs; the others were interrupted or ran at a lower clock. Nanoseconds; nil if the clock
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

  /// Makes `steps` multiplications, each depending on the previous one.
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

/// The machine's noise in intervals of a given length.
public struct NoiseReading: Equatable, Codable, Sendable {
  /// The requested length. Nanoseconds.
  public var intervalNanoseconds: Double
  /// The measured lengths in order; at least one. Nanoseconds.
  public var samples: [Double]
  /// The median.
  public var p50: Double
  /// The 99.9th percentile; the longest if there are fewer than 1000.
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
