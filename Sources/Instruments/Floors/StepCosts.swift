import CHost
import Glibc
import Synchronization

/// Measures the shortest steps, and the clock they are measured with. A run's floors and the ladder share this code.
package enum StepCosts {
  package static func emptyLoop(rounds: Int) -> RungFigure {
    RungFigure(rounds: rounds, operations: 1_000_000) { count in
      ticks(of: count) { chost_consume($0) }
    }
  }

  /// Measures empty intervals: their median and 99th percentile.
  package static func clock(rounds: Int) -> (p50: RungFigure, p99: RungFigure) {
    var p50: [Double] = []
    var p99: [Double] = []
    var ticks = [UInt64](repeating: 0, count: 10_000)
    for _ in 0..<rounds {
      for index in ticks.indices {
        let begin = CycleClock.begin()
        let end = CycleClock.end()
        ticks[index] = CycleClock.ticks(from: begin, to: end)
      }
      let sorted = ticks.sorted()
      p50.append(CycleClock.nanoseconds(fromTicks: Percentile.nearestRank(0.5, ofSorted: sorted) ?? 0))
      p99.append(CycleClock.nanoseconds(fromTicks: Percentile.nearestRank(0.99, ofSorted: sorted) ?? 0))
    }
    return (RungFigure(costs: p50, operations: ticks.count), RungFigure(costs: p99, operations: ticks.count))
  }

  package static func atomicAdd(rounds: Int) -> RungFigure {
    let counter = Atomic<UInt64>(0)
    return RungFigure(rounds: rounds, operations: 100_000) { count in
      ticks(of: count) { _ in counter.wrappingAdd(1, ordering: .sequentiallyConsistent) }
    }
  }

  package static func systemCall(rounds: Int) -> RungFigure {
    RungFigure(rounds: rounds, operations: 5_000) { count in
      ticks(of: count) { _ in chost_consume(UInt64(getppid())) }
    }
  }

  @inline(__always)
  private static func ticks(of count: Int, _ step: (UInt64) -> Void) -> UInt64 {
    let begin = CycleClock.begin()
    var index: UInt64 = 0
    while index < UInt64(count) {
      step(index)
      index &+= 1
    }
    let end = CycleClock.end()
    return CycleClock.ticks(from: begin, to: end)
  }
}
