import CHost
import Instruments
import Machine

/// Measures dependent and independent loads of list heads laid out as in a memory map, over working sets from a
/// first-level cache to memory.
///
/// A working set is a span of the memory map. Packed, every line of it is a head, as with order-0 blocks or a list at a
/// coarse granule. With heads 64 KiB apart, as those of order-10 blocks are, only one line in 1024 of the span is
/// touched, and the span is that of a guest 64 times its size. Such a span has fewer than 16 heads below 1 MiB and
/// isn't measured.
enum LoadCosts {
  /// The distance between the heads of two order-10 blocks: 1024 struct pages. Bytes.
  static let farApart = 1024 * ListHeads.headBytes
  /// The fewest heads that are measured.
  static let fewestHeads = 16

  /// Returns, for each working set, steps on 4 KiB pages, where distant heads need only their own pages, and one step
  /// on 2 MiB pages.
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

  /// Returns nil if the span has too few heads.
  private static func step(
    _ span: Int, _ page: HostPage, _ distances: [Int], _ effort: LadderEffort, _ host: LadderHost
  ) -> LadderStep? {
    let arrangements = distances.filter { span / $0 >= fewestHeads }
      .flatMap { apart in [.sequential, .random].map { Arrangement(apart: apart, order: $0) } }
    guard let densest = arrangements.map(\.apart).min() else { return nil }
    // The huge pages after linking the heads.
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
    // One lap, up to the size of the caches, so that rounds find the cache state of a continuous walk.
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

  /// Measures random reads. The heads' numbers come from a table that is filled before the clock starts.
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

  /// Step counts are multiples of this: a power of two, at least as large as the shortest list.
  private static let leastSteps = 4096
  private static let mostSteps = 1 << 22

  /// Times rounds of about the wanted length, after a first one that determines the number of steps.
  private static func timed(_ effort: LadderEffort, _ body: (_ steps: Int) -> UInt64) -> RungFigure {
    let pilot = CycleClock.nanoseconds(fromTicks: max(1, body(leastSteps)))
    let wanted = min(effort.roundNanoseconds / pilot, Double(mostSteps / leastSteps))
    return RungFigure(rounds: effort.rounds, operations: max(1, Int(wanted)) * leastSteps, body: body)
  }
}
