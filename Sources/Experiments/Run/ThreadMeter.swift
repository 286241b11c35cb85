import CHost
import Hinting
import Instruments

/// What a thread was put through while it ran a pass.
struct ThreadToll {
  var involuntarySwitches = 0
  var minorFaults = 0
  /// Nil without counters.
  var reading: CounterReading?
  /// Why counters that were open gave nothing.
  var refusal: CounterError?

  /// With another thread's, or another pass's, added.
  func adding(_ other: ThreadToll) -> ThreadToll {
    var sum = self
    sum.involuntarySwitches += other.involuntarySwitches
    sum.minorFaults += other.minorFaults
    sum.refusal = refusal ?? other.refusal
    if let reading = other.reading { sum.reading = sum.reading?.adding(reading) ?? reading }
    return sum
  }
}

/// Takes a thread's toll, on that thread.
struct ThreadMeter {
  private let counting: Counting?
  private var before = ThreadUsage()

  /// What the bracket's closures write.
  private final class Counting {
    let counters: HardwareCounters
    var reading: CounterReading?
    var refusal: CounterError?

    init(_ counters: HardwareCounters) { self.counters = counters }
  }

  /// - Parameter counters: of the calling thread.
  init(_ counters: HardwareCounters?) { counting = counters.map(Counting.init) }

  /// What goes round the measured region, for the counters.
  var bracket: StrategyRunner.Bracket? {
    guard let counting else { return nil }
    return StrategyRunner.Bracket(
      start: { do throws(CounterError) { try counting.counters.start() } catch { counting.refusal = error } },
      stop: {
        guard counting.refusal == nil else { return }
        do throws(CounterError) { counting.reading = try counting.counters.stop() } catch { counting.refusal = error }
      })
  }

  mutating func begin() { _ = chost_thread_usage(&before) }

  func end() -> ThreadToll {
    var after = ThreadUsage()
    _ = chost_thread_usage(&after)
    return ThreadToll(
      involuntarySwitches: Int(after.involuntary_switches - before.involuntary_switches),
      minorFaults: Int(after.minor_faults - before.minor_faults), reading: counting?.reading,
      refusal: counting?.refusal)
  }
}
