import CHost

// What compaction does to free memory: mm/compaction.c, Linux 6.1, in outline.
extension GuestCPU {
  /// isolate_freepages_block() and split_map_pages(): takes free blocks within `range`, a part of one pageblock, off
  /// the lists from its start until it has `wanted` pages, and passes the pages to `body` one by one, each with a
  /// reference. `body` runs under the zone's lock.
  ///
  /// Takes one hold; the kernel drops the lock now and then. Complexity: O(struct pages of the range).
  ///
  /// - Returns: the PFN it stopped at, at most the range's end; nil if the min watermark prevents taking a block.
  @inlinable
  public mutating func takeFreePages(
    in range: Range<UInt64>, of zone: Zone, wanted: Int, _ body: (UInt64) -> Void
  ) -> UInt64? {
    let granule: UInt64 = 1 << UInt64(core.granuleOrder)
    return withZoneLocked(zone) { hold in
      let core = hold.core
      var taken = 0
      var current = range.lowerBound
      while current < range.upperBound && taken < wanted {
        hold.items &+= 1
        let page = core.page(current)
        guard page.isBuddyUnlocked else {
          current &+= granule
          continue
        }
        let order = page.order
        guard hold.isolate(page) else { return nil }
        hold.hooks.didAllocate(page, pfn: current, order: order)
        for n in 0..<core.structPages(order: order) {
          let part = page.advanced(by: n)
          part.pointer.pointee.flags = Page.zoneBits(zone.index)
          part.pointer.pointee.page_type = Page.typeNone
          part.pointer.pointee.private_ = 0
          part.pointer.pointee.lru.next = UnsafeMutablePointer(bitPattern: Page.listPoison1)
          part.pointer.pointee.refcount = 1
          body(current &+ UInt64(truncatingIfNeeded: n) &* granule)
        }
        taken &+= 1 &<< order
        current &+= 1 &<< UInt64(truncatingIfNeeded: order)
      }
      return min(current, range.upperBound)
    }
  }
}
