import Instruments

@testable import GuestMemory

extension GuestGeometry {
  /// Zones as given, all managed, on one node, without watermarks or reserves: for the allocator's inner half.
  static func bare(
    _ spans: [Range<UInt64>], highestOrder: Int = 10, granuleOrder: Int = 0, cpus: Int = 1,
    marks: Watermarks = Watermarks(min: 0, low: 0, high: 0), types: [ZoneType] = [.normal, .movable, .device],
    kernel: KernelVersion = .linux61, isToldToCheckPages: Bool = false
  ) -> GuestGeometry {
    let zones = zip(spans, types).map { span, type in
      let pages = UInt64(span.count)
      return ZoneExtent(
        node: 0, nodeID: 0, type: type, startPFN: span.lowerBound, spannedPages: pages, managedPages: pages,
        watermarks: marks, lowmemReserve: Array(repeating: 0, count: 6))
    }
    var geometry = GuestGeometry(zones: zones, nodeCount: 1, cpuCount: cpus, granuleOrder: granuleOrder)
    geometry.highestOrder = highestOrder
    geometry.vmemmapPage = .small
    geometry.kernel = kernel
    geometry.isToldToCheckPages = isToldToCheckPages
    return geometry
  }

  /// ``standard(bytes:nodes:cpus:granuleOrder:movableShare:)`` on small host pages.
  static func small(
    gib: Double, nodes: Int = 1, cpus: Int = 4, granuleOrder: Int = 0, movableShare: Double = 0,
    lock: LockKind = .queued
  ) -> GuestGeometry {
    var geometry = GuestGeometry.standard(
      bytes: UInt64(gib * 1024) << 20, nodes: nodes, cpus: cpus, granuleOrder: granuleOrder, movableShare: movableShare)
    geometry.vmemmapPage = .small
    geometry.lockKind = lock
    return geometry
  }
}

extension Guest {
  /// A fresh guest.
  static func fresh(_ geometry: GuestGeometry) throws -> Guest {
    let guest = try Guest(geometry)
    guest.fillFresh()
    return guest
  }

  /// One bare zone in which nothing is free and every pageblock is movable.
  static func allTaken(_ pages: UInt64, marks: Watermarks = Watermarks(min: 0, low: 0, high: 0)) throws -> Guest {
    let guest = try Guest.fresh(.bare([0..<pages], marks: marks))
    while guest.take(order: 0) != nil {}
    return guest
  }

  func cpu(_ number: Int = 0) -> GuestCPU<NoProbe, NoHooks, Linux6_1> {
    GuestCPU(core, cpu: number, node: geometry.node(ofCPU: number), probe: NoProbe())
  }

  func countingCPU(_ number: Int = 0) -> GuestCPU<CountingProbe, NoHooks, Linux6_1> {
    GuestCPU(core, cpu: number, node: geometry.node(ofCPU: number), probe: CountingProbe())
  }

  /// __rmqueue() and its accounting, as under the lock.
  func take(_ zone: Int = 0, order: Int, _ type: Migratetype = .movable, avoidFragmentation: Bool = false) -> Block? {
    let zone = core.zone(zone)
    var mode = GuestCore.TakeMode.own
    guard
      let page = core.take(
        zone, order: order, type, avoidFragmentation: avoidFragmentation, &mode,
        HooksUnder<Linux6_1, NoHooks>(NoHooks()))
    else {
      return nil
    }
    core.addFreePages(zone, -(1 << order))
    return Block(pfn: core.pfn(page), order: order)
  }

  /// __free_one_page(), by default with the pageblock's migratetype.
  func put(
    _ pfn: UInt64, order: Int, as type: Migratetype? = nil, placement: GuestCore.FreePlacement = .byMergeGuess
  ) {
    let zone = core.zones.first { $0.startPFN <= pfn && pfn < $0.endPFN }!
    let page = core.page(pfn)
    page.pointer.pointee.flags = Page.zoneBits(zone.index)
    page.pointer.pointee.refcount = 0
    core.freeOnePage(
      page, pfn: pfn, zone, order: order, type ?? core.pageblockMigratetype(pfn), placement: placement,
      HooksUnder<Linux6_1, NoHooks>(NoHooks()))
  }

  /// PFNs of a list, head to tail.
  func pfns(_ zone: Int = 0, order: Int, _ type: Migratetype) -> [UInt64] {
    core.zone(zone).freeList(order: order, type).map(core.pfn)
  }

  func perCPUPFNs(_ zone: Int, cpu: Int, order: Int, _ type: Migratetype) -> [UInt64] {
    core.perCPUList(core.zone(zone), cpu: cpu).list(PerCPUList.index(order: order, type)).map(core.pfn)
  }

  func zoneIndex(_ type: ZoneType, node: Int = 0) -> Int {
    core.zones.firstIndex { $0.type == type && $0.node == node }!
  }
}

extension GuestCPU {
  struct NothingAllocated: Error {}

  /// ``allocate(order:_:onNode:)`` where a test can't go on without a block.
  mutating func mustAllocate(order: Int, _ gfp: GFP, onNode: Int? = nil) throws -> UInt64 {
    guard let pfn = allocate(order: order, gfp, onNode: onNode) else { throw NothingAllocated() }
    return pfn
  }
}

/// Everything of a guest that its allocator's behaviour depends on, lists in their order.
struct Picture: Equatable {
  struct List: Equatable {
    var zone: Int
    var order: Int
    var type: Int
    var pfns: [UInt64]
  }

  struct ZoneFigures: Equatable {
    var freePages: UInt64
    var blocksFree: [UInt64]
    var boost: UInt64
    var highAtomic: UInt64
    var badPages: UInt64
    var pageblocks: [UInt8]
    var perCPU: [[UInt64]]
    var perCPUCounts: [Int]
    var freeFactors: [Int16]
  }

  var lists: [List] = []
  var zones: [ZoneFigures] = []

  init(_ guest: Guest) {
    let core = guest.core
    for zone in core.zones {
      for order in 0...10 {
        for type in core.types where !zone.freeList(order: order, type).isEmpty {
          lists.append(
            List(zone: zone.index, order: order, type: type.rawValue, pfns: guest.pfns(zone.index, order: order, type)))
        }
      }
      var figures = ZoneFigures(
        freePages: zone.freePages, blocksFree: (0...10).map(zone.blocksFree(order:)),
        boost: zone.pointer.pointee.watermark_boost, highAtomic: zone.pointer.pointee.nr_reserved_highatomic,
        badPages: zone.pointer.pointee.bad_pages, pageblocks: Array(core.pageblocks(of: zone)), perCPU: [],
        perCPUCounts: [], freeFactors: [])
      for cpu in 0..<core.cpuCount {
        let pcp = core.perCPUList(zone, cpu: cpu)
        for index in 0..<PerCPUList.listCount { figures.perCPU.append(pcp.list(index).map(core.pfn)) }
        figures.perCPUCounts.append(pcp.count)
        figures.freeFactors.append(pcp.pointer.pointee.free_factor)
      }
      zones.append(figures)
    }
  }

  /// Free blocks without regard to lists and their order.
  var blocks: [Block] {
    lists.flatMap { list in list.pfns.map { Block(pfn: $0, order: list.order) } }.sorted()
  }
}
