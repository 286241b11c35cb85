import CHost
import Instruments
import Machine

/// What a load costs, waiting for the one before and not: list heads as they lie in a memory map, over working sets
/// from a first-level cache to memory.
///
/// A working set is a span of the memory map. Packed, every line of it is a head: what order-0 blocks are, and a list
/// at a coarse granule. With heads 64 KiB apart, as those of order-10 blocks lie, the same span has one line in 1024,
/// and is that of a guest 64 times its size. Such a span below 1 MiB has fewer than 16 heads and isn't measured.
enum LoadCosts {
  /// 1024 struct pages: from the head of one order-10 block to the next.
  static let farApart = 1024 * ListHeads.headBytes
  /// Fewer heads are no list.
  static let fewestHeads = 16

  /// For each working set steps on 4 KiB pages, where heads far apart cost their own pages only, and one on 2 MiB
  /// pages.
  static func steps(_ effort: LadderEffort, _ host: LadderHost) -> [LadderStep] {
    effort.spans.flatMap { span in
      [(HostPage.small, [ListHeads.headBytes]), (.small, [farApart]), (.huge, [ListHeads.headBytes, farApart])]
        .compactMap { page, distances in step(Int(span), page, distances, effort, host) }
    }
  }

  private struct Arrangement {
    var apart: Int
    var order: Primitive.Order
  }

  /// Nil where the span has too few heads.
  private static func step(
    _ span: Int, _ page: HostPage, _ distances: [Int], _ effort: LadderEffort, _ host: LadderHost
  ) -> LadderStep? {
    let arrangements = distances.filter { span / $0 >= fewestHeads }
      .flatMap { apart in [.sequential, .random].map { Arrangement(apart: apart, order: $0) } }
    guard let densest = arrangements.map(\.apart).min() else { return nil }
    // What linking the heads makes of the mapping.
    let touched = max(page.rawValue, densest > page.rawValue ? span / densest * page.rawValue : span)
    let primitives = arrangements.flatMap { arrangement in
      [
        Primitive("dependent-load", "dependent load", per: "load"),
        Primitive("independent-load", "independent load", per: "load"),
      ].map {
        $0.with {
          $0.spanBytes = UInt64(span)
          $0.apartBytes = UInt64(arrangement.apart)
          $0.order = arrangement.order
          $0.pageBytes = UInt64(page.rawValue)
        }
      }
    }
    return LadderStep(
      "loads over \(span >> 10) KiB", primitives,
      // The rounds alone take as long as some 128 MiB.
      work: .init("loads on \(page)", amount: Double(touched) + 0x1p27), isLong: touched >= 1 << 30
    ) {
      try host.check(room: UInt64(touched))
      let mapping = try HostMapping(bytes: span, page: page)
      if page == .huge {
        mapping.touch()
        try mapping.checkPages(host)
      }
      return arrangements.flatMap { arrangement -> [Rung.Outcome] in
        let heads = ListHeads(mapping.base, span: span, apart: arrangement.apart, arrangement.order)
        return [
          .measured(dependent(heads, effort, host)),
          .measured(arrangement.order == .sequential ? sequential(heads, effort) : random(heads, effort)),
        ]
      }
    }
  }

  private static func dependent(_ heads: ListHeads, _ effort: LadderEffort, _ host: LadderHost) -> RungFigure {
    // One lap, as far as caches can remember one, so that rounds find what a walk round and round would.
    let remembered = 2 * (host.lastLevelCacheBytes ?? CacheEvictor.fallbackBytes) / ListHeads.headBytes
    var head = heads.follow(from: heads.base, steps: min(heads.count, remembered))
    return timed(effort) { steps in
      let begin = CycleClock.begin()
      head = heads.follow(from: head, steps: steps)
      let end = CycleClock.end()
      chost_consume_pointer(head)
      return CycleClock.ticks(from: begin, to: end)
    }
  }

  private static func sequential(_ heads: ListHeads, _ effort: LadderEffort) -> RungFigure {
    var next = 0
    return timed(effort) { steps in
      let begin = CycleClock.begin()
      heads.read(from: next, steps: steps)
      let end = CycleClock.end()
      next = (next &+ steps) & (heads.count &- 1)
      return CycleClock.ticks(from: begin, to: end)
    }
  }

  /// The heads' numbers come from a table, which is filled before the clock runs.
  private static func random(_ heads: ListHeads, _ effort: LadderEffort) -> RungFigure {
    let table = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: min(heads.count, leastSteps))
    defer { table.deallocate() }
    heads.fill(table, from: 0)
    var place = 0
    return timed(effort) { steps in
      var ticks: UInt64 = 0
      for _ in 0..<(steps / table.count) {
        if table.count < heads.count {
          heads.fill(table, from: place)
          place &+= table.count
        }
        let begin = CycleClock.begin()
        heads.read(UnsafeBufferPointer(table))
        let end = CycleClock.end()
        ticks += CycleClock.ticks(from: begin, to: end)
      }
      return ticks
    }
  }

  /// Steps come in multiples of this: a power of two, at least as many as the shortest list has heads.
  private static let leastSteps = 4096
  private static let mostSteps = 1 << 22

  /// Rounds of about the wanted length, after one that tells how many steps that is.
  private static func timed(_ effort: LadderEffort, _ body: (_ steps: Int) -> UInt64) -> RungFigure {
    let pilot = CycleClock.nanoseconds(fromTicks: max(1, body(leastSteps)))
    let wanted = min(effort.roundNanoseconds / pilot, Double(mostSteps / leastSteps))
    return RungFigure(rounds: effort.rounds, operations: max(1, Int(wanted)) * leastSteps, body: body)
  }
}
