import CHost
import Fixtures
import GuestMemory
import Harness

/// A walk over every free block of the highest order, warm. `c` and `c-sized` are the yardsticks; CParity compares them
/// with the rest round by round.
let benchmarks: @Sendable () -> Void = {
  let walks: [(name: String, walk: (ListWalks) -> Int)] = [
    ("c", { $0.inC() }),
    ("c-sized", { $0.inCSized() }),
    ("swift-iterated", { $0.iterated() }),
    ("swift-one-hold", { $0.locked() }),
    ("swift-one-hold-sized", { $0.lockedSized() }),
  ]
  for (size, gibibytes) in [("8G", 8), ("1T", 1024 as UInt64)] {
    for order in [ListOrder.ascending, .shuffled] {
      for (name, walk) in walks {
        // The same instructions a block as in the smaller guest, after minutes of filling this one under valgrind.
        benchmark("\(size)-\(order.rawValue)-\(name)", per: "block", isCounted: gibibytes <= 8) { region in
          let lists = SharedLists.of(gibibytes * GuestFixture.gibibyte, order)
          let walked = region.around { walk(lists) }
          chost_consume(UInt64(walked))
          return Done(lists.blocks)
        }
      }
    }
  }
}

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
