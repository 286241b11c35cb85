import Hinting
import Instruments

/// A stretch of one thread's work with counters round it, on that thread.
final class CountedRegion {
  private let counters: HardwareCounters
  /// Once it was left.
  private(set) var reading: CounterReading?
  /// Why there is none.
  private(set) var refusal: CounterError?

  /// - Parameter counters: of the calling thread.
  init(_ counters: HardwareCounters) { self.counters = counters }

  var bracket: StrategyRunner.Bracket {
    StrategyRunner.Bracket(
      start: { [self] in do throws(CounterError) { try counters.start() } catch { refusal = error } },
      stop: { [self] in
        guard refusal == nil else { return }
        do throws(CounterError) { reading = try counters.stop() } catch { refusal = error }
      })
  }
}
