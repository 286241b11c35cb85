import CHost
import Fixtures
import GuestMemory
import Harness

/// Walks over the free blocks of the highest order, warm. Those of C are the yardsticks; CParity compares them with the rest
/// round by round.
let benchmarks: @Sendable () -> Void = {
  for (size, gibibytes) in [("8G", 8), ("1T", 1024 as UInt64)] {
    for order in [ListOrder.ascending, .shuffled] {
      func walk(_ name: String, _ body: @escaping (ListWalks, Region) -> Int) {
        // The same instructions a block as in the smaller guest, after minutes of filling this one under valgrind.
        benchmark("\(size)-\(order.rawValue)-\(name)", per: "block", isCounted: gibibytes <= 8) { region in
          Done(body(SharedLists.of(gibibytes * GuestFixture.gibibyte, order), region))
        }
      }
      func walk(_ name: String, _ body: @escaping (ListWalks) -> Int) {
        walk(name) { lists, region in
          chost_consume(UInt64(region.around { body(lists) }))
          return lists.blocks
        }
      }
      walk("c") { $0.inC() }
      walk("swift-iterated") { $0.iterated() }
      for strategy in WholeListStrategy.allCases {
        walk("c-as-\(strategy.rawValue)") { lists, region in
          chost_consume(UInt64(region.around { lists.inC(strategy) }))
          return lists.blocks(strategy)
        }
        walk(strategy.rawValue) { lists, region in
          _ = lists.session(strategy, bracket: region)
          return lists.blocks(strategy)
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
