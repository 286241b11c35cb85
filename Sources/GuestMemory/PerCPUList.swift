import CHost

/// A handle on a `struct per_cpu_pages`: a CPU's cached blocks of one zone, by migratetype and order.
public struct PerCPUList {
  @usableFromInline let pointer: UnsafeMutablePointer<PerCPUPages>

  @inlinable @inline(__always)
  init(_ pointer: UnsafeMutablePointer<PerCPUPages>) { self.pointer = pointer }

  /// PAGE_ALLOC_COSTLY_ORDER
  @inlinable static var costlyOrder: Int { 3 }
  /// PCP_BATCH_SCALE_MAX
  @inlinable static var batchScaleMax: Int16 { 5 }
  /// NR_PCP_LISTS: three types by orders 0 to 3, then order 9 unmovable and movable.
  @inlinable static var listCount: Int { 14 }

  @inlinable @inline(__always)
  var lock: Spinlock { Spinlock(UnsafeMutableRawPointer(pointer)) }

  // Fields that change under the lock are accessed individually: access through the whole struct would race with CPUs
  // that try the lock, its first field (drain_all_pages()).

  @inlinable @inline(__always)
  var countField: UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_PCP_COUNT)).assumingMemoryBound(to: Int32.self)
  }

  @inlinable @inline(__always)
  var freeFactorField: UnsafeMutablePointer<Int16> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_PCP_FREE_FACTOR)).assumingMemoryBound(to: Int16.self)
  }

  /// The most pages; 6.7 and later change it.
  @inlinable @inline(__always)
  var highField: UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_PCP_HIGH)).assumingMemoryBound(to: Int32.self)
  }

  /// HB_PCPF_* (6.7).
  @inlinable @inline(__always)
  var flagsField: UnsafeMutablePointer<UInt8> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_PCP_FLAGS)).assumingMemoryBound(to: UInt8.self)
  }

  /// The next refill is `batch` times two to the power of this (6.7).
  @inlinable @inline(__always)
  var allocFactorField: UnsafeMutablePointer<UInt8> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_PCP_ALLOC_FACTOR)).assumingMemoryBound(to: UInt8.self)
  }

  /// Pages freed in a row, halved by each allocation (6.7).
  @inlinable @inline(__always)
  var freeCountField: UnsafeMutablePointer<Int16> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_PCP_FREE_COUNT)).assumingMemoryBound(to: Int16.self)
  }

  /// The number of pages on all lists.
  @inlinable public var count: Int { Int(countField.pointee) }
  /// The same while its CPU may be changing it; never below 0.
  var countUnlocked: Int {
    let lockAndCount = chost_read_once(UnsafeRawPointer(pointer))
    return max(0, Int(Int32(truncatingIfNeeded: lockAndCount &>> (8 * UInt64(HB_PCP_COUNT)))))
  }
  @inlinable public var high: Int { Int(highField.pointee) }
  @inlinable public var batch: Int { Int(pointer.pointee.batch) }

  /// pcp_allowed_order()
  @inlinable @inline(__always)
  static func serves(order: Int, hugeOrder: Int) -> Bool { order <= costlyOrder || order == hugeOrder }

  /// order_to_pindex()
  @inlinable @inline(__always)
  static func index(order: Int, _ type: Migratetype) -> Int {
    if order > costlyOrder { return 12 &+ (type == .movable ? 1 : 0) }
    return Migratetype.pcpTypes &* order &+ type.rawValue
  }

  /// pindex_to_order()
  @inlinable @inline(__always)
  static func order(index: Int, pageblockOrder: Int) -> Int {
    index >= 12 ? pageblockOrder : index / Migratetype.pcpTypes
  }

  @inlinable @inline(__always)
  func list(_ index: Int) -> FreeList {
    FreeList(
      UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_PCP_LISTS) &+ index &* MemoryLayout<ListHead>.stride)
        .assumingMemoryBound(to: ListHead.self))
  }

  // MARK: how much to move

  /// nr_pcp_high() without reclaim: 0 drains everything, after consecutive frees of orders 1 to 3.
  @inlinable @inline(__always)
  func drainAbove(freeHigh: Bool) -> Int32 {
    let high = highField.pointee
    return high == 0 || freeHigh ? 0 : high
  }

  /// nr_pcp_free(): pages to drain; doubles with each free without an allocation in between, up to high - batch.
  @inlinable
  func pagesToDrain(high: Int32, freeHigh: Bool) -> Int {
    if freeHigh { return Int(countField.pointee) }
    let batch = pointer.pointee.batch
    if high < batch { return 1 }
    let most = high &- batch
    let scaled = batch &<< Int32(freeFactorField.pointee)
    if scaled < most && freeFactorField.pointee < PerCPUList.batchScaleMax { freeFactorField.pointee &+= 1 }
    return Int(max(batch, min(scaled, most)))
  }
}

// 6.7 and later: sizes that follow what the CPU does.
extension PerCPUList {
  /// nr_pcp_alloc(): the blocks of a refill. `isBelowHigh`: of the zone.
  @inlinable
  func blocksToRefill(order: Int, isBelowHigh: Bool) -> Int {
    let batch = pointer.pointee.batch
    var high = clampedHigh()
    if high < batch { return 1 }
    var pages = order == 0 ? batch &<< Int32(allocFactorField.pointee) : batch
    if pointer.pointee.high_min != pointer.pointee.high_max && !isBelowHigh {
      high = min(high &+ pages, pointer.pointee.high_max)
      highField.pointee = high
    }
    if order == 0 {
      let most = max(high &- countField.pointee &- batch, batch)
      if pages <= most && allocFactorField.pointee < PerCPUList.batchScaleMax { allocFactorField.pointee &+= 1 }
      pages = min(pages, most)
    }
    return pages > 1 ? Int(max(pages &>> Int32(order), 2)) : 1
  }

  /// The pages to drain after a free of `order`; 0: none (free_unref_page_commit(), nr_pcp_high(), nr_pcp_free()).
  @inlinable
  func pagesToDrainAfterFree<Rules: KernelRules>(order: Int, isBelowHigh: Bool, _: Rules.Type) -> Int {
    allocFactorField.pointee &>>= 1
    let batch = pointer.pointee.batch
    let previousHigh = UInt8(truncatingIfNeeded: HB_PCPF_PREV_FREE_HIGH_ORDER)
    var freeHigh = false
    if order > 0 && order <= PerCPUList.costlyOrder {
      let keepsBatch = flagsField.pointee & UInt8(truncatingIfNeeded: HB_PCPF_FREE_HIGH_BATCH) != 0
      freeHigh =
        Int32(freeCountField.pointee) >= Rules.freeHighFrom(batch: batch, highMin: pointer.pointee.high_min)
        && flagsField.pointee & previousHigh != 0
        && (!keepsBatch || countField.pointee >= batch)
      flagsField.pointee |= previousHigh
    } else {
      flagsField.pointee &= ~previousHigh
    }
    let largest = batch &<< Int32(PerCPUList.batchScaleMax)
    if Int32(freeCountField.pointee) < largest { freeCountField.pointee &+= 1 &<< Int16(order) }

    let above = drainAbove(batch: batch, freeHigh: freeHigh, isBelowHigh: isBelowHigh)
    guard countField.pointee >= above else { return 0 }
    if freeHigh { return Int(min(countField.pointee, largest)) }
    if above < batch { return 1 }
    return Int(max(batch, min(Int32(freeCountField.pointee), above &- batch)))
  }

  /// nr_pcp_high() without reclaim.
  @inlinable
  func drainAbove(batch: Int32, freeHigh: Bool, isBelowHigh: Bool) -> Int32 {
    let high = clampedHigh()
    if high == 0 { return 0 }
    let least = pointer.pointee.high_min
    let most = pointer.pointee.high_max
    if freeHigh {
      highField.pointee = max(high &- batch &<< Int32(PerCPUList.batchScaleMax), least)
      return 0
    }
    if least == most { return high }
    let freed = Int32(freeCountField.pointee)
    if isBelowHigh {
      highField.pointee = max(high &- max(freed, batch), least)
      return max(countField.pointee, least)
    }
    if countField.pointee >= high, high < freed &+ batch { highField.pointee = max(least, min(freed &+ batch, most)) }
    return high
  }

  @inlinable
  func clampedHigh() -> Int32 {
    let high = max(pointer.pointee.high_min, min(highField.pointee, pointer.pointee.high_max))
    highField.pointee = high
    return high
  }
}

extension GuestCore {
  /// The pages on the per-CPU lists of all zones and CPUs: nobody uses them, and no free list, NR_FREE_PAGES or
  /// /proc/buddyinfo has them. Read without locks, as /proc/zoneinfo does. Complexity: O(zones x CPUs).
  public var perCPUPages: UInt64 {
    var pages: UInt64 = 0
    for index in 0..<zoneCount {
      let zone = zone(index)
      for cpu in 0..<cpuCount { pages &+= UInt64(perCPUList(zone, cpu: cpu).countUnlocked) }
    }
    return pages
  }

  /// The list of one CPU for one zone.
  @inlinable @inline(__always)
  public func perCPUList(_ zone: Zone, cpu: Int) -> PerCPUList { PerCPUList(zone.pointer.pointee.pcp + cpu) }

  /// rmqueue_bulk(): adds up to `count` blocks to the tail of `list` while the zone's lock is held. Returns how many it
  /// got.
  @inlinable
  func fill<Hooks: KernelHooks>(
    _ list: FreeList, from zone: Zone, order: Int, count: Int, _ type: Migratetype, avoidFragmentation: Bool,
    _ hooks: Hooks
  ) -> Int {
    var mode = TakeMode.own
    if hasCMA && type == .movable {
      return fill(list, from: zone, order: order, count: count, hooks) { taken in
        takeWhileMostIsCMA(zone, order: order, taken: taken << order, hooks)
          ?? take(zone, order: order, type, avoidFragmentation: avoidFragmentation, &mode, hooks)
      }
    }
    return fill(list, from: zone, order: order, count: count, hooks) { _ in
      take(zone, order: order, type, avoidFragmentation: avoidFragmentation, &mode, hooks)
    }
  }

  /// `next`: takes a block, given the number of those before it.
  @inlinable @inline(__always)
  func fill<Hooks: KernelHooks>(
    _ list: FreeList, from zone: Zone, order: Int, count: Int, _ hooks: Hooks, _ next: (Int) -> Page?
  ) -> Int {
    var taken = 0
    var bad = 0
    while taken < count {
      guard let page = next(taken) else { break }
      taken &+= 1
      if !Hooks.Rules.alwaysChecksPages {
        list.addTail(page)
        continue
      }
      // check_pcp_refill(), under the lock.
      if checkNew(page, order: order) {
        list.addTail(page)
      } else {
        bad &+= 1
        _ = zoneSawBadPage(zone)
      }
    }
    addFreePages(zone, -(taken &<< order))
    return taken &- bad
  }

  /// free_pcppages_bulk(): frees `pages` pages to the zone, whose lock is held, starting with list `first` and from
  /// each list's tail. Returns the number of blocks.
  @inlinable
  func drain<Hooks: KernelHooks>(
    _ pcp: PerCPUList, to zone: Zone, pages: Int, first: Int, _ hooks: Hooks
  ) -> Int {
    var left = min(pages, Int(pcp.countField.pointee))
    var index = first &- 1
    var blocks = 0
    // The noted type is from the time of the free.
    let readsPageblock = !Hooks.Rules.notesMigratetype || zone.hasIsolatedPageblocks
    while left > 0 {
      repeat {
        index &+= 1
        if index == PerCPUList.listCount { index = 0 }
      } while pcp.list(index).isEmpty
      let list = pcp.list(index)
      let order = PerCPUList.order(index: index, pageblockOrder: pageblockOrder)
      while left > 0, let page = list.last {
        let pfn = pfn(page)
        let type =
          readsPageblock
          ? pageblockMigratetype(pfn) : Migratetype(rawValue: Int(truncatingIfNeeded: page.pointer.pointee.index))
        FreeList.remove(page)
        left &-= 1 &<< order
        pcp.countField.pointee &-= 1 &<< Int32(order)
        freeOnePage(page, pfn: pfn, zone, order: order, type, hooks)
        blocks &+= 1
      }
    }
    return blocks
  }
}
