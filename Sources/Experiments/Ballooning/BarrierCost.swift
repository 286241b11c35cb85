import CHost
import Instruments

/// What smp_wmb() costs, which the series of 2012 had between the list and the page's owner, under the lock.
enum BarrierCost {
  /// Nanoseconds between two stores. Nil on x86-64, where it holds back the compiler alone and nothing is left to be
  /// timed (a test looks at the instructions).
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
