import CHost
import Instruments

/// A modelled CPU, as code running on it sees the guest: the allocator's entry points, and the zones under their locks.
///
/// Each thread has its own; two threads never share a CPU number, since the per-CPU lists and the lock's queue node
/// belong to it. `Probe` watches its zone locks; `Hooks` are a strategy's code in the allocator (the same on every CPU
/// of a guest); ``NoProbe`` and ``NoHooks`` compile to nothing. `Rules` says what its kernel does.
public struct GuestCPU<Probe: LockProbe, Hooks: AllocatorHooks, Rules: KernelRules> {
  public let core: GuestCore
  /// The modelled CPU's number, 0 ..< cpuCount.
  public let cpu: Int
  /// The modelled node it belongs to, which selects its zonelist.
  public let node: Int
  public var probe: Probe
  public let hooks: Hooks

  /// - Parameter rules: those of the guest's kernel, see ``GuestGeometry/kernel``.
  @inlinable
  public init(_ core: GuestCore, cpu: Int, node: Int, probe: Probe, hooks: Hooks, rules: Rules.Type) {
    precondition(cpu >= 0 && cpu < core.cpuCount, "CPU \(cpu) of \(core.cpuCount)")
    precondition(node >= 0 && node < core.nodeCount, "node \(node) of \(core.nodeCount)")
    self.core = core
    self.cpu = cpu
    self.node = node
    self.probe = probe
    self.hooks = hooks
  }

  @inlinable
  public init(_ core: GuestCore, cpu: Int, node: Int, probe: Probe, rules: Rules.Type) where Hooks == NoHooks {
    self.init(core, cpu: cpu, node: node, probe: probe, hooks: NoHooks(), rules: rules)
  }

  /// In a guest with 6.1's rules.
  @inlinable
  public init(_ core: GuestCore, cpu: Int, node: Int, probe: Probe) where Hooks == NoHooks, Rules == Linux6_1 {
    self.init(core, cpu: cpu, node: node, probe: probe, hooks: NoHooks(), rules: Linux6_1.self)
  }

  // MARK: the zone lock

  /// Access to a zone while its lock is held.
  public struct Hold {
    public let core: GuestCore
    public let zone: Zone
    public let hooks: Hooks
    /// The list entries looked at, emitted or skipped; counted by the body.
    public var items = 0

    /// For the allocator's inner half.
    @inlinable @inline(__always)
    var ruled: HooksUnder<Rules.Lists, Hooks> { HooksUnder(hooks) }

    @inlinable @inline(__always)
    init(core: GuestCore, zone: Zone, hooks: Hooks) {
      self.core = core
      self.zone = zone
      self.hooks = hooks
    }

    /// free_area[order].free_list[migratetype]
    @inlinable @inline(__always)
    public func freeList(order: Int, _ type: Migratetype) -> FreeList { zone.freeList(order: order, type) }

    /// Whether `page` heads a free block of this order in this zone. The page doesn't tell which migratetype's list it
    /// is on, or whether it was away in between.
    @inlinable @inline(__always)
    public func isListed(_ page: Page, order: Int) -> Bool { core.isBuddy(page, order: order, of: zone) }

    /// What comes after a listed page.
    public enum Follower {
      case page(Page)
      /// The end of `list`.
      case end
      /// The end of another list, which the page was actually on.
      case endOfAnotherList
    }

    /// Returns the entry after `page`, which was found on `list` in an earlier hold and may have moved to another list
    /// since.
    @inlinable @inline(__always)
    public func follower(of page: Page, on list: FreeList) -> Follower {
      let next = page.link.pointee.next.unsafelyUnwrapped
      if next == list.head { return .end }
      // The zone's list heads are inside the zone, and no page is.
      let offset = UInt(bitPattern: next) &- UInt(bitPattern: zone.pointer)
      return offset < UInt(MemoryLayout<StructZone>.size) ? .endOfAnotherList : .page(Page(link: next))
    }

    /// Whether taking a block of `order` leaves the zone above its min watermark, as `__isolate_free_page()` checks it:
    /// without the boost and without the HIGHATOMIC reserve. lowmem_reserve isn't checked: this is for callers that
    /// take the block they are looking at.
    @inlinable @inline(__always)
    public func mayTake(order: Int) -> Bool {
      let reserved = zone.withheldHighAtomic(Rules.self)
      return zone.freePages > zone.watermark(.min) &+ (1 &<< UInt64(order)) &+ reserved
    }

    /// Takes this free block off its list as the allocator would: out of the counters, off the list, no longer Buddy,
    /// one reference. `list_del()` alone would only unlink it.
    @inlinable @inline(__always)
    public func take(_ page: Page) {
      takeOff(page)
      if Rules.notesMigratetype {
        page.pointer.pointee.index = UInt64(truncatingIfNeeded: core.pageblockMigratetype(core.pfn(page)).rawValue)
      }
      page.pointer.pointee.refcount = 1
    }
  }

  /// spin_lock_irqsave(&zone->lock), `body`, spin_unlock_irqrestore().
  @inlinable @inline(__always)
  public mutating func withZoneLocked<Result>(_ zone: Zone, _ body: (inout Hold) -> Result) -> Result {
    let lock = core.lock(of: zone)
    probe.willAcquire()
    lock.lock(core.lockKind, nodes: core.queueNodes, cpu: cpu)
    probe.didAcquire()
    var hold = Hold(core: core, zone: zone, hooks: hooks)
    let result = body(&hold)
    probe.willRelease()
    lock.unlock()
    probe.didRelease(zone: zone.index, items: hold.items)
    return result
  }

  // MARK: allocating

  /// __alloc_pages() for a request that may not reclaim: walks the zonelist with the low watermark, then with the min
  /// watermark.
  ///
  /// `onNode`: the node whose zonelist is walked (alloc_pages_node()), by default the CPU's own.
  ///
  /// - Returns: the first PFN of a naturally aligned block of 2^order pages; nil if both walks fail, or if the guest
  ///   doesn't have this order.
  @inlinable
  public mutating func allocate(order: Int, _ gfp: GFP, onNode: Int? = nil) -> UInt64? {
    assert(Rules.version == core.kernel)
    let node = onNode ?? self.node
    guard order >= core.granuleOrder, order <= core.highestOrder,
      let page = allocate(order: order, gfp, onNode: node, above: .low)
        ?? allocate(order: order, gfp, onNode: node, above: .min)
    else { return nil }
    // prep_new_page(): the head only; init_on_alloc is a setting with its own cost column.
    page.pointer.pointee.private_ = 0
    if gfp.contains(.movable) { page.pointer.pointee.flags |= Page.flagLRU }
    hooks.didAllocate(page, pfn: core.pfn(page), order: order)
    // The reference last: from then on other threads may take one, and the page's lock.
    page.pointer.pointee.refcount = 1
    return core.pfn(page)
  }

  /// get_page_from_freelist()
  @inlinable @inline(__always)
  mutating func allocate(order: Int, _ gfp: GFP, onNode node: Int, above mark: Zone.Watermark) -> Page? {
    let list = core.zonelist(node: node, thisNodeOnly: gfp.contains(.thisNode))
    let highest = gfp.highestZone
    let gfp = mark == .low ? gfp.onFirstWalk(order: order, Rules.self) : gfp
    // ALLOC_NOFRAGMENT, on the first walk only (alloc_flags_nofragment()).
    var avoidFragmentation = false
    var position = 0
    var preferred: Zone? = nil
    while true {
      let index = Int(list[position])
      if index < 0 {
        // The walk found nothing: once more, allowing fragmentation.
        guard avoidFragmentation else { return nil }
        avoidFragmentation = false
        position = 0
        continue
      }
      let zone = core.zone(index)
      if zone.type > highest {
        position &+= 1
        continue
      }
      if preferred == nil {
        preferred = zone
        avoidFragmentation = mark == .low && zone.type == .normal && core.dma32Shields(node: zone.node)
      } else if avoidFragmentation && core.nodeCount > 1 && zone.node != preferred.unsafelyUnwrapped.node {
        avoidFragmentation = false
        position = 0
        continue
      }
      position &+= 1
      guard
        isAboveHigh(zone, order: order, gfp)
          || core.watermarkAllows(zone, order: order, mark: core.mark(zone, mark), gfp, Rules.self)
          // zone_watermark_fast(): the boost doesn't count against an atomic page at the min mark.
          || order == 0 && mark == .min && gfp.contains(Rules.highIgnoresBoost ? .high : .atomic)
            && core.watermarkAllows(zone, order: order, mark: zone.watermark(.min), gfp, Rules.self)
      else { continue }
      var isFromPerCPUList = false
      if let page = takeFrom(zone, order: order, gfp, avoidFragmentation: avoidFragmentation, &isFromPerCPUList) {
        if order > 0 && gfp.mayUseHighAtomic(Rules.self)
          && !(Rules.atomicsUseReserveFirst && (mark == .low || isFromPerCPUList))
        {
          reserveHighAtomic(page, order: order, zone)
        }
        return page
      }
    }
  }

  /// get_page_from_freelist() of 6.7 and later: asks for the high mark first. A zone below it is flagged, and not asked
  /// again until a drain finds it above.
  @inlinable @inline(__always)
  func isAboveHigh(_ zone: Zone, order: Int, _ gfp: GFP) -> Bool {
    guard Rules.tunesPerCPULists, !zone.isBelowHigh else { return false }
    if core.watermarkAllows(zone, order: order, mark: core.mark(zone, .high), gfp, Rules.self) { return true }
    zone.isBelowHigh = true
    return false
  }

  /// reserve_highatomic_pageblock(): makes the pageblock of an atomic block of order 1 or more part of the reserve.
  @inlinable @inline(never)
  mutating func reserveHighAtomic(_ page: Page, order: Int, _ zone: Zone) {
    let pages: UInt64 = 1 &<< UInt64(core.pageblockOrder)
    let most = Rules.mostHighAtomic(managed: zone.managedPages, pageblock: pages)
    if zone.reservedHighAtomic >= most { return }
    withZoneLocked(zone) { hold in
      hold.items = 1
      let pfn = hold.core.pfn(page)
      let type = hold.core.pageblockMigratetype(pfn)
      guard hold.zone.reservedHighAtomic < most, type.isMergeable else { return }
      if Rules.keepsListsPure {
        if order >= hold.core.pageblockOrder {
          hold.core.setPageblockMigratetypes(pfn, order: order, .highAtomic)
          hold.zone.reservedHighAtomicField.pointee &+= 1 &<< UInt64(order)
        } else if let start = hold.core.wholePageblock(pfn, in: hold.zone) {
          hold.core.retag(hold.zone, pageblock: start, from: type, to: .highAtomic, hold.ruled)
          hold.zone.reservedHighAtomicField.pointee &+= pages
        }
        return
      }
      hold.zone.reservedHighAtomicField.pointee &+= pages
      hold.core.setPageblockMigratetype(pfn, .highAtomic)
      _ = hold.core.moveFreePages(hold.zone, pageblockOf: pfn, to: .highAtomic, hold.ruled)
    }
  }

  /// rmqueue()
  @inlinable @inline(__always)
  mutating func takeFrom(
    _ zone: Zone, order: Int, _ gfp: GFP, avoidFragmentation: Bool, _ isFromPerCPUList: inout Bool
  ) -> Page? {
    if PerCPUList.serves(order: order, hugeOrder: core.perCPUHugeOrder) && order >= core.granuleOrder {
      let pcp = core.perCPUList(zone, cpu: cpu)
      if pcp.lock.tryLock() {
        let page = takeFrom(pcp, zone, order: order, gfp, avoidFragmentation: avoidFragmentation)
        pcp.lock.unlock()
        if let page {
          isFromPerCPUList = true
          return page
        }
      }
    }
    while true {
      guard
        let page = core.hasCMA && gfp.migratetype == .movable
          ? takeBalancing(zone, order: order, gfp, avoidFragmentation: avoidFragmentation)
          : takeFromBuddy(zone, order: order, gfp, avoidFragmentation: avoidFragmentation)
      else { return nil }
      // Outside of the lock. A page that looks in use is leaked, and another taken.
      if !core.checksPages(Rules.self) || core.checkNew(page, order: order) { return page }
      _ = core.zoneSawBadPage(zone)
    }
  }

  /// ``takeFromBuddy(_:order:_:avoidFragmentation:balances:)`` for a movable request in a guest with CMA.
  @inlinable @inline(never)
  mutating func takeBalancing(_ zone: Zone, order: Int, _ gfp: GFP, avoidFragmentation: Bool) -> Page? {
    takeFromBuddy(zone, order: order, gfp, avoidFragmentation: avoidFragmentation, balances: true)
  }

  /// The critical section of rmqueue_buddy(). `balances`: whether CMA's lists come first where they have most.
  @inlinable @inline(__always)
  mutating func takeFromBuddy(
    _ zone: Zone, order: Int, _ gfp: GFP, avoidFragmentation: Bool, balances: Bool = false
  ) -> Page? {
    let type = gfp.migratetype
    return withZoneLocked(zone) { hold in
      hold.items = 1
      var page: Page?
      if order > 0 && gfp.mayUseHighAtomic(Rules.self) {
        page = hold.core.takeSmallest(hold.zone, order: order, .highAtomic, hold.ruled)
      }
      if balances && page == nil {
        page = hold.core.takeWhileMostIsCMA(hold.zone, order: order, taken: 0, hold.ruled)
      }
      if page == nil {
        var mode = GuestCore.TakeMode.own
        page = hold.core.take(
          hold.zone, order: order, type, avoidFragmentation: avoidFragmentation, &mode, hold.ruled)
      }
      // ALLOC_NON_BLOCK: rather the reserve than a failure (6.1.192; facts of the 6.1.y that Debian ships).
      if page == nil && gfp.isNonBlock {
        page = hold.core.takeSmallest(hold.zone, order: order, .highAtomic, hold.ruled)
      }
      if page != nil { hold.core.addFreePages(hold.zone, -(1 &<< order)) }
      return page
    }
  }

  /// rmqueue_pcplist()
  @inlinable @inline(__always)
  mutating func takeFrom(_ pcp: PerCPUList, _ zone: Zone, order: Int, _ gfp: GFP, avoidFragmentation: Bool) -> Page? {
    let type = gfp.migratetype
    if Rules.tunesPerCPULists { pcp.freeCountField.pointee &>>= 1 } else { pcp.freeFactorField.pointee &>>= 1 }
    let list = pcp.list(PerCPUList.index(order: order, type))
    while true {
      if list.isEmpty {
        if Rules.atomicsUseReserveFirst && order > 0 && gfp.mayUseHighAtomic(Rules.self) { return nil }
        var batch: Int
        if Rules.tunesPerCPULists {
          batch = pcp.blocksToRefill(order: order, isBelowHigh: zone.isBelowHigh)
        } else {
          batch = Int(pcp.pointer.pointee.batch)
          if batch > 1 { batch = max(batch &>> order, 2) }
        }
        let taken = withZoneLocked(zone) { hold in
          let taken = hold.core.fill(
            list, from: hold.zone, order: order, count: batch, type, avoidFragmentation: avoidFragmentation, hold.ruled)
          hold.items = taken
          return taken
        }
        pcp.countField.pointee &+= Int32(truncatingIfNeeded: taken &<< order)
      }
      guard let page = list.first else { return nil }
      FreeList.remove(page)
      pcp.countField.pointee &-= 1 &<< Int32(order)
      // 6.1 has checked the block in the refill.
      if Rules.alwaysChecksPages || !core.isToldToCheckPages || core.checkNew(page, order: order) { return page }
      _ = core.zoneSawBadPage(zone)
    }
  }

  // MARK: freeing

  /// __free_pages() of a block that ``allocate(order:_:)`` returned.
  @inlinable
  public mutating func free(pfn: UInt64, order: Int) {
    let page = core.page(pfn)
    let zone = core.zone(page.zoneIndex)
    guard core.prepareToFree(page, order: order, zone, Rules.self) else { return }
    freePrepared(page, pfn: pfn, order: order, zone)
  }

  /// put_page() of the head of a block of 2^order pages: drops a reference, and frees the block with the last one.
  @inlinable
  public mutating func put(pfn: UInt64, order: Int) {
    let page = core.page(pfn)
    guard page.dropReference() else { return }
    let zone = core.zone(page.zoneIndex)
    guard core.prepareUnreferenced(page, order: order, zone, Rules.self) else { return }
    freePrepared(page, pfn: pfn, order: order, zone)
  }

  /// __free_pages_ok() and free_unref_page() after free_pages_prepare().
  @inlinable @inline(__always)
  mutating func freePrepared(_ page: Page, pfn: UInt64, order: Int, _ zone: Zone) {
    assert(Rules.version == core.kernel)
    let type = core.pageblockMigratetype(pfn)
    if PerCPUList.serves(order: order, hugeOrder: core.perCPUHugeOrder) && type != .isolate {
      // free_unref_page(): types without per-CPU lists are cached as movable.
      let kept = type.rawValue < Migratetype.pcpTypes ? type : .movable
      if Rules.notesMigratetype { page.pointer.pointee.index = UInt64(truncatingIfNeeded: type.rawValue) }
      let pcp = core.perCPUList(zone, cpu: cpu)
      if pcp.lock.tryLock() {
        if add(page, to: pcp, zone, order: order, kept) { pcp.lock.unlock() }
        return
      }
    }
    freeToZone(page, pfn: pfn, order: order, zone, type)
  }

  /// ``freeOnePage(_:pfn:order:_:_:)``, never inlined: the compiler would load what it needs before the per-CPU list is
  /// tried, five instructions in each free that never gets here.
  @inlinable @inline(never)
  mutating func freeToZone(_ page: Page, pfn: UInt64, order: Int, _ zone: Zone, _ type: Migratetype) {
    freeOnePage(page, pfn: pfn, order: order, zone, type)
  }

  /// free_one_page(). Inlined, because the compiler inlines the code under the lock only into an inlined function; else
  /// it copies the core for it.
  @inlinable @inline(__always)
  mutating func freeOnePage(_ page: Page, pfn: UInt64, order: Int, _ zone: Zone, _ type: Migratetype) {
    withZoneLocked(zone) { hold in
      hold.items = 1
      if Rules.keepsListsPure {
        // split_large_buddy(); types are read under the lock.
        if order > hold.core.pageblockOrder {
          hold.core.freePageblocks(
            pfn, hold.zone, order: order, placement: .byMergeGuess, notifies: true, hold.ruled)
        } else {
          hold.core.freeOnePage(
            page, pfn: pfn, hold.zone, order: order, hold.core.pageblockMigratetype(pfn), hold.ruled)
        }
        return
      }
      // The pageblock may have been isolated or released since its type was read.
      if hold.zone.hasIsolatedPageblocks || type == .isolate {
        hold.core.freeAmongIsolated(page, pfn: pfn, hold.zone, order: order, hold.ruled)
      } else {
        hold.core.freeOnePage(page, pfn: pfn, hold.zone, order: order, type, hold.ruled)
      }
    }
  }

  /// free_unref_page_commit(). Returns whether the list's lock is still held.
  @inlinable @inline(__always)
  mutating func add(_ page: Page, to pcp: PerCPUList, _ zone: Zone, order: Int, _ type: Migratetype) -> Bool {
    let index = PerCPUList.index(order: order, type)
    pcp.list(index).addHead(page)
    pcp.countField.pointee &+= 1 &<< Int32(order)
    if Rules.tunesPerCPULists {
      let pages = pcp.pagesToDrainAfterFree(order: order, isBelowHigh: zone.isBelowHigh, Rules.self)
      if pages > 0 {
        if Rules.drainsInBatches {
          if !drainInBatches(pcp, zone, pages: pages, first: index) { return false }
        } else {
          drain(pcp, zone, pages: pages, first: index)
        }
        if zone.isBelowHigh
          && core.watermarkAllows(zone, order: 0, mark: core.mark(zone, .high), .userMovable, Rules.self)
        {
          zone.isBelowHigh = false
        }
      }
      return true
    }
    let freeHigh = pcp.freeFactorField.pointee != 0 && order != 0 && order <= PerCPUList.costlyOrder
    let high = pcp.drainAbove(freeHigh: freeHigh)
    if pcp.countField.pointee >= high {
      drain(pcp, zone, pages: pcp.pagesToDrain(high: high, freeHigh: freeHigh), first: index)
    }
    return true
  }

  /// Drains so many pages, a batch a hold. Between two the list's lock is given up and tried again; returns false if
  /// somebody else has it by then: the rest stays.
  @inlinable @inline(never)
  mutating func drainInBatches(_ pcp: PerCPUList, _ zone: Zone, pages: Int, first: Int) -> Bool {
    var left = pages
    while true {
      let chunk = min(left, pcp.batch)
      drain(pcp, zone, pages: chunk, first: first)
      left &-= chunk
      if left == 0 || pcp.count == 0 { return true }
      pcp.lock.unlock()
      guard pcp.lock.tryLock() else { return false }
    }
  }

  /// decay_pcp_high(), once a vmstat tick (6.7): lets `high` sink towards its least, and drains what is above it. Does
  /// nothing under 6.1's rules.
  public mutating func decayPerCPULists() {
    guard Rules.tunesPerCPULists else { return }
    for index in 0..<core.zoneCount {
      let zone = core.zone(index)
      let pcp = core.perCPUList(zone, cpu: cpu)
      guard pcp.lock.tryLock() else { continue }
      let least = pcp.pointer.pointee.high_min
      let largest = pcp.pointer.pointee.batch &<< Int32(PerCPUList.batchScaleMax)
      if pcp.highField.pointee > least {
        pcp.highField.pointee = max(
          pcp.countField.pointee &- largest, pcp.highField.pointee &- pcp.highField.pointee &>> 3, least)
      }
      var left = pcp.count - pcp.high
      while left > 0 {
        let chunk = min(left, pcp.batch)
        drain(pcp, zone, pages: chunk, first: 0)
        left -= chunk
      }
      pcp.lock.unlock()
    }
  }

  @inlinable @inline(__always)
  mutating func drain(_ pcp: PerCPUList, _ zone: Zone, pages: Int, first: Int) {
    withZoneLocked(zone) { hold in
      hold.items = hold.core.drain(pcp, to: hold.zone, pages: pages, first: first, hold.ruled)
    }
  }

  /// drain_pages(): drains this CPU's lists of every zone.
  @inlinable
  public mutating func drainPerCPULists() {
    // Not over `core.zones`, which allocates an array.
    for index in 0..<core.zoneCount {
      let zone = core.zone(index)
      drainWhole(core.perCPUList(zone, cpu: cpu), zone)
    }
  }

  /// drain_pages_zone(): at most `batch << PCP_BATCH_SCALE_MAX` pages in a hold, 2016 on large zones (6.1 by backport,
  /// 6.12).
  @inlinable
  mutating func drainWhole(_ pcp: PerCPUList, _ zone: Zone) {
    guard pcp.lock.tryLock() else { return }
    let most = pcp.batch &<< Int(PerCPUList.batchScaleMax)
    while pcp.count > 0 { drain(pcp, zone, pages: min(pcp.count, most), first: 0) }
    pcp.lock.unlock()
  }
}

extension GuestCore {
  /// node_zonelist(): zone indices in the order to try them, terminated by -1.
  @inlinable @inline(__always)
  func zonelist(node: Int, thisNodeOnly: Bool) -> UnsafeMutablePointer<Int32> {
    zonelists + (node &* 2 &+ (thisNodeOnly ? 1 : 0)) &* (zoneCount &+ 1)
  }

  /// alloc_flags_nofragment()'s condition on a preferred ZONE_NORMAL: only one node, or a populated DMA32 below it.
  @inlinable @inline(__always)
  func dma32Shields(node: Int) -> Bool { nodesWithDMA32 &>> UInt64(node) & 1 != 0 }

  /// Whether struct pages are checked as blocks are handed out and freed.
  @inlinable @inline(__always)
  func checksPages<Rules: KernelRules>(_: Rules.Type) -> Bool { Rules.alwaysChecksPages || isToldToCheckPages }

  /// check_new_pages(): whether every struct page of a block that is handed out looks free. Reads 64 KiB of vmemmap for
  /// the highest order.
  @inlinable @inline(__always)
  func checkNew(_ page: Page, order: Int) -> Bool {
    var used: UInt64 = 0
    var tail = page.pointer
    let end = tail + structPages(order: order)
    repeat {
      used |=
        UInt64(UInt(bitPattern: tail.pointee.mapping)) | tail.pointee.memcg
        | UInt64(UInt32(bitPattern: tail.pointee.refcount)) | tail.pointee.flags & Page.flagsCheckedAtPrep
      tail += 1
    } while tail != end
    return used == 0
  }

  /// put_page_testzero() and free_pages_prepare(): drops the last reference, and cleans every struct page of the block
  /// (64 KiB of vmemmap for the highest order), which it checks where the kernel does.
  ///
  /// Returns false if the block must not be freed: it has references left, or a page that was found to look in use,
  /// which is counted and leaked.
  @inlinable @inline(__always)
  func prepareToFree<Rules: KernelRules>(_ page: Page, order: Int, _ zone: Zone, _ rules: Rules.Type) -> Bool {
    page.pointer.pointee.refcount &-= 1
    if page.pointer.pointee.refcount != 0 { return zoneSawBadPage(zone) }
    return prepareUnreferenced(page, order: order, zone, rules)
  }

  /// free_pages_prepare() of a block without references.
  @inlinable @inline(__always)
  func prepareUnreferenced<Rules: KernelRules>(_ page: Page, order: Int, _ zone: Zone, _ rules: Rules.Type) -> Bool {
    let pages = structPages(order: order)
    var bad: UInt64 = 0
    var tail = page.pointer
    let end = tail + pages
    let zoneBits = Page.zoneBits(zone.index)
    if !checksPages(rules) {
      repeat {
        tail.pointee.flags = tail.pointee.flags & ~Page.flagsCheckedAtPrep | zoneBits
        tail += 1
      } while tail != end
      return true
    }
    repeat {
      bad |=
        UInt64(UInt(bitPattern: tail.pointee.mapping)) | tail.pointee.memcg
        | UInt64(UInt32(bitPattern: tail.pointee.refcount))
      tail.pointee.flags = tail.pointee.flags & ~Page.flagsCheckedAtPrep | zoneBits
      tail += 1
    } while tail != end
    return bad == 0 || zoneSawBadPage(zone)
  }

  /// bad_page(): counts and leaks the page. Always returns false.
  @usableFromInline @inline(never)
  func zoneSawBadPage(_ zone: Zone) -> Bool {
    zone.pointer.pointee.bad_pages &+= 1
    return false
  }
}
