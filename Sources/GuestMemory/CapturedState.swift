import CHost

extension GuestGeometry {
  /// The geometry of a captured machine: its nodes and zones, with zoneinfo's spans and managed pages.
  ///
  /// Without zoneinfo, zones follow each other from address 0, each spanning its highest-order blocks plus twice its
  /// smaller ones (room for their buddies, which aren't free). Computed watermarks are then of zones as large as their
  /// pageblocks, which pagetypeinfo counts, or else of that span: less than the machine's, since what is used isn't in it.
  /// A log tells sizes and no places. A zone whose span begins in that of another, as after hotplug, lies behind all others.
  ///
  /// `watermarks`: nil takes the capture's, and computes them without it; see ``Capture/watermarks(_:)``.
  ///
  /// - Throws: ``GuestError`` if the capture has nothing free or has blocks smaller than the granule.
  public static func captured(
    _ capture: Capture, cpus: Int, granuleOrder: Int, watermarks: WatermarkSource? = nil
  ) throws(GuestError) -> GuestGeometry {
    let watermarks = capture.watermarks(watermarks)
    let highest = capture.orders - 1
    let pageSize = capture.pageSize
    let pageblockOrder = capture.pageblockOrder ?? min(pageSize.hugePageOrder, highest)
    let nodeIDs = capture.nodeIDs
    var zones: [ZoneExtent] = []
    var next: UInt64 = 0
    // Zones that interleave are laid one behind the other, each as it is aligned.
    let overlapping = Set(capture.overlaps.map(\.upper.id))
    var behind = capture.zones.compactMap(\.details).filter(\.hasPlace).map(\.endPFN).max() ?? 0
    for zone in capture.zones.sorted(by: { ($0.nodeID, $0.kind) < ($1.nodeID, $1.kind) }) {
      for (order, count) in zone.freeBlocks.enumerated() where count > 0 && order < granuleOrder {
        throw .badGeometry(
          "the capture has \(count) free blocks of order \(order) in zone \(zone.kind.rawValue) of node "
            + "\(zone.nodeID), which a granule of order \(granuleOrder) leaves out; use granule 0")
      }
      // Whole pageblocks are isolated: smaller isolated blocks belong to a partly used pageblock, whose place the
      // capture doesn't tell.
      let isolated = zone.freeBlocksByMigratetype?[CapturedMigratetype.isolate.rawValue] ?? []
      if let order = isolated.indices.first(where: { isolated[$0] > 0 && $0 < pageblockOrder }) {
        throw .badGeometry(
          "the capture has \(isolated[order]) free blocks of order \(order) under isolation in zone "
            + "\(zone.kind.rawValue) of node \(zone.nodeID), taken in the middle of an offlining or a contiguous "
            + "allocation; leave out the pagetypeinfo")
      }
      guard let node = nodeIDs.firstIndex(of: zone.nodeID) else { continue }
      guard let type = ZoneType.allCases.first(where: { $0.name == zone.kind.rawValue }) else { continue }
      if let details = zone.details, details.spanned > 0 || !details.hasPlace {
        var start = details.startPFN
        var span = details.spanned
        let block: UInt64 = 1 << UInt64(highest)
        if !details.hasPlace {
          start = next
          span = max(span, spanNeeded(zone, capture, pageblockOrder))
          next = (next + span + block - 1) / block * block
        } else if overlapping.contains(zone.id) {
          start = (behind + block - 1) / block * block + start % block
          behind = start + span
        }
        zones.append(
          ZoneExtent(
            node: node, nodeID: zone.nodeID, type: type, startPFN: start, spannedPages: span,
            managedPages: details.managed,
            watermarks: watermarks == .captured
              ? Watermarks(min: details.min, low: details.low, high: details.high) : nil,
            lowmemReserve: watermarks == .captured
              ? lowmemReserve(details.protection, hasHighMem: capture.zones.contains { $0.kind == .highMem }) : nil,
            perCPUHigh: details.pagesets.lazy.compactMap(\.tuning).first))
      } else if zone.details == nil {
        guard zone.freePages > 0 else { continue }
        let span = spanNeeded(zone, capture, pageblockOrder)
        let blocks = capture.pageblockOrder.flatMap { order in
          zone.pageblocksByMigratetype.map { $0.reduce(0, +) << UInt64(order) }
        }
        zones.append(
          ZoneExtent(
            node: node, nodeID: zone.nodeID, type: type, startPFN: next, spannedPages: span, managedPages: span,
            sizedPages: blocks.map { max($0, span) }))
        let block: UInt64 = 1 << UInt64(highest)
        next = (next + span + block - 1) / block * block
      }
    }
    guard !zones.isEmpty else { throw .badGeometry("the capture has no free block") }
    var geometry = GuestGeometry(zones: zones, nodeCount: nodeIDs.count, cpuCount: cpus, granuleOrder: granuleOrder)
    geometry.pageSize = pageSize
    geometry.highestOrder = highest
    geometry.pageblockOrder = pageblockOrder
    // Where pagetypeinfo says so: without huge pages a pageblock is of the highest order.
    if capture.pageblockOrder == highest { geometry.hasHugePages = false }
    geometry.hasCMA = capture.hasCMA
    geometry.hasWatermarks = watermarks != .none
    if let lists = capture.lists { geometry.takeBuild(of: lists) }
    return geometry
  }

  /// A span that has room for a zone's free blocks, wherever they stand.
  private static func spanNeeded(_ zone: CapturedZone, _ capture: Capture, _ pageblockOrder: Int) -> UInt64 {
    let large = (zone.freeBlocks.last ?? 0) << UInt64(capture.orders - 1)
    // The buddy of each smaller block isn't free, and each type's may stand in pageblocks of their own.
    let hasTypes = zone.freeBlocksByMigratetype != nil || zone.typesPresent != nil
    let types = !hasTypes ? 0 : capture.hasCMA ? Migratetype.countWithCMA : Migratetype.count
    return large + 2 * (zone.freePages - large) + UInt64(types) << UInt64(pageblockOrder)
  }

  /// zoneinfo's `protection` by zone type; it lists the zones that the kernel was built with. Nil, which means the
  /// kernel's formula, if their number doesn't identify them.
  private static func lowmemReserve(_ protection: [UInt64], hasHighMem: Bool) -> [Int64]? {
    let types: [ZoneType]
    switch (protection.count, hasHighMem) {
    case (5, false): types = [.dma, .dma32, .normal, .movable, .device]
    case (4, false): types = [.dma, .dma32, .normal, .movable]
    case (4, true): types = [.dma, .normal, .highMem, .movable]
    default: return nil
    }
    var reserve = [Int64](repeating: 0, count: ZoneType.allCases.count)
    for (type, pages) in zip(types, protection) { reserve[type.rawValue] = Int64(clamping: pages) }
    // Without HighMem, a request for it is one for Normal.
    if !hasHighMem { reserve[ZoneType.highMem.rawValue] = reserve[ZoneType.normal.rawValue] }
    return reserve
  }
}

extension Capture {
  /// Whether a zone has pageblocks or blocks of CMA.
  public var hasCMA: Bool {
    let cma = CapturedMigratetype.cma.rawValue
    return zones.contains { zone in
      zone.freeBlocksByMigratetype.map { $0.count > cma && $0[cma].contains { $0 > 0 } } ?? false
        || zone.pageblocksByMigratetype.map { $0.count > cma && $0[cma] > 0 } ?? false
        || zone.typesPresent?.contains { $0.contains(.cma) } ?? false
    }
  }

  /// Where a guest of this capture has its watermarks from: as `wanted`, else zoneinfo's, or computed if there is none.
  public func watermarks(_ wanted: WatermarkSource?) -> WatermarkSource {
    wanted ?? (hasZoneDetails ? .captured : .computed)
  }
}

extension Guest {
  /// Puts exactly the capture's free blocks on the lists: each node, zone, order and, with pagetypeinfo, migratetype
  /// (otherwise all are movable; with a log's letters, see ``CapturedZone/blocks(order:)``). The rest of the zones stays allocated. Each list is in address order; of a capture
  /// with lists, the very blocks are in the kernel's order.
  ///
  /// - Throws: ``GuestError/doesNotFit(zone:pagesFree:pagesSpanned:)`` if the blocks can't be placed in the zone's span
  ///   without two free buddies.
  public func fill(from capture: Capture) throws(GuestError) {
    requireEmpty()
    if let lists = capture.lists {
      place(lists)
      takeSnapshot()
      return
    }
    for captured in capture.zones {
      guard
        let index = geometry.zones.firstIndex(where: {
          $0.nodeID == captured.nodeID && $0.type.name == captured.kind.rawValue
        })
      else { continue }
      let zone = core.zone(index)
      let counts = captured.freeBlocks.indices.map(captured.blocks)
      guard place(counts, in: zone, within: zone.startPFN..<zone.endPFN) else {
        throw .doesNotFit(
          zone: "node \(captured.nodeID) zone \(captured.kind.rawValue)", pagesFree: captured.freePages,
          pagesSpanned: zone.spannedPages)
      }
    }
    takeSnapshot()
    reorderLists(.ascending, seed: 0)
  }

  /// Puts so many free blocks of each order and migratetype into a part of a zone. False if there is no room without two
  /// free buddies.
  func place(_ counts: [[UInt64]], in zone: Zone, within span: Range<UInt64>) -> Bool {
    var space = FreeSpace(span, highestOrder: core.highestOrder)
    // Since 6.10 a pageblock's free blocks are of one type: each type gets pageblocks of its own.
    var ofType = Array(repeating: FreeSpace(highestOrder: core.highestOrder), count: Migratetype.countWithCMA)
    func take(order: Int, _ type: Migratetype) -> UInt64? {
      // CMA's pageblocks are of one type under all rules.
      guard core.kernel != .linux61 || type == .cma, order < core.pageblockOrder else {
        return space.take(order: order)
      }
      if let pfn = ofType[type.index].take(order: order) { return pfn }
      guard
        let runs = space.claim(
          pageblockOrder: core.pageblockOrder, holding: order, wholly: type == .cma)
      else { return nil }
      for run in runs { ofType[type.index].add(run.pfn, order: run.order) }
      return ofType[type.index].take(order: order)
    }
    var pagesOfPageblock: [UInt64: [UInt64]] = [:]
    func put(order: Int, _ index: Int) -> Bool {
      let type = Migratetype(index: index)
      for _ in 0..<counts[order][index] {
        guard let pfn = take(order: order, type) else { return false }
        let page = core.page(pfn)
        page.pointer.pointee.flags = Page.zoneBits(zone.index)
        core.addToFreeList(page, zone, order: order, type, toTail: true)
        core.accountApart(zone, 1 << order, type, countsHighAtomic: true)
        if type == .highAtomic { zone.reservedHighAtomicField.pointee += 1 << UInt64(order) }
        if order >= core.pageblockOrder {
          core.setPageblockMigratetypes(pfn, order: order, type)
        } else {
          pagesOfPageblock[
            pfn >> UInt64(core.pageblockOrder), default: Array(repeating: 0, count: Migratetype.countWithCMA)][index] +=
            1 << UInt64(order)
        }
      }
      return true
    }
    // Whole pageblocks, then what is smaller: CMA's first, since it needs whole pageblocks for itself.
    let orders = counts.indices.reversed()
    let cma = Migratetype.cma.index
    for order in orders where order >= core.pageblockOrder {
      for index in counts[order].indices where !put(order: order, index) { return false }
    }
    for order in orders where order < core.pageblockOrder && counts[order].count > cma {
      guard put(order: order, cma) else { return false }
    }
    for order in orders where order < core.pageblockOrder {
      for index in counts[order].indices where index != cma && !put(order: order, index) { return false }
    }
    // A pageblock with blocks of several types gets the most frequent type.
    for (pageblock, pages) in pagesOfPageblock {
      let type = pages.indices.max { pages[$0] < pages[$1] } ?? Migratetype.movable.rawValue
      core.setPageblockMigratetype(pageblock << UInt64(core.pageblockOrder), Migratetype(index: type))
    }
    return true
  }
}

extension CapturedZone {
  /// The free blocks of an order, by the model's `Migratetype.index`.
  ///
  /// Without a pagetypeinfo all are movable. A log's letters tell which types have a block: each has one, and the rest
  /// are movable if that is among them, and otherwise of the first type that is.
  fileprivate func blocks(order: Int) -> [UInt64] {
    // Both put CMA last.
    var blocks = [UInt64](repeating: 0, count: Migratetype.countWithCMA)
    func add(_ count: UInt64, _ type: CapturedMigratetype) { blocks[type.rawValue] += count }
    if let types = freeBlocksByMigratetype {
      for type in CapturedMigratetype.allCases where type.rawValue < types.count && order < types[type.rawValue].count {
        add(types[type.rawValue][order], type)
      }
    } else {
      let present = typesPresent?[order].sorted { $0.rawValue < $1.rawValue } ?? []
      for type in present { add(1, type) }
      let rest = present.contains(.movable) ? .movable : present.first ?? .movable
      add(freeBlocks[order] - UInt64(present.count), rest)
    }
    return blocks
  }
}

/// The room for free blocks in a zone, handed out largest first so that no two free buddies of one order meet.
private struct FreeSpace {
  /// By order: aligned runs of that order in which nothing is placed yet, lowest address last.
  private var open: [[UInt64]]
  /// By order: runs whose buddy is a free block of that order, which may therefore only be used for smaller blocks.
  private var shadowed: [[UInt64]]

  init(_ span: Range<UInt64>, highestOrder: Int) {
    open = Array(repeating: [], count: highestOrder + 1)
    shadowed = open
    var pfn = span.lowerBound
    while pfn < span.upperBound {
      var order = min(pfn == 0 ? highestOrder : pfn.trailingZeroBitCount, highestOrder)
      while pfn + (1 << UInt64(order)) > span.upperBound { order -= 1 }
      open[order].append(pfn)
      pfn += 1 << UInt64(order)
    }
    for order in open.indices { open[order].reverse() }
  }

  /// None.
  init(highestOrder: Int) {
    open = Array(repeating: [], count: highestOrder + 1)
    shadowed = open
  }

  /// Adds an aligned run in which nothing is placed yet.
  mutating func add(_ pfn: UInt64, order: Int) { open[order].append(pfn) }

  /// Takes a pageblock for blocks of one type and of less than its order, the largest of which is `order`. Returns its
  /// runs: one, or those of a pageblock that isn't wholly in the span. Only once larger blocks are placed. `wholly`: only
  /// one that is.
  mutating func claim(
    pageblockOrder: Int, holding order: Int, wholly: Bool
  ) -> [(pfn: UInt64, order: Int)]? {
    // What lies in part outside has no other use.
    for larger in order..<pageblockOrder where !wholly {
      guard let pfn = open[larger].last else { continue }
      let pageblock = pfn >> UInt64(pageblockOrder)
      var runs: [(pfn: UInt64, order: Int)] = []
      for order in 0..<pageblockOrder {
        runs += open[order].filter { $0 >> UInt64(pageblockOrder) == pageblock }.map { ($0, order) }
        open[order].removeAll { $0 >> UInt64(pageblockOrder) == pageblock }
      }
      return runs
    }
    for larger in pageblockOrder..<open.count {
      guard let pfn = shadowed[larger].popLast() ?? open[larger].popLast() else { continue }
      for half in (pageblockOrder..<larger).reversed() { open[half].append(pfn + 1 << UInt64(half)) }
      return [(pfn, pageblockOrder)]
    }
    return nil
  }

  mutating func take(order: Int) -> UInt64? {
    // An open run of exactly this order: its buddy is outside the zone or split, or it is of the highest order.
    if let pfn = open[order].popLast() { return pfn }
    // Otherwise the smallest larger run, shadowed ones first, since they have no other use.
    for larger in (order + 1)..<max(open.count, order + 1) {
      if let pfn = shadowed[larger].popLast() ?? open[larger].popLast() {
        var current = larger
        while current > order + 1 {
          current -= 1
          open[current].append(pfn + (1 << UInt64(current)))
        }
        shadowed[order].append(pfn + (1 << UInt64(order)))
        return pfn
      }
    }
    return nil
  }
}
