import CHost

extension Guest {
  /// Fills the guest as booted: all managed memory free, in blocks as large as alignment allows, every pageblock
  /// movable, and each list in address order, since boot frees to the tail (memblock_free_all() and
  /// deferred_free_range(), 6.1).
  public func fillFresh() {
    requireEmpty()
    for (index, extent) in geometry.zones.enumerated() {
      let zone = core.zone(index)
      var pfn = extent.startPFN + extent.reservedAtStart
      let end = extent.endPFN - extent.reservedAtEnd
      while pfn < end {
        var order = min(pfn == 0 ? core.highestOrder : pfn.trailingZeroBitCount, core.highestOrder)
        while pfn + (1 << UInt64(order)) > end { order -= 1 }
        let page = core.page(pfn)
        page.pointer.pointee.flags = Page.zoneBits(index)
        core.addToFreeList(page, zone, order: order, .movable, toTail: true)
        core.addFreePages(zone, 1 << order)
        pfn += 1 << UInt64(order)
      }
    }
    takeSnapshot()
  }

  /// Traps unless the guest is empty. A guest is filled once: filling it again would list blocks twice.
  func requireEmpty() { precondition(snapshot == nil && core.freePages == 0, "a guest is filled once") }
}
