import CHost

/// Why a range of pages couldn't be allocated. The PFN is that of the first page in the way.
public enum ContiguousFailure: Error, Equatable, Sendable, CustomStringConvertible {
  /// The range is empty or isn't made of whole pageblocks.
  case notWholePageblocks
  /// The range isn't in one zone.
  case notInOneZone
  /// A page in use can't be moved (has_unmovable_pages()).
  case unmovable(pfn: UInt64)
  /// A page in use could be moved, but migration isn't modelled.
  case inUse(pfn: UInt64)
  /// A page is neither in use nor on a free list: it is on a per-CPU list, or held by a thread that is about to free
  /// it. Also if the pageblock is already isolated. Another attempt may succeed.
  case busy(pfn: UInt64)

  public var description: String {
    switch self {
    case .notWholePageblocks: "the range isn't made of whole pageblocks"
    case .notInOneZone: "the range doesn't lie in one zone"
    case .unmovable(let pfn): "pfn \(pfn) is in use and can't be moved"
    case .inUse(let pfn): "pfn \(pfn) is in use"
    case .busy(let pfn): "pfn \(pfn) is neither in use nor free"
    }
  }
}

// Ranges of pages: alloc_contig_range() of mm/page_alloc.c and mm/page_isolation.c, Linux 6.1, in outline.
extension GuestCPU {
  /// alloc_contig_range(): takes exactly `pages` pages from `pfn` on, or nothing.
  ///
  /// The range is whole pageblocks of one zone. Each is isolated in a hold of its own: from then on it is
  /// MIGRATE_ISOLATE, its free blocks are on ISOLATE's lists and don't count as free, so that nothing of it is
  /// allocated. If every page is then there, the pages are taken, each with one reference (at a granule order above 0:
  /// each granule). In every case the pageblocks then become movable; under
  /// mainline's rules they get their own migratetypes back.
  ///
  /// Not modelled: migration, so that a page in use ends the attempt; reserved pages, which look like held pages and
  /// end it as ``ContiguousFailure/busy(pfn:)``. Unlike 6.1, a free block larger than a pageblock is split before its
  /// pageblocks are isolated, even if the whole block is in the range. In 6.1 a free block is then for a while on the
  /// lists of one migratetype while part of it is of another, and NR_FREE_PAGES may come out wrong.
  ///
  /// `drainFirst`: calls drain_all_pages() once the range is isolated, for those CPUs whose per-CPU list isn't in use
  /// at that moment.
  ///
  /// - Throws: ``ContiguousFailure``; the guest is then unchanged but for the order of lists and what was drained.
  ///   Complexity: O(struct pages of the range).
  @inlinable
  public mutating func allocateContiguous(
    pfn start: UInt64, pages: UInt64, drainFirst: Bool
  ) throws(ContiguousFailure) {
    let core = self.core
    let pageblock: UInt64 = 1 << UInt64(core.pageblockOrder)
    guard pages > 0, start % pageblock == 0, pages % pageblock == 0 else { throw .notWholePageblocks }
    let (end, overflows) = start.addingReportingOverflow(pages)
    guard !overflows, let zone = core.zones.first(where: { $0.startPFN <= start && end <= $0.endPFN }) else {
      throw .notInOneZone
    }

    var types: [Migratetype] = []
    types.reserveCapacity(Int(pages / pageblock))
    var failure: ContiguousFailure?
    var block = start
    while block < end && failure == nil {
      switch isolatePageblock(block, of: zone, in: start..<end) {
      case .success(let type):
        types.append(type)
        block += pageblock
      case .failure(let reason): failure = reason
      }
    }
    if failure == nil && drainFirst { drainAllPerCPULists(zone) }
    if failure == nil { failure = firstObstacle(zone, start..<end) }
    if failure == nil { failure = takeIsolated(zone, start..<end) }
    for (index, type) in types.enumerated() {
      releasePageblock(
        start + UInt64(index) * pageblock, of: zone, to: Rules.isolationKeepsType ? type : .movable, in: start..<end)
    }
    if let failure { throw failure }
  }

  /// free_contig_range(): frees page by page (granule by granule) through the per-CPU lists; under mainline's rules in the
  /// largest aligned blocks.
  @inlinable
  public mutating func freeContiguous(pfn start: UInt64, pages: UInt64) {
    let step: UInt64 = 1 << UInt64(core.granuleOrder)
    if Rules.freesRangesWhole {
      var pfn = start
      while pfn < start + pages {
        var order = min(pfn == 0 ? core.highestOrder : pfn.trailingZeroBitCount, core.highestOrder)
        while pfn + 1 << UInt64(order) > start + pages { order -= 1 }
        freeWhole(pfn, order: order)
        pfn += 1 << UInt64(order)
      }
      return
    }
    for pfn in stride(from: start, to: start + pages, by: Int(step)) { free(pfn: pfn, order: core.granuleOrder) }
  }

  /// Frees a block whose pages have a reference each: all are prepared first, then it is freed as one. If one of them is
  /// still in use the others are freed singly.
  @inlinable
  mutating func freeWhole(_ pfn: UInt64, order: Int) {
    let step: UInt64 = 1 << UInt64(core.granuleOrder)
    let zone = core.zone(core.page(pfn).zoneIndex)
    let prepared = stride(from: pfn, to: pfn + 1 << UInt64(order), by: Int(step)).filter {
      core.prepareToFree(core.page($0), order: core.granuleOrder, zone, Rules.self)
    }
    if prepared.count == core.structPages(order: order) {
      freePrepared(core.page(pfn), pfn: pfn, order: order, zone)
    } else {
      for piece in prepared { freePrepared(core.page(piece), pfn: piece, order: core.granuleOrder, zone) }
    }
  }

  /// start_isolate_page_range() of one pageblock (6.1): whether it could be isolated; false if a page in it is in use or
  /// it is isolated already.
  public mutating func isolate(pageblock pfn: UInt64, of zone: Zone) -> Bool {
    let range = pfn..<(pfn + 1 << UInt64(core.pageblockOrder))
    if case .success = isolatePageblock(pfn, of: zone, in: range) { return true }
    return false
  }

  /// undo_isolate_page_range() of one isolated pageblock, which becomes movable (6.1).
  public mutating func unisolate(pageblock pfn: UInt64, of zone: Zone) {
    releasePageblock(pfn, of: zone, to: .movable, in: pfn..<(pfn + 1 << UInt64(core.pageblockOrder)))
  }

  /// set_migratetype_isolate(): returns the pageblock's previous type.
  @inlinable
  mutating func isolatePageblock(
    _ pfn: UInt64, of zone: Zone, in range: Range<UInt64>
  ) -> Result<Migratetype, ContiguousFailure> {
    withZoneLocked(zone) { hold in
      let core = hold.core
      let type = core.pageblockMigratetype(pfn)
      if type == .isolate { return .failure(.busy(pfn: pfn)) }
      // has_unmovable_pages(): CMA's pageblocks are for cma_alloc() alone, which isn't modelled.
      if type == .cma { return .failure(.unmovable(pfn: pfn)) }
      // Only movable pages are ever allocated there.
      if zone.type != .movable, let page = core.unmovablePage(inPageblock: pfn) {
        return .failure(.unmovable(pfn: page))
      }
      if Rules.keepsListsPure {
        guard core.wholePageblock(pfn, in: zone) != nil else { return .failure(.busy(pfn: pfn)) }
        hold.items &+= core.retagSplitting(zone, pageblock: pfn, to: .isolate, hold.ruled)
        zone.isolatedPageblocksField.pointee &+= 1
        return .success(type)
      }
      hold.items &+= core.split(zone, aroundPageblock: pfn, keeping: range, hold.ruled)
      core.setPageblockMigratetype(pfn, .isolate)
      zone.isolatedPageblocksField.pointee &+= 1
      hold.items &+= core.freeBlocks(inPageblock: pfn)
      let moved = core.moveFreePages(zone, pageblockOf: pfn, to: .isolate, hold.ruled).free
      core.addFreePages(zone, -moved)
      return .success(type)
    }
  }

  /// unset_migratetype_isolate(): frees a wholly free pageblock through the allocator if it may merge with its buddy;
  /// other free blocks are moved to `type`'s lists.
  @inlinable
  mutating func releasePageblock(
    _ pfn: UInt64, of zone: Zone, to type: Migratetype, in range: Range<UInt64>
  ) {
    withZoneLocked(zone) { hold in
      let core = hold.core
      if !Rules.keepsListsPure {
        hold.items &+= core.split(zone, aroundPageblock: pfn, keeping: range, hold.ruled)
        hold.items &+= core.freeBlocks(inPageblock: pfn)
      }
      zone.isolatedPageblocksField.pointee &-= 1
      let page = core.page(pfn)
      let order = core.pageblockOrder
      let buddy = pfn ^ (1 << UInt64(order))
      if order < core.highestOrder && core.isBuddy(page, order: order, of: zone)
        && core.pageblockMigratetype(buddy) != .isolate
      {
        let marks = Hooks.marksBlocks ? hold.hooks.marks(page) : 0
        core.removeFromFreeList(page, zone, order: order, hold.ruled)
        if Hooks.marksBlocks { page.add(marks: marks) }
        core.setPageblockMigratetype(pfn, type)
        hold.putBack(page, order: order, type)
        if Rules.keepsListsPure { hold.items &+= 1 }
      } else if Rules.keepsListsPure {
        hold.items &+= core.retagSplitting(zone, pageblock: pfn, to: type, hold.ruled)
      } else {
        let moved = core.moveFreePages(zone, pageblockOf: pfn, to: type, hold.ruled).free
        core.addFreePages(zone, moved)
        core.setPageblockMigratetype(pfn, type)
      }
    }
  }

  /// drain_all_pages() for one zone.
  @inlinable
  mutating func drainAllPerCPULists(_ zone: Zone) {
    for cpu in 0..<core.cpuCount {
      drainWhole(core.perCPUList(zone, cpu: cpu), zone)
    }
  }

  /// test_pages_isolated(), preceded by a check for pages that migration would have to move.
  @inlinable
  mutating func firstObstacle(_ zone: Zone, _ range: Range<UInt64>) -> ContiguousFailure? {
    withZoneLocked(zone) { hold in hold.core.firstObstacle(zone, range, &hold.items) }
  }

  /// isolate_freepages_range() and split_map_pages(): one hold per pageblock. If another thread got a page since the
  /// test, the taken pages are freed.
  @inlinable
  mutating func takeIsolated(_ zone: Zone, _ range: Range<UInt64>) -> ContiguousFailure? {
    let pageblock: UInt64 = 1 << UInt64(core.pageblockOrder)
    var block = range.lowerBound
    while block < range.upperBound {
      let taken = withZoneLocked(zone) { hold in
        let core = hold.core
        hold.items &+= core.split(zone, aroundPageblock: block, keeping: range, hold.ruled)
        var pfn = block
        while pfn < block + pageblock {
          let page = core.page(pfn)
          guard page.isBuddyUnlocked else { break }
          hold.items &+= 1
          let order = page.order
          core.removeFromFreeList(page, zone, order: order, hold.ruled)
          hold.hooks.didAllocate(page, pfn: pfn, order: order)
          core.giveReferences(page, order: order, zone)
          pfn += 1 << UInt64(order)
        }
        return pfn - block
      }
      if taken < pageblock {
        freeContiguous(pfn: range.lowerBound, pages: block + taken - range.lowerBound)
        return .busy(pfn: block + taken)
      }
      block += pageblock
    }
    return nil
  }
}

// Under the zone's lock.
extension GuestCore {
  /// has_unmovable_pages(): a page with a reference that isn't on the LRU. Skips pages without a reference: free, on a
  /// per-CPU list, held, or the rest of a block whose first page has the reference.
  @usableFromInline
  func unmovablePage(inPageblock start: UInt64) -> UInt64? {
    let end = start + 1 << UInt64(pageblockOrder)
    var pfn = start
    while pfn < end {
      let page = page(pfn)
      if page.isBuddyUnlocked {
        pfn += 1 << UInt64(page.order)
        continue
      }
      if page.isReferencedUnlocked && !page.isMovableUnlocked { return pfn }
      pfn += 1 << UInt64(granuleOrder)
    }
    return nil
  }

  /// test_pages_isolated(); `items`: the free blocks looked at are added.
  @usableFromInline
  func firstObstacle(_ zone: Zone, _ range: Range<UInt64>, _ items: inout Int) -> ContiguousFailure? {
    var missing: UInt64?
    var pfn = range.lowerBound
    while pfn < range.upperBound {
      let page = page(pfn)
      if page.isBuddyUnlocked {
        items &+= 1
        pfn += 1 << UInt64(page.order)
        continue
      }
      if page.isReferencedUnlocked { return .inUse(pfn: pfn) }
      // An isolated block of another range may begin before this one and extend into it.
      if pfn == range.lowerBound, let order = freeBlock(covering: pfn, zone) {
        items &+= 1
        pfn = (pfn & ~(1 << UInt64(order) - 1)) + 1 << UInt64(order)
        continue
      }
      if missing == nil { missing = pfn }
      pfn += 1 << UInt64(granuleOrder)
    }
    return missing.map { .busy(pfn: $0) }
  }

  /// The number of free blocks that begin in the pageblock.
  @usableFromInline
  func freeBlocks(inPageblock start: UInt64) -> Int {
    let end = start + 1 << UInt64(pageblockOrder)
    var blocks = 0
    var pfn = start
    while pfn < end {
      let page = page(pfn)
      if page.isBuddyUnlocked { blocks += 1 }
      pfn += 1 << UInt64(page.isBuddyUnlocked ? page.order : granuleOrder)
    }
    return blocks
  }

  /// The order of the free block larger than a pageblock that contains `pfn`; nil if there is none.
  @usableFromInline
  func freeBlock(covering pfn: UInt64, _ zone: Zone) -> Int? {
    var order = pageblockOrder + 1
    while order <= highestOrder {
      let head = pfn & ~(1 << UInt64(order) - 1)
      if isBuddy(page(head), order: order, of: zone) { return order }
      order += 1
    }
    return nil
  }

  /// split_free_page(): splits the free block larger than a pageblock that contains a pageblock, if any, into free
  /// pageblocks, each on the list of its own migratetype. The hook at free is told of those outside `range`. Returns
  /// the number of list entries made.
  @inlinable
  func split<Hooks: AllocatorHooks>(
    _ zone: Zone, aroundPageblock pfn: UInt64, keeping range: Range<UInt64>, _ hooks: Hooks
  ) -> Int {
    guard let order = freeBlock(covering: pfn, zone) else { return 0 }
    let head = pfn & ~(1 << UInt64(order) - 1)
    let marks = Hooks.marksBlocks ? hooks.marks(page(head)) : 0
    removeFromFreeList(page(head), zone, order: order, hooks)
    var piece = head
    while piece < head + 1 << UInt64(order) {
      let part = page(piece)
      part.pointer.pointee.flags = Page.zoneBits(zone.index) | marks
      let type = pageblockMigratetype(piece)
      addToFreeList(part, zone, order: pageblockOrder, type, toTail: false, hooks)
      if !range.contains(piece) { hooks.didFree(part, pfn: piece, zone, order: pageblockOrder, type) }
      piece += 1 << UInt64(pageblockOrder)
    }
    return 1 << (order - pageblockOrder)
  }

  /// move_freepages_block_isolate() (6.10): makes a pageblock one of another type. A free block that is larger is freed
  /// again pageblock by pageblock. Returns the free blocks that changed their list.
  @inlinable
  func retagSplitting<Hooks: KernelHooks>(
    _ zone: Zone, pageblock pfn: UInt64, to type: Migratetype, _ hooks: Hooks
  ) -> Int {
    guard let order = freeBlock(covering: pfn, zone) else {
      let blocks = freeBlocks(inPageblock: pfn)
      retag(zone, pageblock: pfn, from: pageblockMigratetype(pfn), to: type, hooks)
      return blocks
    }
    let head = pfn & ~(1 << UInt64(order) - 1)
    let was = pageblockMigratetype(head)
    let marks = Hooks.marksBlocks ? hooks.marks(page(head)) : 0
    removeFromFreeList(page(head), zone, order: order, hooks)
    if Hooks.marksBlocks { page(head).add(marks: marks) }
    account(zone, -(1 << order), was, Hooks.Rules.self)
    setPageblockMigratetype(pfn, type)
    freePageblocks(head, zone, order: order, placement: .byMergeGuess, notifies: true, hooks)
    return 1 << (order - pageblockOrder)
  }

  /// split_page(): gives every page of a block that was free its own reference.
  @usableFromInline
  func giveReferences(_ head: Page, order: Int, _ zone: Zone) {
    let bits = Page.zoneBits(zone.index)
    for index in 0..<structPages(order: order) {
      let page = head.advanced(by: index)
      page.pointer.pointee.flags = bits
      page.pointer.pointee.page_type = Page.typeNone
      page.pointer.pointee.private_ = 0
      page.pointer.pointee.refcount = 1
    }
  }

  // MARK: freeing while a part of the zone is isolated

  /// Whether a block has no one list to go to: some but not all of its pageblocks are isolated, or, where lists are kept
  /// pure (6.10), its pageblocks are of more than one type.
  @inlinable
  func isOfSeveralLists<Rules: KernelRules>(_ pfn: UInt64, order: Int, _: Rules.Type) -> Bool {
    let first = pageblockMigratetype(pfn)
    var next = pfn &+ 1 &<< UInt64(truncatingIfNeeded: pageblockOrder)
    while next < pfn &+ 1 &<< UInt64(truncatingIfNeeded: order) {
      let type = pageblockMigratetype(next)
      if Rules.keepsListsPure ? type != first : (type == .isolate) != (first == .isolate) { return true }
      next &+= 1 &<< UInt64(truncatingIfNeeded: pageblockOrder)
    }
    return false
  }

  /// free_one_page() in a zone with isolated pageblocks: the migratetype is read under the lock. A partly isolated
  /// block is freed pageblock by pageblock, as since 6.10 (split_large_buddy()); 6.1 would list the whole block by its
  /// first page's type.
  @inlinable
  func freeAmongIsolated<Hooks: KernelHooks>(
    _ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ hooks: Hooks
  ) {
    if order > pageblockOrder && isOfSeveralLists(pfn, order: order, Hooks.Rules.self) {
      freePageblocks(pfn, zone, order: order, placement: .byMergeGuess, notifies: true, hooks)
    } else {
      freeOnePage(page, pfn: pfn, zone, order: order, pageblockMigratetype(pfn), hooks)
    }
  }

  @inlinable
  func freePageblocks<Hooks: KernelHooks>(
    _ pfn: UInt64, _ zone: Zone, order: Int, placement: FreePlacement, notifies: Bool, _ hooks: Hooks
  ) {
    let marks = Hooks.marksBlocks ? hooks.marks(page(pfn)) : 0
    var piece = pfn
    while piece < pfn + 1 << UInt64(order) {
      let part = page(piece)
      // A page that becomes a head gets its zone.
      part.pointer.pointee.flags = Page.zoneBits(zone.index) | marks
      freeOnePage(
        part, pfn: piece, zone, order: pageblockOrder, pageblockMigratetype(piece), placement: placement,
        notifies: notifies, hooks)
      piece += 1 << UInt64(pageblockOrder)
    }
  }
}
