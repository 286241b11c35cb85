import CHost

extension GuestCore {
  /// __zone_watermark_ok(): whether taking a block of `order` leaves the zone above `mark`.
  ///
  /// Read without the lock, as in the kernel, so it may be out of date.
  @inlinable @inline(__always)
  func watermarkAllows<Rules: KernelRules>(
    _ zone: Zone, order: Int, mark: UInt64, _ gfp: GFP, _ rules: Rules.Type
  ) -> Bool {
    var least = Int64(truncatingIfNeeded: mark)
    var free = Int64(truncatingIfNeeded: zone.freePages) &- ((1 &<< Int64(order)) &- 1)
    // gfp_to_alloc_flags(): whoever may use any reserve has the atomic one not subtracted.
    if gfp.contains(.high) {
      least &-= least / 2
      if gfp.isNonBlock { least &-= least / 4 }
    } else if !gfp.isNonBlock && !(Rules.atomicsUseReserveFirst && gfp.contains(.reserveAlone)) {
      free &-= Int64(truncatingIfNeeded: zone.withheldHighAtomic(rules))
    }
    if free <= least &+ zone.lowmemReserve(gfp.highestZone) { return false }
    if order == 0 { return true }
    var current = order
    while current <= highestOrder {
      for type in 0..<Migratetype.pcpTypes
      where !zone.freeList(order: current, Migratetype(rawValue: type)).isEmptyUnlocked { return true }
      if gfp.mayUseHighAtomic(rules) && !zone.freeList(order: current, .highAtomic).isEmptyUnlocked { return true }
      current &+= 1
    }
    // ALLOC_CMA is a movable request's. Last, so that what others find costs nothing.
    if gfp.contains(.movable) {
      current = order
      while current <= highestOrder {
        if !zone.freeList(order: current, .cma).isEmptyUnlocked { return true }
        current &+= 1
      }
    }
    return false
  }

  /// wmark_pages(): includes the boost added by steals.
  @inlinable @inline(__always)
  func mark(_ zone: Zone, _ mark: Zone.Watermark) -> UInt64 {
    zone.watermark(mark) &+ zone.watermarkBoost
  }
}

extension Zone {
  /// zone_watermark_ok() as page reporting calls it: whether more than the low watermark, the boost and `pages`
  /// are free, not counting the atomic reserve. The request is for a single page of the lowest zone, for which no zone
  /// keeps a reserve, so no list is read. Read without the lock: a hint that may be out of date.
  @inlinable @inline(__always)
  public func isAboveLow<Rules: KernelRules>(by pages: UInt64, _ rules: Rules.Type) -> Bool {
    let free = Int64(truncatingIfNeeded: freePages) &- Int64(truncatingIfNeeded: withheldHighAtomic(rules))
    return free > Int64(truncatingIfNeeded: watermark(.low) &+ watermarkBoost &+ pages)
  }
}
