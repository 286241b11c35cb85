import CHost

extension Guest {
  /// The guest as booted: all managed memory free, in blocks as large as alignment allows, every pageblock movable and
  /// each list in the order of addresses, since boot frees to the tail (memblock_free_all() and deferred_free_range(),
  /// 6.1).
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

  /// A guest gets its state once: what stood on the lists would be put on them again.
  func requireEmpty() { precondition(snapshot == nil && core.freePages == 0, "a guest is filled once") }
}
