import Delivery
import GuestMemory
import Instruments
import Records

/// Alexander Duyck's v5 (August 2019): a flag on free blocks that the host knows of, and a boundary in each list that
/// keeps them together at its end.
///
/// A free that leaves 32 unreported blocks of one order in a zone requests the work, which begins a tenth of a second
/// later. Zone by zone it takes up to 16 blocks off the lists, from before the boundary, or from the head if the block
/// before the boundary is reported; reports them; and puts each back at the boundary, now reported. Blocks freed to a
/// list's tail meanwhile go before the boundary, too. Boundaries are valid only for the zone being worked on.
///
/// As posted: a block that merged when it was put back isn't marked reported and counts as new; `report()` returned
/// nothing, so blocks that the queue refused count as reported; blocks under isolation count for the threshold though
/// they are never reported, so with 32 of them every free requests work. While the host acts, the blocks have no
/// reference and aren't Buddy, so that allocating a range that contains them fails (David Hildenbrand's objection).
///
/// Here a run ends with ``Outcome/limit`` after twice the reports needed for the whole guest in blocks of the lowest
/// order. The strategy itself would run as long as other threads free as fast as it reports.
struct PageReportingBoundary: HintStrategy {
  static var allocatorUse: AllocatorUse { .takesBlocks }

  static let card = StrategyCard(
    name: "page-reporting-boundary", origin: "v5, August 2019",
    summary: "reports free blocks 16 at a time and keeps them behind a boundary in their lists",
    effect: .takesBatches, trigger: .frees, nativeOrder: 9,
    holdBound: "capacity blocks put back and as many taken",
    sideEffects: "capacity blocks off the lists while the host acts; reported blocks move to their lists' tails",
    limits: "skips ISOLATE; starts when a zone has 32 unreported blocks of one order",
    options: [
      DeclaredOption(
        "order", .choice(["session"] + (0...10).map(String.init)), default: "session",
        "lowest order reported; session: that of --order", source: "v5: pageblock_order"),
      DeclaredOption(
        "capacity", .integer(1...1024), default: "16",
        "blocks in one report, at most the queue's size less one",
        source: "v5 thread: 16 pages at most in the scatterlist; v1 and v2: 32"),
      DeclaredOption(
        "delay", .integer(0...10_000), default: "100", "milliseconds from the request to the work", source: "v5: HZ/10"),
      DeclaredOption(
        "migratetype", .choice(["saved", "pageblock"]), default: "saved",
        "list a block returns to: the one it was on, or its pageblock's, as always under the rules of 6.12 and later",
        source: "saved: v5; pageblock: the review's first question"),
      DeclaredOption(
        "isolate", .choice(["take", "skip"]), default: "take",
        "blocks of an isolated pageblock that stand on another list: reported like others, or moved to ISOLATE's",
        source: "take: v5; skip: offered in the v5 thread"),
    ])

  /// PAGE_REPORTING_HWM
  static let highWaterMark: UInt64 = 32

  private let capacity: Int
  private let delay: UInt64
  private let usesPageblock: Bool
  private let skipsIsolated: Bool
  private var memory: (words: SharedWords, hooks: Hooks, arena: HintArena, list: HintBuffer)?

  init(_ options: OptionValues) {
    capacity = options.integer("capacity")
    delay = UInt64(options.integer("delay")) * 1_000_000
    usesPageblock = options.choice("migratetype") == "pageblock"
    skipsIsolated = options.choice("isolate") == "skip"
  }

  // MARK: what every CPU runs

  /// The boundaries, and the flags and counters of each zone.
  struct Hooks: AllocatorHooks {
    let words: SharedWords.View
    let lowest: Int

    /// The number of zones that have requested work (refcnt).
    static let zonesRequested = 0
    /// 1 if the work is scheduled.
    static let scheduled = 1
    static let firstBoundary = 2
    // Behind those of CMA, which are never set: v5 leaves CMA out.
    static let firstZone = 128
    static let wordsPerZone = 16
    /// ZONE_PAGE_REPORTING_REQUESTED and _ACTIVE
    static let requested: UInt64 = 1
    static let active: UInt64 = 2

    static func wordCount(zones: Int) -> Int { firstZone + zones * wordsPerZone }

    /// boundary[order][migratetype], a ``FreeList/Position``
    @inline(__always)
    func boundary(_ order: Int, _ type: Migratetype) -> Int {
      Self.firstBoundary &+ order &* Migratetype.count &+ type.rawValue
    }

    /// zone->flags
    @inline(__always)
    func flags(_ zone: Zone) -> Int { Self.firstZone &+ zone.index &* Self.wordsPerZone }

    /// zone->reported_pages[order], in blocks.
    @inline(__always)
    func reported(_ zone: Zone, _ order: Int) -> Int { flags(zone) &+ 1 &+ order }

    @inline(__always)
    func has(_ flag: UInt64, _ zone: Zone) -> Bool { words[flags(zone)] & flag != 0 }

    @inline(__always)
    func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) { clearReported(page, zone, order) }

    @inline(__always)
    func willMove(_ page: Page, _ zone: Zone, order: Int) { clearReported(page, zone, order) }

    /// clear_page_reported(): moves the boundary, if it is here, to the next entry.
    @inline(__always)
    private func clearReported(_ page: Page, _ zone: Zone, _ order: Int) {
      guard order >= lowest, page.isReported else { return }
      if has(Self.active, zone) {
        let here = page.position.rawValue
        var type = 0
        while type < Migratetype.count {
          // The kernel knows the list from the page; the page is the boundary of at most one list.
          let list = Migratetype(rawValue: type)
          if words[boundary(order, list)] == here {
            words[boundary(order, list)] = zone.freeList(order: order, list).position(after: page).rawValue
          }
          type &+= 1
        }
      }
      page.setReported(false)
      words[reported(zone, order)] &-= 1
    }

    /// get_unreported_tail()
    @inline(__always)
    func tail(of list: FreeList, _ zone: Zone, order: Int, _ type: Migratetype) -> FreeList.Position {
      guard order >= lowest, has(Self.active, zone) else { return list.end }
      return FreeList.Position(rawValue: words[boundary(order, type)]) ?? list.end
    }

    /// page_reporting_notify_free()
    @inline(__always)
    func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
      guard order >= lowest, !has(Self.requested, zone),
        zone.blocksFree(order: order) >= words[reported(zone, order)] &+ PageReportingBoundary.highWaterMark
      else { return }
      request(zone)
    }

    /// __page_reporting_request(): the first zone to request schedules the work.
    @inline(__always)
    func request(_ zone: Zone) {
      words[flags(zone)] |= Self.requested
      if words.add(Self.zonesRequested, 1) == 1 { _ = words.exchange(Self.scheduled, 1) }
    }

    /// Withdraws the zone's request at the end of a fill that found too little.
    @inline(__always)
    func endRequest(_ zone: Zone) {
      words[flags(zone)] &= ~Self.requested
      words.add(Self.zonesRequested, -1)
    }
  }

  var hooks: Hooks {
    guard let memory else { preconditionFailure("page-reporting-boundary isn't prepared") }
    return memory.hooks
  }

  /// At least 32, as in QEMU's reporting queue; more for a larger capacity.
  var queueSize: Int { HintQueue.size(for: capacity, least: 32) }

  mutating func prepare(_ guest: GuestCore, lowestOrder: Int) throws(GuestError) {
    let lowest = max(lowestOrder, guest.granuleOrder)
    let count = Hooks.wordCount(zones: guest.zoneCount)
    if let memory, memory.hooks.lowest == lowest, memory.hooks.words.count == count { return }
    let words = try SharedWords(count: count)
    let arena = try HintArena(bytes: capacity * 8)
    let hooks = Hooks(words: words.view, lowest: lowest)
    memory = (words, hooks, arena, arena.buffer(bytes: capacity * 8))
  }

  /// Marks nothing as reported, and requests work for each zone with enough free blocks of one order, as the last free
  /// would have.
  mutating func reset(_ guest: GuestCore) {
    let hooks = hooks
    hooks.words.clear()
    for zone in guest.zones {
      var asks = false
      for order in stride(from: hooks.lowest, through: guest.highestOrder, by: 1) {
        for type in guest.types {
          for page in zone.freeList(order: order, type) where page.isReported { page.setReported(false) }
        }
        if zone.blocksFree(order: order) >= Self.highWaterMark { asks = true }
      }
      if asks { hooks.request(zone) }
    }
  }

  var isWorkRequested: Bool {
    guard let memory else { return false }
    return memory.hooks.words.loadAcquiring(Hooks.scheduled) != 0
  }

  var workDelayNanoseconds: UInt64 { delay }

  func isKnownToHost(_ block: Block, _ guest: GuestCore) -> Bool {
    let page = guest.page(block.pfn)
    return page.isListedUnlocked(order: block.order) && page.isReported
  }

  func itemsPerHoldLimit(_ guest: GuestCore) -> Int? {
    // Blocks moved to ISOLATE's lists come on top.
    if skipsIsolated { return nil }
    let lists = 4 * (guest.highestOrder - (memory?.hooks.lowest ?? 0) + 1)
    // Two entries show that a list has no more; a block at the head is taken after a look before the boundary.
    return 3 * capacity + 2 * max(lists, 0)
  }

  // MARK: the work

  mutating func collect<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    var fills = fillLimit(cpu.core)
    while isWorkRequested {
      let outcome = process(&cpu, &sink, session.stop, &fills)
      if outcome != .complete { return outcome }
    }
    return .complete
  }

  mutating func work<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ session: inout Session
  ) -> Outcome {
    var fills = fillLimit(cpu.core)
    return process(&cpu, &sink, session.stop, &fills)
  }

  /// Twice the reports needed for the whole guest in blocks of the lowest order, plus a few per zone.
  @inline(__always)
  private func fillLimit(_ core: GuestCore) -> Int {
    var pages: UInt64 = 0
    for index in 0..<core.zoneCount { pages &+= core.zone(index).spannedPages }
    return 2 &* Int(pages &>> UInt64(hooks.lowest)) / capacity &+ 16 &* core.zoneCount &+ 16
  }

  /// page_reporting_process(): works zone by zone until no zone requests it.
  @inline(__always)
  private func process<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink, _ stop: StopFlag, _ fills: inout Int
  ) -> Outcome {
    guard let memory else { return .noBuffer }
    let hooks = memory.hooks
    _ = hooks.words.exchange(Hooks.scheduled, 0)
    repeat {
      for index in 0..<cpu.core.zoneCount {
        let zone = cpu.core.zone(index)
        guard hooks.has(Hooks.requested, zone) else { continue }
        let outcome = stop.isSet ? .stopped : cycle(zone, hooks, memory.list, &cpu, &sink, stop, &fills)
        if outcome != .complete {
          // No other thread schedules it while a zone still requests work.
          if hooks.words.loadAcquiring(Hooks.zonesRequested) != 0 { _ = hooks.words.exchange(Hooks.scheduled, 1) }
          return outcome
        }
      }
    } while hooks.words.loadAcquiring(Hooks.zonesRequested) != 0
    return .complete
  }

  private struct Filled {
    var blocks = 0
    var pages: UInt64 = 0
  }

  /// page_reporting_cycle(): puts back what was reported and takes the next blocks, in one hold.
  @inline(__always)
  private func cycle<Probe: LockProbe, Sink: HintSink, Rules: KernelRules>(
    _ zone: Zone, _ hooks: Hooks, _ list: HintBuffer, _ cpu: inout GuestCPU<Probe, Hooks, Rules>, _ sink: inout Sink,
    _ stop: StopFlag, _ fills: inout Int
  ) -> Outcome {
    let most = min(capacity, max(1, sink.queueSize &- 1))
    let words = hooks.words
    let flags = hooks.flags(zone)
    var held = Filled()
    var begins = true
    var wereReported = true
    var end: Outcome?
    while true {
      if end == nil && fills == 0 { end = .limit }
      let back = held
      let goesOn = end == nil
      let isFirst = begins
      let marks = wereReported
      held = cpu.withZoneLocked(zone) { hold in
        if isFirst {
          placeBoundaries(hold.core, zone, hooks)
          words[flags] |= Hooks.active
        }
        var index = 0
        while index < back.blocks {
          put(Block(rawValue: list[index]), &hold, hooks, isReported: marks)
          index &+= 1
        }
        // Blocks that weren't reported are requested again.
        if !marks && !hooks.has(Hooks.requested, zone) { hooks.request(zone) }
        var filled = Filled()
        if goesOn && (isFirst || hooks.has(Hooks.requested, zone)) { filled = fill(list, most, &hold, hooks) }
        if filled.blocks == 0 { words[flags] &= ~Hooks.active }
        return filled
      }
      begins = false
      if back.pages > 0 { sink.didReturn(pages: back.pages) }
      if held.blocks == 0 { return end ?? .complete }
      fills &-= 1
      sink.didTake(pages: held.pages, initialized: false)
      wereReported = !stop.isSet
      // The callback returned nothing: blocks that the queue refused count as reported.
      if wereReported { _ = sink.report(list, 0..<held.blocks) }
      if stop.isSet { end = .stopped }
    }
  }

  /// Places every boundary of the zone at its list's end.
  @inline(__always)
  private func placeBoundaries(_ core: GuestCore, _ zone: Zone, _ hooks: Hooks) {
    var order = hooks.lowest
    while order <= core.highestOrder {
      var type = 0
      while type < Migratetype.count {
        let list = Migratetype(rawValue: type)
        hooks.words[hooks.boundary(order, list)] = zone.freeList(order: order, list).end.rawValue
        type &+= 1
      }
      order &+= 1
    }
  }

  /// page_reporting_fill(): withdraws the zone's request if fewer than `most` blocks are found.
  @inline(__always)
  private func fill<Probe: LockProbe, Rules: KernelRules>(
    _ list: HintBuffer, _ most: Int, _ hold: inout GuestCPU<Probe, Hooks, Rules>.Hold, _ hooks: Hooks
  ) -> Filled {
    var filled = Filled()
    var order = hold.core.highestOrder
    while order >= hooks.lowest {
      var type = Migratetype.isolate.rawValue &- 1
      while type >= 0 {
        while let page = takeUnreported(&hold, hooks, order, Migratetype(rawValue: type)) {
          list.store(Block(pfn: hold.core.pfn(page), order: order).rawValue, at: filled.blocks)
          filled.blocks &+= 1
          filled.pages &+= 1 &<< UInt64(truncatingIfNeeded: order)
          if filled.blocks == most { return filled }
        }
        type &-= 1
      }
      order &-= 1
    }
    hooks.endRequest(hold.zone)
    return filled
  }

  /// get_unreported_page(): returns the entry before the boundary, otherwise the head; nil if both are reported or
  /// missing.
  @inline(__always)
  private func takeUnreported<Probe: LockProbe, Rules: KernelRules>(
    _ hold: inout GuestCPU<Probe, Hooks, Rules>.Hold, _ hooks: Hooks, _ order: Int, _ type: Migratetype
  ) -> Page? {
    let list = hold.freeList(order: order, type)
    let boundary = hooks.boundary(order, type)
    while true {
      let place = FreeList.Position(rawValue: hooks.words[boundary]) ?? list.end
      guard var page = list.page(before: place) else { return nil }
      hold.items &+= 1
      if page.isReported {
        guard let head = list.first else { return nil }
        hold.items &+= 1
        if head.isReported {
          // Blocks freed to the tail from now on go before all of them.
          hooks.words[boundary] = head.position.rawValue
          return nil
        }
        page = head
      }
      if skipsIsolated && hold.core.pageblockMigratetype(hold.core.pfn(page)) == .isolate {
        hold.moveToIsolate(page, from: type)
        continue
      }
      hold.takeOff(page, from: type)
      return page
    }
  }

  /// put_reported_page(): puts a block back at the boundary; marks it reported unless it merged.
  @inline(__always)
  private func put<Probe: LockProbe, Rules: KernelRules>(
    _ block: Block, _ hold: inout GuestCPU<Probe, Hooks, Rules>.Hold, _ hooks: Hooks, isReported: Bool
  ) {
    let page = hold.core.page(block.pfn)
    let now = hold.core.pageblockMigratetype(block.pfn)
    // Where lists are kept pure (6.10) the saved type may be of a list where the block no longer belongs.
    let type =
      usesPageblock || Rules.keepsListsPure || hold.zone.hasIsolatedPageblocks || now == .isolate
      ? now : hold.notedMigratetype(page)
    hold.items &+= 1
    guard hold.putBack(page, order: block.order, type), isReported else { return }
    page.setReported(true)
    hooks.words[hooks.reported(hold.zone, block.order)] &+= 1
    hooks.words[hooks.boundary(block.order, type)] = page.position.rawValue
  }
}
