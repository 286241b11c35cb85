import CHost

// Blocks that somebody holds off the lists without having allocated them: no reference, not Buddy, on no list.
extension GuestCPU.Hold {
  /// `__isolate_free_page()` (6.1): takes a listed block off its list, unless the zone would be left at or below its
  /// min watermark. False: refused, nothing changed.
  ///
  /// Of a block of at least half a pageblock the pageblocks become movable where they are of a mergeable type. Pages of
  /// an isolated pageblock aren't counted as free and so not asked for. Complexity: O(pageblocks of the block).
  @inlinable @inline(__always)
  public func isolate(_ page: Page) -> Bool {
    let order = page.order
    let pfn = core.pfn(page)
    if core.pageblockMigratetype(pfn) != .isolate {
      if !mayTake(order: order) { return false }
      core.addFreePages(zone, -(1 &<< order))
    }
    core.removeFromFreeList(page, zone, order: order, hooks)
    if order >= core.pageblockOrder &- 1 {
      var block: UInt64 = 0
      while block < 1 &<< UInt64(truncatingIfNeeded: order) {
        if core.pageblockMigratetype(pfn &+ block).isMergeable { core.setPageblockMigratetype(pfn &+ block, .movable) }
        block &+= 1 &<< UInt64(truncatingIfNeeded: core.pageblockOrder)
      }
    }
    return true
  }

  /// Takes a listed block off its list and out of the count, asking and retagging nothing.
  @inlinable @inline(__always)
  public func takeOff(_ page: Page) {
    let order = page.order
    let type = core.pageblockMigratetype(core.pfn(page))
    core.removeFromFreeList(page, zone, order: order, hooks)
    // NR_FREE_PAGES doesn't count isolated pages.
    if type != .isolate { core.addFreePages(zone, -(1 &<< order)) }
  }

  /// As ``takeOff(_:)``, of a block known to stand on `type`'s list: the count goes by the list, and the list is noted
  /// in the page, as on a per-CPU list (page->index).
  @inlinable @inline(__always)
  public func takeOff(_ page: Page, from type: Migratetype) {
    let order = page.order
    core.removeFromFreeList(page, zone, order: order, hooks)
    page.pointer.pointee.index = UInt64(truncatingIfNeeded: type.rawValue)
    if type != .isolate { core.addFreePages(zone, -(1 &<< order)) }
  }

  /// get_pcppage_migratetype(): what ``takeOff(_:from:)`` noted.
  @inlinable @inline(__always)
  public func notedMigratetype(_ page: Page) -> Migratetype {
    Migratetype(rawValue: Int(truncatingIfNeeded: page.pointer.pointee.index))
  }

  /// Moves a block that stands on `type`'s list, though its pageblock is isolated, to ISOLATE's.
  @inlinable @inline(__always)
  public func moveToIsolate(_ page: Page, from type: Migratetype) {
    let order = page.order
    core.move(page, zone, order: order, to: .isolate, hooks)
    core.addFreePages(zone, -(1 &<< order))
  }

  /// `__putback_isolated_page()`: a block that is off the lists goes back to the tail of `type`'s list, or merges; the
  /// hook at free isn't told. True where it is listed again as it was; false where it became part of a larger block.
  ///
  /// `placement`: strategies from before FPI_TO_TAIL (5.10) leave it to the allocator's guess.
  @inlinable @inline(__always)
  @discardableResult
  public func putBack(
    _ page: Page, order: Int, _ type: Migratetype, placement: GuestCore.FreePlacement = .tail
  ) -> Bool {
    let pfn = core.pfn(page)
    if order > core.pageblockOrder && zone.hasIsolatedPageblocks && core.isPartlyIsolated(pfn, order: order) {
      core.freePageblocks(pfn, zone, order: order, placement: placement, notifies: false, hooks)
      return false
    }
    let freed = core.freeOnePage(
      page, pfn: pfn, zone, order: order, type, placement: placement, notifies: false, hooks)
    return freed.order == order
  }

  /// list_rotate_to_front(): `page`, which is on the list, becomes its first entry.
  @inlinable @inline(__always)
  public func rotate(_ list: FreeList, toFront page: Page) { list.rotate(toFront: page) }
}
