import CHost
import Instruments

/// The cost of smp_wmb(), which the 2012 series had between the list and the page's owner, under the lock.
enum BarrierCost {
  /// Measures the barrier between two stores. Nanoseconds; nil on x86-64, where it only restrains the compiler and
  /// costs nothing at run time (a test checks the instructions).
  static func measure() -> Double? {
    #if arch(arm64)
      let rounds = 1 << 16
      func time(_ body: () -> Void) -> Double {
        let begin = CycleClock.begin()
        for _ in 0..<rounds { body() }
        return CycleClock.nanoseconds(fromTicks: CycleClock.end() &- begin) / Double(rounds)
      }
      let samples = (0..<9).map { _ in
        time {
          chost_consume(1)
          chost_write_barrier()
          chost_consume(2)
        }
          - time {
            chost_consume(1)
            chost_consume(2)
          }
      }
      return samples.sorted()[4]
    #else
      return nil
    #endif
  }
}
