import Benchmark
import CHost
import Fixtures
import GuestMemory

/// A walk over every free block of the highest order, warm. "C" and "C, address and length" are the yardsticks; CParity
/// compares them with the rest round by round.
let benchmarks: @Sendable () -> Void = {
  GuestFixture.refuseDebugBuild()
  let walks: [(name: String, walk: (ListWalks) -> Int)] = [
    ("C", { $0.inC() }),
    ("C, address and length", { $0.inCSized() }),
    ("Swift, iterated", { $0.iterated() }),
    ("Swift, one hold a zone", { $0.locked() }),
    ("Swift, one hold a zone, address and length", { $0.lockedSized() }),
  ]
  for (size, bytes) in [("8 GiB", 8 * GuestFixture.gibibyte), ("1 TiB", 1024 * GuestFixture.gibibyte)] {
    for order in [ListOrder.ascending, .shuffled] {
      for (name, walk) in walks {
        Benchmark(
          "\(size) \(order.rawValue): \(name)",
          configuration: .init(
            metrics: [.wallClock, perBlock], timeUnits: .microseconds, warmupIterations: 2, maxDuration: .seconds(2),
            maxIterations: 2_000)
        ) { benchmark in
          let lists = SharedLists.of(bytes, order)
          let begin = ContinuousClock.now
          benchmark.startMeasurement()
          let walked = walk(lists)
          benchmark.stopMeasurement()
          let time = begin.duration(to: .now)
          chost_consume(UInt64(walked))
          benchmark.measurement(perBlock, Int(time.components.attoseconds / 1_000_000) / lists.blocks)
        }
      }
    }
  }
}

/// Time for each block, in picoseconds: package-benchmark counts in whole numbers.
let perBlock = BenchmarkMetric.custom("ps/block", polarity: .prefersSmaller, useScalingFactor: false)

/// The guest under test: one at a time, since the larger takes more than a gibibyte.
enum SharedLists {
  // Benchmarks run one after another on one thread.
  nonisolated(unsafe) private static var current: (key: String, walks: ListWalks)?

  static func of(_ bytes: UInt64, _ order: ListOrder) -> ListWalks {
    let key = "\(bytes) \(order)"
    if let current, current.key == key { return current.walks }
    current = nil
    let walks = ListWalks(GuestFixture.fresh(bytes: bytes, order: order))
    current = (key, walks)
    return walks
  }
}
