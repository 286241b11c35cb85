/// Statistics of a guest's starting state, for the record.
public struct GuestCensus: Sendable, Codable {
  /// Free pages in all zones and orders.
  public var freePages: UInt64
  /// Free over managed pages.
  public var freeFraction: Double
  /// Free blocks by order, of all zones.
  public var blocksByOrder: [UInt64]
  /// The unusable free space index by order (Gorman and Whitcroft, 2006): the share of free memory in blocks too small
  /// for an allocation of that order. Nil if nothing is free.
  public var unusableIndexByOrder: [Double]?
}

extension Guest {
  /// Takes the census. Complexity: O(lists).
  public func census() -> GuestCensus {
    var blocks = [UInt64](repeating: 0, count: core.highestOrder + 1)
    for list in snapshot?.lists ?? [] { blocks[list.order] += UInt64(list.pfns.count) }
    let free = blocks.enumerated().reduce(0) { $0 + $1.element << UInt64($1.offset) }
    var index: [Double]?
    if free > 0 {
      index = blocks.indices.map { order in
        let usable = blocks.enumerated().reduce(0) { $1.offset >= order ? $0 + $1.element << UInt64($1.offset) : $0 }
        return Double(free - usable) / Double(free)
      }
    }
    return GuestCensus(
      freePages: free, freeFraction: Double(free) / Double(max(geometry.managedPages, 1)), blocksByOrder: blocks,
      unusableIndexByOrder: index)
  }
}

extension GuestSnapshot {
  /// The share of next pointers, in lists of at least `order`, that lead to the adjacent block above or below: how well
  /// a prefetcher can follow the walk. Nil if no list has two entries. Complexity: O(blocks).
  public func adjacency(fromOrder order: Int) -> Double? {
    Self.adjacency(lists.lazy.map { ($0.order, $0.pfns) }, fromOrder: order)
  }

  /// The same of any lists: their orders, and their blocks in list order.
  static func adjacency(_ lists: some Sequence<(order: Int, pfns: [UInt64])>, fromOrder order: Int) -> Double? {
    var shape = ListShape()
    for list in lists where list.order >= order { shape.add(order: list.order, list.pfns) }
    return shape.adjacentShare
  }

  /// The number of free blocks of at least `order` in one zone.
  public func blockCount(zone: Int, fromOrder order: Int) -> Int {
    lists.reduce(0) { $1.zone == zone && $1.order >= order ? $0 + $1.pfns.count : $0 }
  }

  /// The free blocks of one zone of at least `order`, list by list.
  public func blocks(zone: Int, fromOrder order: Int) -> [Block] {
    lists.filter { $0.zone == zone && $0.order >= order }
      .flatMap { list in list.pfns.lazy.map { Block(pfn: $0, order: list.order) } }
  }

  /// Free pages in blocks of at least `order`.
  public func pages(fromOrder order: Int) -> UInt64 {
    lists.reduce(0) { $1.order >= order ? $0 + UInt64($1.pfns.count) << UInt64($1.order) : $0 }
  }
}

extension Guest {
  /// Returns every block on a free list now, by an independent walk. No thread may run in the guest.
  ///
  /// `zone`: only the zone with this index.
  public func freeBlocks(fromOrder order: Int = 0, zone only: Int? = nil) -> [Block] {
    var blocks: [Block] = []
    for zone in core.zones where only == nil || zone.index == only {
      for order in max(order, core.granuleOrder)...max(order, core.highestOrder) where order <= core.highestOrder {
        for type in core.types {
          for page in zone.freeList(order: order, type) { blocks.append(Block(pfn: core.pfn(page), order: order)) }
        }
      }
    }
    return blocks
  }

  /// Returns every block on a per-CPU list now, by an independent walk. No thread may run in the guest.
  public func perCPUBlocks() -> [Block] {
    var blocks: [Block] = []
    for zone in core.zones {
      for cpu in 0..<core.cpuCount {
        let pcp = core.perCPUList(zone, cpu: cpu)
        for index in 0..<PerCPUList.listCount {
          let order = PerCPUList.order(index: index, pageblockOrder: core.pageblockOrder)
          for page in pcp.list(index) { blocks.append(Block(pfn: core.pfn(page), order: order)) }
        }
      }
    }
    return blocks
  }

  /// Whether the block has been on a free list, unchanged, since the last ``restore()``.
  public func isUntouched(_ block: Block) -> Bool {
    let page = core.page(block.pfn)
    return page.isUntouchedBuddy && page.order == block.order
  }

  /// Whether the block is on a free list, whole and of its order.
  public func isFree(_ block: Block) -> Bool {
    let page = core.page(block.pfn)
    return page.isBuddy && page.order == block.order
  }

  /// Changes the order of every list of the starting state.
  public func reorderLists(_ order: ListOrder, seed: UInt64) {
    guard let snapshot else { return }
    replaceSnapshot(snapshot.reordered(order, seed: seed))
  }
}

extension GuestSnapshot {
  /// The free pages of one zone.
  public func pagesFree(zone: Int) -> UInt64 {
    lists.reduce(0) { $1.zone == zone ? $0 + UInt64($1.pfns.count) << UInt64($1.order) : $0 }
  }
}

extension Guest {
  /// The number of free blocks of at least `order`, by the counters.
  public func freeBlockCount(fromOrder order: Int) -> Int {
    core.zones.reduce(0) { total, zone in
      (order...max(order, core.highestOrder)).reduce(total) {
        $1 <= core.highestOrder ? $0 + Int(zone.blocksFree(order: $1)) : $0
      }
    }
  }

  /// Reads every list head of at least `order` once, to fill the caches.
  public func walkLists(fromOrder order: Int) { _ = freeBlocks(fromOrder: order).count }
}
