import CHost

/// How to age a guest.
public struct Aging: Sendable, Equatable {
  /// The share of managed memory left free, 0.05 ... 0.95.
  public var freeFraction: Double
  /// One pageblock in this many is churned page by page, the rest whole; this is why a terabyte takes only seconds.
  public var pagewiseOneIn: Int
  /// What real work left; nil: a churn by the model's allocator.
  public var profile: AgingProfile?

  public init(freeFraction: Double = 0.5, pagewiseOneIn: Int = 16, profile: AgingProfile? = nil) {
    self.freeFraction = freeFraction
    self.pagewiseOneIn = pagewiseOneIn
    self.profile = profile
  }
}

extension Guest {
  /// Ages a guest: as a profile describes, or with a seeded churn.
  ///
  /// The churn: all memory is allocated in pageblocks, with the migratetype shares of a running machine (3 % unmovable, 8 %
  /// reclaimable). One in sixteen pageblocks is then split into allocations of order 0 to 3, and the wanted share of
  /// those is freed in random order. Whole pageblocks are freed in random order until the free fraction is reached.
  /// Then a number of steps, a quarter of the free pageblocks, each takes a block from the head of a list and frees
  /// another. All of this uses the allocator's own merging, splitting and stealing. The rest stays allocated for the
  /// run.
  ///
  /// Complexity: O(pageblocks + pages / 16). Touches only list heads and the pageblocks churned page by page.
  ///
  /// - Throws: ``GuestError`` if the free fraction can't be reached.
  public func age(_ aging: Aging, seed: UInt64) throws(GuestError) {
    guard aging.freeFraction >= 0.05, aging.freeFraction <= 0.95 else { throw .badFreeFraction(aging.freeFraction) }
    if let profile = aging.profile { return try fill(profile, freeFraction: aging.freeFraction, seed: seed) }
    fillFresh()
    // It does what is done under zone->lock alone.
    switch geometry.kernel {
    case .linux61: churn(aging, seed, Linux6_1.Lists.self)
    case .linux612: churn(aging, seed, Linux6_12.Lists.self)
    case .mainline: churn(aging, seed, Mainline.Lists.self)
    }
    // The per-CPU part of the pageblock's marks isn't used after this.
    for zone in core.zones { zone.watermarkBoostField.pointee = 0 }
    takeSnapshot()
  }

  private func churn<Rules: KernelRules>(_ aging: Aging, _ seed: UInt64, _: Rules.Type) {
    for zone in core.zones {
      var churn = ZoneChurn<Rules>(core, zone, SeededGenerator(seed: seed, stream: 16 + UInt64(zone.index)))
      churn.run(aging)
    }
  }
}

private struct ZoneChurn<Rules: KernelRules> {
  let core: GuestCore
  let zone: Zone
  var generator: SeededGenerator

  init(_ core: GuestCore, _ zone: Zone, _ generator: SeededGenerator) {
    self.core = core
    self.zone = zone
    self.generator = generator
  }

  mutating func run(_ aging: Aging) {
    let target = UInt64(Double(zone.managedPages) * aging.freeFraction)
    var (units, rest) = takeEverything()
    units.shuffle(using: &generator)

    // Page by page.
    let unit = core.pageblockOrder
    let smallest = core.granuleOrder
    let largest = min(smallest + 3, unit - 1)
    var pieces: [Block] = []
    if smallest < unit {
      for block in units.suffix(units.count / aging.pagewiseOneIn) {
        var pfn = block.pfn
        while pfn < block.end {
          var order = generator.below(largest - smallest + 1) + smallest
          while pfn & ((1 << UInt64(order)) - 1) != 0 { order -= 1 }
          if generator.chance(aging.freeFraction) { pieces.append(Block(pfn: pfn, order: order)) }
          pfn += 1 << UInt64(order)
        }
      }
      units.removeLast(units.count / aging.pagewiseOneIn)
    }
    pieces.shuffle(using: &generator)
    for piece in pieces where zone.freePages + piece.pages <= target { free(piece) }

    // Pageblock by pageblock, until the wanted share is free; the zone's odd ends where a whole one is too much.
    var freed = 0
    while zone.freePages + (1 << UInt64(unit)) <= target, let block = units.popLast() {
      free(block)
      freed += 1
    }
    while let block = rest.popLast() {
      if zone.freePages + block.pages <= target { free(block) }
    }

    // Keep churning at the reached level.
    for _ in 0..<(freed / 4) {
      guard !units.isEmpty, let block = take(order: unit, type: .movable) else { break }
      let other = generator.below(units.count)
      free(units[other])
      units[other] = block
    }
  }

  private mutating func takeEverything() -> (units: [Block], rest: [Block]) {
    var units: [Block] = []
    var rest: [Block] = []
    while true {
      let draw = generator.below(100)
      let type: Migratetype = draw < 3 ? .unmovable : draw < 11 ? .reclaimable : .movable
      guard let block = take(order: core.pageblockOrder, type: type) else { break }
      units.append(block)
    }
    for order in (core.granuleOrder..<max(core.pageblockOrder, core.granuleOrder)).reversed() {
      while let block = take(order: order, type: .movable) { rest.append(block) }
    }
    return (units, rest)
  }

  private func take(order: Int, type: Migratetype) -> Block? {
    var mode = GuestCore.TakeMode.own
    guard
      let page = core.take(
        zone, order: order, type, avoidFragmentation: false, &mode, HooksUnder<Rules, NoHooks>(NoHooks()))
    else { return nil }
    core.addFreePages(zone, -(1 << order))
    return Block(pfn: core.pfn(page), order: order)
  }

  private func free(_ block: Block) {
    let page = core.page(block.pfn)
    // A piece's head may never have been a head before.
    page.pointer.pointee.flags = Page.zoneBits(zone.index)
    core.freeOnePage(
      page, pfn: block.pfn, zone, order: block.order, core.pageblockMigratetype(block.pfn),
      HooksUnder<Rules, NoHooks>(NoHooks()))
  }
}
