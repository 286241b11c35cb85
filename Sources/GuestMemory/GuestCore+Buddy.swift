import CHost

// The buddy allocator, mm/page_alloc.c. Every method requires the zone's lock.
extension GuestCore {
  /// Where the last block of a hold came from (enum rmqueue_mode, 6.12): what was found empty needn't be searched again.
  @usableFromInline
  enum TakeMode {
    case own
    /// A block of CMA's, for a movable request.
    case cma
    /// A block of another type, one at a time.
    case steals
  }

  /// Which end of its list a freed block goes to.
  public enum FreePlacement: Sendable {
    /// The kernel's guess: the tail if the block is likely to merge soon, otherwise the head.
    case byMergeGuess
    /// FPI_TO_TAIL
    case tail
  }

  // MARK: lists

  /// add_to_free_list() and set_buddy_order().
  @inlinable @inline(__always)
  func addToFreeList<Hooks: AllocatorHooks>(
    _ page: Page, _ zone: Zone, order: Int, _ type: Migratetype, toTail: Bool, _ hooks: Hooks = NoHooks()
  ) {
    page.pointer.pointee.private_ = UInt64(truncatingIfNeeded: order)
    page.pointer.pointee.page_type = Page.typeBuddy
    let list = zone.freeList(order: order, type)
    if toTail {
      list.add(page, before: hooks.tail(of: list, zone, order: order, type))
    } else {
      list.addHead(page)
    }
    zone.freeCounter(order: order).pointee &+= 1
    hooks.didAdd(page, pfn: pfn(page), zone, order: order)
  }

  /// del_page_from_free_list()
  @inlinable @inline(__always)
  func removeFromFreeList<Hooks: AllocatorHooks>(
    _ page: Page, _ zone: Zone, order: Int, _ hooks: Hooks = NoHooks()
  ) {
    hooks.willRemove(page, pfn: pfn(page), zone, order: order)
    FreeList.remove(page)
    page.pointer.pointee.page_type = Page.typeNone
    page.pointer.pointee.private_ = 0
    zone.freeCounter(order: order).pointee &-= 1
  }

  @inlinable @inline(__always)
  func addFreePages(_ zone: Zone, _ pages: Int) {
    zone.freePagesField.pointee &+= UInt64(bitPattern: Int64(pages))
  }

  /// account_freepages(): counts pages that came on a list of a type, or left it. No call in it: the registers of one would
  /// be saved in every free.
  @inlinable @inline(__always)
  func account<Rules: KernelRules>(_ zone: Zone, _ pages: Int, _ type: Migratetype, _: Rules.Type) {
    if type.isMergeable {
      addFreePages(zone, pages)
    } else {
      accountApart(zone, pages, type, countsHighAtomic: Rules.countsFreeHighAtomic)
    }
  }

  /// The same of a type that others aren't merged with.
  @inlinable @inline(__always)
  func accountApart(_ zone: Zone, _ pages: Int, _ type: Migratetype, countsHighAtomic: Bool) {
    // NR_FREE_PAGES doesn't count isolated pages.
    if type == .isolate { return }
    addFreePages(zone, pages)
    if type == .highAtomic && countsHighAtomic {
      zone.freeHighAtomicField.pointee &+= UInt64(bitPattern: Int64(pages))
    }
    if type == .cma { zone.addFreeCMA(pages) }
  }

  /// Notes that blocks came on a list of a type, or left it: HIGHATOMIC's free pages (6.12).
  @inlinable @inline(__always)
  func countHighAtomic<Rules: KernelRules>(_ zone: Zone, _ pages: Int, _ type: Migratetype, _: Rules.Type) {
    if Rules.countsFreeHighAtomic && type == .highAtomic {
      zone.freeHighAtomicField.pointee &+= UInt64(bitPattern: Int64(pages))
    }
  }

  // MARK: freeing

  /// page_is_buddy(): free, of this order, of the same zone.
  @inlinable @inline(__always)
  func isBuddy(_ page: Page, order: Int, of zone: Zone) -> Bool {
    page.isBuddy && page.order == order && page.zoneIndex == zone.index
  }

  /// __free_one_page(): counts the block as free, merges it with its free buddies and puts the result on a list.
  ///
  /// The merged block goes to the list of `type`, regardless of its other half's pageblock (6.1). Complexity: at most
  /// ``highestOrder`` merges. `notifies`: false is FPI_SKIP_REPORT_NOTIFY. Returns the head and the order of the merged
  /// block.
  @inlinable @discardableResult
  func freeOnePage<Hooks: KernelHooks>(
    _ freed: Page, pfn freedPFN: UInt64, _ zone: Zone, order freedOrder: Int, _ type: Migratetype,
    placement: FreePlacement = .byMergeGuess, notifies: Bool = true, _ hooks: Hooks
  ) -> (page: Page, order: Int) {
    var page = freed
    var pfn = freedPFN
    var order = freedOrder
    account(zone, 1 &<< order, type, Hooks.Rules.self)
    var marks: UInt64 = 0
    if Hooks.marksBlocks { marks = takeMarks(page, hooks) }

    while order < highestOrder {
      let buddyPFN = pfn ^ (1 &<< UInt64(truncatingIfNeeded: order))
      let buddy = self.page(buddyPFN)
      guard isBuddy(buddy, order: order, of: zone) else { break }
      if order >= pageblockOrder {
        let buddyType = pageblockMigratetype(buddyPFN)
        if type != buddyType {
          if !(type.isMergeable && buddyType.isMergeable) { break }
          // So that its parts come on the list of the block's type when it is split.
          if Hooks.Rules.keepsListsPure { setPageblockMigratetypes(buddyPFN, order: order, type) }
        }
      }
      if Hooks.marksBlocks { marks = hooks.marks(marks, mergedWith: hooks.marks(buddy)) }
      removeFromFreeList(buddy, zone, order: order, hooks)
      if Hooks.marksBlocks { _ = takeMarks(buddy, hooks) }
      pfn &= buddyPFN
      page = self.page(pfn)
      order &+= 1
    }

    let toTail = placement == .tail || mergeIsLikely(pfn, order: order, zone)
    addToFreeList(page, zone, order: order, type, toTail: toTail, hooks)
    if Hooks.marksBlocks { page.add(marks: marks) }
    if notifies { hooks.didFree(page, pfn: pfn, zone, order: order, type) }
    return (page, order)
  }

  /// Takes the marks off a block that becomes part of another.
  @inlinable @inline(__always)
  func takeMarks<Hooks: AllocatorHooks>(_ page: Page, _ hooks: Hooks) -> UInt64 {
    let marks = hooks.marks(page)
    page.pointer.pointee.flags &= ~marks
    return marks
  }

  /// buddy_merge_likely(): whether the block of the next order that contains this one has a free buddy itself, though
  /// this block's own buddy isn't free.
  @inlinable @inline(__always)
  func mergeIsLikely(_ pfn: UInt64, order: Int, _ zone: Zone) -> Bool {
    if order >= highestOrder &- 1 { return false }
    let combined = pfn & ~(1 &<< UInt64(truncatingIfNeeded: order))
    let higherBuddy = combined ^ (1 &<< UInt64(truncatingIfNeeded: order &+ 1))
    return isBuddy(page(higherBuddy), order: order &+ 1, of: zone)
  }

  // MARK: allocating

  /// __rmqueue_smallest(): takes the head entry of the smallest order that has one, and puts its upper halves back.
  @inlinable @inline(__always)
  func takeSmallest<Hooks: KernelHooks>(
    _ zone: Zone, order: Int, _ type: Migratetype, _ hooks: Hooks
  ) -> Page? {
    var current = order
    while current <= highestOrder {
      if let page = zone.freeList(order: current, type).first {
        let marks = Hooks.marksBlocks ? hooks.marks(page) : 0
        removeFromFreeList(page, zone, order: current, hooks)
        expand(page, zone, low: order, high: current, type, marks, hooks)
        countHighAtomic(zone, -(1 &<< order), type, Hooks.Rules.self)
        if Hooks.Rules.notesMigratetype { page.pointer.pointee.index = UInt64(truncatingIfNeeded: type.rawValue) }
        return page
      }
      current &+= 1
    }
    return nil
  }

  /// expand(): splits off upper halves down to `low`, each to the head of its list, with the block's `marks`.
  @inlinable @inline(__always)
  func expand<Hooks: AllocatorHooks>(
    _ page: Page, _ zone: Zone, low: Int, high: Int, _ type: Migratetype, _ marks: UInt64, _ hooks: Hooks
  ) {
    var order = high
    while order > low {
      order &-= 1
      let half = page.advanced(by: structPages(order: order))
      // The kernel wrote every page's zone at boot; here it is written when a page first becomes a head.
      half.pointer.pointee.flags = Page.zoneBits(zone.index) | (Hooks.marksBlocks ? marks : 0)
      addToFreeList(half, zone, order: order, type, toTail: false, hooks)
    }
  }

  /// __rmqueue(): tries the request's own lists, then other types'. `mode`: the hold's.
  @inlinable @inline(__always)
  func take<Hooks: KernelHooks>(
    _ zone: Zone, order: Int, _ type: Migratetype, avoidFragmentation: Bool, _ mode: inout TakeMode, _ hooks: Hooks
  ) -> Page? {
    if Hooks.Rules.claimsOrSteals {
      if mode == .own, let page = takeSmallest(zone, order: order, type, hooks) { return page }
      return takeOthers(zone, order: order, type, avoidFragmentation: avoidFragmentation, &mode, hooks)
    }
    if let page = takeSmallest(zone, order: order, type, hooks) { return page }
    return takeStealing(zone, order: order, type, avoidFragmentation: avoidFragmentation, hooks)
  }

  /// What __rmqueue() of 6.1 does beyond the own lists.
  @inlinable @inline(never)
  func takeStealing<Hooks: KernelHooks>(
    _ zone: Zone, order: Int, _ type: Migratetype, avoidFragmentation: Bool, _ hooks: Hooks
  ) -> Page? {
    if hasCMA && type == .movable, let page = takeCMA(zone, order: order, hooks) { return page }
    while steal(zone, order: order, for: type, avoidFragmentation: avoidFragmentation, hooks) {
      if let page = takeSmallest(zone, order: order, type, hooks) { return page }
    }
    return nil
  }

  /// __rmqueue_cma_fallback()
  @inlinable @inline(never)
  func takeCMA<Hooks: KernelHooks>(_ zone: Zone, order: Int, _ hooks: Hooks) -> Page? {
    guard let page = takeSmallest(zone, order: order, .cma, hooks) else { return nil }
    zone.addFreeCMA(-(1 &<< order))
    return page
  }

  /// What __rmqueue() does first for a movable request in a guest with CMA: takes from CMA's lists while they have more than
  /// half of the free pages. `taken`: the pages that the hold has taken before, which 6.1 counts as free until its end.
  @inlinable @inline(never)
  func takeWhileMostIsCMA<Hooks: KernelHooks>(_ zone: Zone, order: Int, taken: Int, _ hooks: Hooks) -> Page? {
    let free = zone.freePages &- (Hooks.Rules.keepsListsPure ? UInt64(taken) : 0)
    return zone.freeCMA > free / 2 ? takeCMA(zone, order: order, hooks) : nil
  }

  /// __rmqueue_fallback(): moves a block of another migratetype to a list of `type`. Returns false if there is none.
  @inlinable @inline(never)
  func steal<Hooks: AllocatorHooks>(
    _ zone: Zone, order: Int, for type: Migratetype, avoidFragmentation: Bool, _ hooks: Hooks
  ) -> Bool {
    guard type.isMergeable else { return false }
    let lowest = avoidFragmentation && order < pageblockOrder ? pageblockOrder : order
    var current = highestOrder
    while current >= lowest {
      if let other = fallback(zone, order: current, for: type) {
        let stealable = canSteal(order: current, for: type)
        if !stealable && type == .movable && current > order {
          // Movable pages fragment another type's pageblock the least in the smallest sufficient block.
          for smallest in order...highestOrder {
            if let other = fallback(zone, order: smallest, for: type) {
              let whole = canSteal(order: smallest, for: type)
              claim(zone, order: smallest, from: other, for: type, wholeBlock: whole, hooks)
              return true
            }
          }
          return false
        }
        claim(zone, order: current, from: other, for: type, wholeBlock: stealable, hooks)
        return true
      }
      current -= 1
    }
    return false
  }

  /// What __rmqueue() of 6.12 does beyond the own lists: claims a whole pageblock, or steals one block and leaves the rest
  /// of it where it is.
  @inlinable @inline(never)
  func takeOthers<Hooks: KernelHooks>(
    _ zone: Zone, order: Int, _ type: Migratetype, avoidFragmentation: Bool, _ mode: inout TakeMode, _ hooks: Hooks
  ) -> Page? {
    guard type.isMergeable else { return nil }
    if hasCMA && mode != .steals {
      if type == .movable, let page = takeCMA(zone, order: order, hooks) {
        mode = .cma
        return page
      }
      mode = .own
    }
    if mode == .own {
      let lowest = avoidFragmentation && order < pageblockOrder ? pageblockOrder : order
      var current = highestOrder
      while current >= lowest {
        if let other = fallback(zone, order: current, for: type) {
          if !canSteal(order: current, for: type) { break }
          if let page = claimPageblock(zone, current, from: other, for: type, order: order, hooks) { return page }
        }
        current -= 1
      }
    }
    if avoidFragmentation { return nil }
    for current in order...highestOrder {
      guard let other = fallback(zone, order: current, for: type), let page = zone.freeList(order: current, other).first
      else { continue }
      let marks = Hooks.marksBlocks ? hooks.marks(page) : 0
      removeFromFreeList(page, zone, order: current, hooks)
      expand(page, zone, low: order, high: current, other, marks, hooks)
      mode = .steals
      return page
    }
    return nil
  }

  /// try_to_claim_block() (6.12): takes the head block of another type's list if its pageblock can be made one of `type`:
  /// it is whole, or at least half of its pages are free or of a like kind. Reads every struct page of the pageblock.
  @inlinable
  func claimPageblock<Hooks: KernelHooks>(
    _ zone: Zone, _ current: Int, from other: Migratetype, for type: Migratetype, order: Int, _ hooks: Hooks
  ) -> Page? {
    guard let page = zone.freeList(order: current, other).first else { return nil }
    let pfn = self.pfn(page)
    let blockType = pageblockMigratetype(pfn)
    if blockType == .highAtomic { return nil }
    if current >= pageblockOrder {
      let marks = Hooks.marksBlocks ? hooks.marks(page) : 0
      removeFromFreeList(page, zone, order: current, hooks)
      setPageblockMigratetypes(pfn, order: current, type)
      expand(page, zone, low: order, high: current, type, marks, hooks)
      return page
    }
    boostWatermark(zone)
    guard let start = wholePageblock(pfn, in: zone) else { return nil }
    let (free, movable) = countFreePages(inPageblock: start)
    let pages = 1 << pageblockOrder
    let alike = type == .movable ? movable : blockType == .movable ? pages - free - movable : 0
    guard free + alike >= pages / 2 else { return nil }
    retag(zone, pageblock: start, from: blockType, to: type, hooks)
    return takeSmallest(zone, order: order, type, hooks)
  }

  /// The first PFN of the pageblock of `pfn`; nil if it isn't wholly in the zone.
  @inlinable
  func wholePageblock(_ pfn: UInt64, in zone: Zone) -> UInt64? {
    let size: UInt64 = 1 << UInt64(pageblockOrder)
    let start = pfn & ~(size - 1)
    return start >= zone.startPFN && start + size <= zone.endPFN ? start : nil
  }

  /// prep_move_freepages_block(): the free pages of a pageblock, and the movable ones among the others.
  @inlinable
  func countFreePages(inPageblock start: UInt64) -> (free: Int, movable: Int) {
    var free = 0
    var movable = 0
    var page = self.page(start)
    let end = page.advanced(by: structPages(order: pageblockOrder))
    while page.pointer < end.pointer {
      if page.isBuddyUnlocked {
        free &+= structPages(order: page.order)
        page = page.advanced(by: structPages(order: page.order))
      } else {
        if page.isMovableUnlocked { movable &+= 1 }
        page = page.advanced(by: 1)
      }
    }
    return (free &<< granuleOrder, movable &<< granuleOrder)
  }

  /// __move_freepages_block() (6.12): makes a pageblock one of another type, its free blocks with it. Complexity: one step
  /// per struct page that heads no free block.
  @inlinable
  func retag<Hooks: KernelHooks>(
    _ zone: Zone, pageblock start: UInt64, from old: Migratetype, to type: Migratetype, _ hooks: Hooks
  ) {
    var moved = 0
    var page = self.page(start)
    let end = page.advanced(by: structPages(order: pageblockOrder))
    while page.pointer < end.pointer {
      guard page.isBuddyUnlocked else {
        page = page.advanced(by: 1)
        continue
      }
      let order = page.order
      move(page, zone, order: order, to: type, hooks)
      moved &+= 1 &<< order
      page = page.advanced(by: structPages(order: order))
    }
    if !(old.isMergeable && type.isMergeable) {
      account(zone, -moved, old, Hooks.Rules.self)
      account(zone, moved, type, Hooks.Rules.self)
    }
    setPageblockMigratetype(start, type)
  }

  /// find_suitable_fallback(): the first type in the fallback row whose list isn't empty.
  @usableFromInline
  func fallback(_ zone: Zone, order: Int, for type: Migratetype) -> Migratetype? {
    if zone.blocksFree(order: order) == 0 { return nil }
    let (first, second) = type.fallbacks
    if !zone.freeList(order: order, first).isEmpty { return first }
    if !zone.freeList(order: order, second).isEmpty { return second }
    return nil
  }

  /// can_steal_fallback()
  @usableFromInline
  func canSteal(order: Int, for type: Migratetype) -> Bool {
    order >= pageblockOrder || order >= pageblockOrder / 2 || type == .reclaimable || type == .unmovable
  }

  /// steal_suitable_fallback(): claims one block, or every free block of its pageblock and possibly the pageblock
  /// itself.
  @inlinable
  func claim<Hooks: AllocatorHooks>(
    _ zone: Zone, order: Int, from other: Migratetype, for type: Migratetype, wholeBlock: Bool, _ hooks: Hooks
  ) {
    guard let page = zone.freeList(order: order, other).first else { return }
    let pfn = self.pfn(page)
    let blockType = pageblockMigratetype(pfn)

    func moveSingle() { move(page, zone, order: order, to: type, hooks) }
    if blockType == .highAtomic { return moveSingle() }
    if order >= pageblockOrder {
      setPageblockMigratetypes(pfn, order: order, type)
      return moveSingle()
    }
    boostWatermark(zone)
    guard wholeBlock else { return moveSingle() }

    let (free, movable) = moveFreePages(zone, pageblockOf: pfn, to: type, hooks)
    if free == 0 { return moveSingle() }
    let pageblockPages = 1 << pageblockOrder
    let alike =
      switch (type, blockType) {
      case (.movable, _): movable
      // Pages that are neither free nor movable are most likely of the request's type.
      case (_, .movable): pageblockPages - free - movable
      default: 0
      }
    if free + alike >= pageblockPages / 2 { setPageblockMigratetype(pfn, type) }
  }

  /// move_freepages_block(): moves every free block of a pageblock to the tail of `type`'s lists. Returns the pages
  /// moved, and the movable ones among those that aren't free. Complexity: one step per struct page.
  @inlinable
  func moveFreePages<Hooks: AllocatorHooks>(
    _ zone: Zone, pageblockOf pfn: UInt64, to type: Migratetype, _ hooks: Hooks
  ) -> (free: Int, movable: Int) {
    let start = pfn & ~((1 << UInt64(pageblockOrder)) - 1)
    let end = start + (1 << UInt64(pageblockOrder))
    // Zones needn't start or end at a pageblock: the kernel starts at the page itself, and gives up at the end.
    if end > zone.endPFN { return (0, 0) }
    var free = 0
    var movable = 0
    var current = start < zone.startPFN ? pfn : start
    while current < end {
      let page = self.page(current)
      if page.isBuddyUnlocked {
        let order = page.order
        move(page, zone, order: order, to: type, hooks)
        free += 1 << order
        current += 1 << UInt64(order)
      } else {
        if page.isMovableUnlocked { movable += 1 << granuleOrder }
        current += 1 << UInt64(granuleOrder)
      }
    }
    return (free, movable)
  }

  /// move_to_free_list(): moves a block to the tail of another migratetype's list.
  @inlinable
  func move<Hooks: AllocatorHooks>(_ page: Page, _ zone: Zone, order: Int, to type: Migratetype, _ hooks: Hooks) {
    hooks.willMove(page, zone, order: order)
    FreeList.unlink(page)
    let list = zone.freeList(order: order, type)
    list.add(page, before: hooks.tail(of: list, zone, order: order, type))
  }

  /// boost_watermark(): adds 512 pages per steal, up to 150 % of the high mark. No kswapd is modelled to reset it.
  @usableFromInline
  func boostWatermark(_ zone: Zone) {
    let pageblockPages: UInt64 = 1 << UInt64(pageblockOrder)
    if pageblockPages * 4 > zone.managedPages { return }
    let limit = max(pageblockPages, zone.watermark(.high) * 15_000 / 10_000)
    zone.watermarkBoostField.pointee = min(zone.watermarkBoost + pageblockPages, limit)
  }
}
