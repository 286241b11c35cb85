import Hinting
import Instruments

/// A region of one thread's work that is counted by that thread's counters.
final class CountedRegion {
  private let counters: HardwareCounters
  /// The counts; set when the region ends.
  private(set) var reading: CounterReading?
  /// Why there are no counts.
  private(set) var refusal: CounterError?

  /// - Parameter counters: opened on the calling thread.
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
