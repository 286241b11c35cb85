import CHost
import Delivery
import Fixtures
import GuestMemory
import Hinting
import Instruments

import func Glibc.exit

// Swift's walks over C's: a table, and exit status 1 where the median of a ratio is above the limit.
//
// A round is C, Swift, Swift, C, each long enough to time, and gives one ratio of sums; so that neither drift nor who comes
// first favours one. What other programs do to the machine hits single rounds and drops out of the median.

/// The most that Swift may cost over C.
let limit = 1.03

struct Comparison {
  let name: String
  let ratio: Spread
  let nanosecondsC: Spread
}

func ticks(_ repeats: Int, _ body: () -> Int) -> Double {
  let begin = CycleClock.begin()
  var n = 0
  for _ in 0..<repeats { n &+= body() }
  let end = CycleClock.end()
  chost_consume(UInt64(truncatingIfNeeded: n))
  return Double(end &- begin)
}

/// Ratio of `swift` to `c` over `rounds` rounds; each call of them walks `blocks` blocks.
func compare(
  _ name: String, blocks: Int, repeats: Int, rounds: Int, c: () -> Int, swift: () -> Int
) -> Comparison {
  _ = ticks(repeats, c)
  _ = ticks(repeats, swift)
  var ratios: [Double] = []
  var nanoseconds: [Double] = []
  for _ in 0..<rounds {
    let c1 = ticks(repeats, c)
    let s1 = ticks(repeats, swift)
    let s2 = ticks(repeats, swift)
    let c2 = ticks(repeats, c)
    ratios.append((s1 + s2) / (c1 + c2))
    nanoseconds.append((c1 + c2) / 2 / Double(repeats * blocks) * CycleClock.nanosecondsPerTick)
  }
  return Comparison(name: name, ratio: Spread(ratios), nanosecondsC: Spread(nanoseconds))
}

/// A strategy's session, its buffer's end, its kick and the host's end of the queue included, for the same work in C.
func compare(_ walks: ListWalks, _ strategy: WholeListStrategy, rounds: Int, warmUp: Int) -> Comparison {
  func c() -> Double { ticks(1) { walks.inC(strategy) } }
  func swift() -> Double { Double(walks.session(strategy).scanTicks) }
  var ratios: [Double] = []
  var nanoseconds: [Double] = []
  for round in 0..<(warmUp + rounds) {
    let c1 = c()
    let s1 = swift()
    let s2 = swift()
    let c2 = c()
    if round < warmUp { continue }
    ratios.append((s1 + s2) / (c1 + c2))
    nanoseconds.append((c1 + c2) / 2 / Double(walks.blocks(strategy)) * CycleClock.nanosecondsPerTick)
  }
  return Comparison(name: strategy.rawValue, ratio: Spread(ratios), nanosecondsC: Spread(nanoseconds))
}

func run(_ title: String, _ bytes: UInt64, _ order: ListOrder, repeats: Int, rounds: Int) -> Bool {
  let walks = ListWalks(GuestFixture.fresh(bytes: bytes, order: order))
  guard walks.inC() == walks.blocks, walks.iterated() == walks.blocks, walks.agree(),
    WholeListStrategy.allCases.allSatisfy({ walks.agree($0) })
  else { fatalError("\(title): C and Swift walked different lists") }
  var rows = [
    compare(
      "FreeList, iterated", blocks: walks.blocks, repeats: repeats, rounds: rounds, c: walks.inC, swift: walks.iterated)
  ]
  // A session can't be repeated inside one time: as many rounds more.
  for strategy in WholeListStrategy.allCases {
    rows.append(compare(walks, strategy, rounds: rounds * repeats, warmUp: repeats))
  }
  var good = true
  for row in rows {
    let within = row.ratio.median <= limit
    good = good && within
    print(
      "\(title.column(24, left: true)) \(row.name.column(24, left: true))",
      row.nanosecondsC.median.text(2).column(9), row.ratio.median.text(3).column(8),
      row.ratio.quantile(0.1).text(3).column(8), row.ratio.quantile(0.9).text(3).column(8), within ? "" : "  > \(limit)"
    )
  }
  return good
}

func parity() -> Bool {
  let eight = 8 * GuestFixture.gibibyte
  let terabyte = 1024 * GuestFixture.gibibyte
  print(
    "lists".column(24, left: true), "walk".column(24, left: true), "C ns/blk".column(9), "ratio".column(8),
    "10 %".column(8), "90 %".column(8))
  var good = true
  for order in [ListOrder.ascending, .shuffled] {
    good = run("8 GiB \(order.rawValue)", eight, order, repeats: 8, rounds: 401) && good
  }
  for order in [ListOrder.ascending, .shuffled] {
    good = run("1 TiB \(order.rawValue)", terabyte, order, repeats: 1, rounds: 31) && good
  }
  return good
}

GuestFixture.refuseDebugBuild()
exit(parity() ? 0 : 1)
