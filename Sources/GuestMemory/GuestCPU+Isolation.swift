import CHost

// Blocks held off the lists without being allocated: no reference, not Buddy, on no list.
extension GuestCPU.Hold {
  /// `__isolate_free_page()` (6.1): takes a listed block off its list, unless that would leave the zone at or below its
  /// min watermark. Returns false, with nothing changed, if refused.
  ///
  /// If the block has at least half a pageblock, its pageblocks of a mergeable type become movable; from 6.10 on every
  /// struct page of them is read for that. Pages of an
  /// isolated pageblock don't count as free, so the watermark isn't checked. Complexity: O(pageblocks of the block).
  @inlinable @inline(__always)
  public func isolate(_ page: Page) -> Bool {
    assert(Rules.Lists.version == core.kernel.lists)
    let order = page.order
    let pfn = core.pfn(page)
    // Each read of a pageblock's type is one from memory.
    let type = core.pageblockMigratetype(pfn)
    if type != .isolate {
      if !mayTake(order: order) { return false }
      core.account(zone, -(1 &<< order), type, Rules.self)
    }
    core.removeFromFreeList(page, zone, order: order, ruled)
    if order >= core.pageblockOrder &- 1 {
      var block: UInt64 = 0
      while block < 1 &<< UInt64(truncatingIfNeeded: order) {
        let type = core.pageblockMigratetype(pfn &+ block)
        if Rules.keepsListsPure {
          // Even if it is movable already.
          if type.isMergeable, let start = core.wholePageblock(pfn &+ block, in: zone) {
            core.retag(zone, pageblock: start, from: type, to: .movable, ruled)
          }
        } else if type.isMergeable {
          core.setPageblockMigratetype(pfn &+ block, .movable)
        }
        block &+= 1 &<< UInt64(truncatingIfNeeded: core.pageblockOrder)
      }
    }
    return true
  }

  /// Takes a listed block off its list and out of the count, without checking or retagging anything.
  @inlinable @inline(__always)
  public func takeOff(_ page: Page) {
    let order = page.order
    let type = core.pageblockMigratetype(core.pfn(page))
    core.removeFromFreeList(page, zone, order: order, ruled)
    core.account(zone, -(1 &<< order), type, Rules.self)
  }

  /// As ``takeOff(_:)``, for a block known to be on `type`'s list: that type's count changes, and the type is noted in
  /// the page, as on a per-CPU list (page->index).
  @inlinable @inline(__always)
  public func takeOff(_ page: Page, from type: Migratetype) {
    let order = page.order
    core.removeFromFreeList(page, zone, order: order, ruled)
    page.pointer.pointee.index = UInt64(truncatingIfNeeded: type.rawValue)
    core.account(zone, -(1 &<< order), type, Rules.self)
  }

  /// get_pcppage_migratetype(): the type that ``takeOff(_:from:)`` noted.
  @inlinable @inline(__always)
  public func notedMigratetype(_ page: Page) -> Migratetype {
    Migratetype(rawValue: Int(truncatingIfNeeded: page.pointer.pointee.index))
  }

  /// Moves a block of an isolated pageblock from `type`'s list to ISOLATE's.
  @inlinable @inline(__always)
  public func moveToIsolate(_ page: Page, from type: Migratetype) {
    let order = page.order
    core.move(page, zone, order: order, to: .isolate, ruled)
    core.account(zone, -(1 &<< order), type, Rules.self)
  }

  /// `__putback_isolated_page()`: puts a block that is off the lists at the tail of `type`'s list, or merges it; the
  /// hook at free isn't told. Returns true if it is listed again unmerged, false if it became part of a larger block.
  ///
  /// A block whose pageblocks belong on several lists goes back pageblock by pageblock. Since 6.10 that is also one that
  /// was taken off without being made movable, and beside which a range was tried meanwhile: the kernel's own callers
  /// never have such a block.
  ///
  /// `placement`: strategies from before FPI_TO_TAIL (5.10) leave it to the allocator's guess.
  @inlinable @inline(__always)
  @discardableResult
  public func putBack(
    _ page: Page, order: Int, _ type: Migratetype, placement: GuestCore.FreePlacement = .tail
  ) -> Bool {
    let pfn = core.pfn(page)
    if order > core.pageblockOrder && (Rules.keepsListsPure || zone.hasIsolatedPageblocks)
      && core.isOfSeveralLists(pfn, order: order, Rules.self)
    {
      core.freePageblocks(pfn, zone, order: order, placement: placement, notifies: false, ruled)
      return false
    }
    let freed = core.freeOnePage(
      page, pfn: pfn, zone, order: order, type, placement: placement, notifies: false, ruled)
    return freed.order == order
  }

  /// list_rotate_to_front(): makes `page`, an entry of the list, its first entry.
  @inlinable @inline(__always)
  public func rotate(_ list: FreeList, toFront page: Page) { list.rotate(toFront: page) }
}
