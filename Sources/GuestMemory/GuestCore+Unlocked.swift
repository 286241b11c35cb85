import CHost

// Views of a block without the zone's lock, while other threads allocate and free.
extension GuestCore {
  /// The order of the free block that a page heads; nil if it heads none.
  private func listedOrderUnlocked(_ pfn: UInt64) -> Int? {
    let page = page(pfn)
    guard page.isBuddyUnlocked else { return nil }
    let order = chost_read_once(UnsafeRawPointer(page.pointer) + Int(HB_PAGE_PRIVATE))
    return order <= UInt64(highestOrder) ? Int(order) : nil
  }

  /// Whether the block is part of a free block of at least its order.
  private func isPartOfFreeUnlocked(_ block: Block) -> Bool {
    var order = block.order
    while order <= highestOrder {
      let head = block.pfn & ~((1 &<< UInt64(order)) &- 1)
      if let found = listedOrderUnlocked(head), found >= order { return true }
      order += 1
    }
    return false
  }

  /// Whether all of a block's pages are on free lists, in one block or several. Pages on a per-CPU list aren't.
  ///
  /// Uses only the struct pages, without a lock. A block that is just merging may look as if it weren't free, so it is
  /// checked up to three times. Complexity: O(free blocks in it).
  public func isWhollyFreeUnlocked(_ block: Block) -> Bool {
    for look in 0..<3 {
      if look > 0 { for _ in 0..<16 { chost_pause() } }
      if isPartOfFreeUnlocked(block) { return true }
      var pfn = block.pfn
      while pfn < block.end, let order = listedOrderUnlocked(pfn) { pfn += 1 &<< UInt64(order) }
      if pfn >= block.end { return true }
    }
    return false
  }

  /// Whether a block that was taken off the lists whole seems to be held still: no part of it heads a free block, as
  /// would be the case after a split, and its head has a reference or none, as the holder left it.
  ///
  /// `isReferenced`: whether the block was taken by alloc_pages(); otherwise by isolation. Complexity: O(orders).
  public func isHeldUnlocked(_ block: Block, isReferenced: Bool) -> Bool {
    guard !isPartOfFreeUnlocked(block), listedOrderUnlocked(block.pfn) == nil,
      page(block.pfn).isReferencedUnlocked == isReferenced
    else { return false }
    var order = granuleOrder
    while order < block.order {
      if listedOrderUnlocked(block.pfn &+ 1 &<< UInt64(order)) != nil { return false }
      order += 1
    }
    return true
  }
}
