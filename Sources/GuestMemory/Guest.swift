import CHost
import Glibc
import Instruments

/// A modelled guest's memory: the memory map, the zones, the per-CPU lists, and the state every repetition starts from.
///
/// All unsafe memory is here and in ``GuestCore``. It is freed with the guest, so users of the core must keep the guest
/// alive.
public final class Guest: @unchecked Sendable {
  // Right to send: the memory is guarded by its zone locks; the two variables below only change while no thread runs in
  // the guest (see restore()).
  public let geometry: GuestGeometry
  public let core: GuestCore
  private let mappings: [Mapping]
  /// The state that ``restore()`` returns to.
  public private(set) var snapshot: GuestSnapshot?

  /// A reserved piece of address space.
  private final class Mapping {
    let base: UnsafeMutableRawPointer
    let bytes: Int

    init(bytes: Int, huge: Bool) throws(GuestError) {
      let size = max(bytes, 4096)
      guard let base = chost_reserve(size, 2 << 20) else { throw .cannotReserve(bytes: UInt64(size)) }
      self.base = base
      self.bytes = size
      // A kernel without transparent huge pages refuses the advice; ``hugePagesInUse`` shows the result.
      _ = chost_advise_huge(base, size, huge)
    }

    deinit { _ = chost_release(base, bytes) }

    /// Gives every page memory, from the lowest address up.
    func fill() { memset(base, 0, bytes) }
  }

  /// Reserves the memory map and sets up empty zones. Complexity: O(zones x CPUs + pageblocks).
  ///
  /// - Throws: ``GuestError`` if the geometry can't be modelled or the host refuses the address space.
  public init(_ geometry: GuestGeometry) throws(GuestError) {
    try geometry.checked()
    self.geometry = geometry
    let end = geometry.endPFN
    let zoneCount = geometry.zones.count
    let cpus = geometry.cpuCount
    let huge = geometry.vmemmapPage == .huge

    let vmemmap = try Mapping(bytes: Int(end >> UInt64(geometry.granuleOrder)) * 64, huge: huge)
    let zoneMemory = try Mapping(bytes: zoneCount * MemoryLayout<StructZone>.stride, huge: false)
    let pcpMemory = try Mapping(bytes: zoneCount * cpus * MemoryLayout<PerCPUPages>.stride, huge: false)
    let pageblocks = try Mapping(bytes: Int(end >> UInt64(geometry.pageblockOrder)) + 1, huge: false)
    let nodes = try Mapping(bytes: cpus * MemoryLayout<MCSNode>.stride, huge: false)
    let zonelists = try Mapping(bytes: geometry.nodeCount * 2 * (zoneCount + 1) * 4, huge: false)
    if geometry.vmemmapPage == .filled { vmemmap.fill() }
    mappings = [vmemmap, zoneMemory, pcpMemory, pageblocks, nodes, zonelists]

    var shielded: UInt64 = 0
    for zone in geometry.zones where zone.type == .dma32 { shielded |= 1 << UInt64(zone.node) }
    if geometry.nodeCount == 1 { shielded = geometry.avoidsFragmentation ? 1 : 0 }
    core = GuestCore(
      vmemmap: vmemmap.base.bindMemory(to: StructPage.self, capacity: vmemmap.bytes / 64),
      zoneTable: zoneMemory.base.bindMemory(to: StructZone.self, capacity: zoneCount),
      pageblockTypes: pageblocks.base.bindMemory(to: UInt8.self, capacity: pageblocks.bytes),
      queueNodes: nodes.base.bindMemory(to: MCSNode.self, capacity: cpus),
      zonelists: zonelists.base.bindMemory(to: Int32.self, capacity: zonelists.bytes / 4),
      zoneCount: zoneCount, nodeCount: geometry.nodeCount, cpuCount: cpus, granuleOrder: geometry.granuleOrder,
      highestOrder: geometry.highestOrder, pageblockOrder: geometry.pageblockOrder,
      hasHugePages: geometry.hasHugePages, lockKind: geometry.lockKind, kernel: geometry.kernel,
      isToldToCheckPages: geometry.isToldToCheckPages, pageShift: geometry.pageSize.shift, hasCMA: geometry.hasCMA,
      nodesWithDMA32: shielded)

    let pcp = pcpMemory.base.bindMemory(to: PerCPUPages.self, capacity: zoneCount * cpus)
    let watermarks = geometry.watermarks
    let reserves = geometry.lowmemReserves
    for (index, extent) in geometry.zones.enumerated() {
      setUp(index, extent, watermarks[index], reserves[index], pcp + index * cpus)
    }
    buildZonelists()
  }

  private func setUp(
    _ index: Int, _ extent: GuestGeometry.ZoneExtent, _ marks: Watermarks, _ reserve: [Int64],
    _ pcp: UnsafeMutablePointer<PerCPUPages>
  ) {
    let zone = core.zone(index)
    let raw = zone.pointer
    raw.pointee.index = Int32(index)
    raw.pointee.node = Int32(extent.node)
    raw.pointee.zone_type = Int32(extent.type.rawValue)
    raw.pointee.start_pfn = extent.startPFN
    raw.pointee.spanned_pages = extent.spannedPages
    raw.pointee.managed_pages = extent.managedPages
    raw.pointee.initialized = geometry.hasWatermarks ? 1 : 0
    raw.pointee.watermark = (marks.min, marks.low, marks.high)
    raw.pointee.lowmem_reserve = (reserve[0], reserve[1], reserve[2], reserve[3], reserve[4], reserve[5])
    raw.pointee.pcp = pcp
    for order in 0..<11 {
      for index in 0..<Migratetype.countWithCMA {
        zone.freeList(order: order, Migratetype(index: index)).initialize()
      }
    }
    let batch = Watermarks.batch(
      managed: extent.pagesForReserves, kernel: geometry.kernel, pageBytes: geometry.pageSize.bytes)
    // A node without CPUs is shared by all.
    let cpus = geometry.cpus(ofNode: extent.node)
    let high = Watermarks.perCPUHigh(low: marks.low, cpusOfNode: cpus == 0 ? geometry.cpuCount : cpus, batch: batch)
    for cpu in 0..<geometry.cpuCount {
      let list = PerCPUList(pcp + cpu)
      list.pointer.pointee.batch = Int32(batch)
      switch geometry.kernel {
      case .linux61: list.highField.pointee = Int32(clamping: high)
      case .linux612, .mainline:
        // high begins at 0, and is clamped to the two at each use.
        let most = Watermarks.perCPUHigh(
          low: extent.pagesForReserves / 8, cpusOfNode: cpus == 0 ? geometry.cpuCount : cpus, batch: batch)
        list.pointer.pointee.high_min = Int32(clamping: extent.perCPUHigh?.lowerBound ?? UInt64(high))
        list.pointer.pointee.high_max = Int32(clamping: extent.perCPUHigh?.upperBound ?? UInt64(most))
      }
      for index in 0..<PerCPUList.listCount { list.list(index).initialize() }
    }
    let first = Int(extent.startPFN >> UInt64(core.pageblockOrder))
    let last = Int((extent.endPFN - 1) >> UInt64(core.pageblockOrder))
    (core.pageblockTypes + first).update(repeating: UInt8(Migratetype.movable.rawValue), count: last - first + 1)
  }

  /// build_zonelists(): a node's own zones, highest first, then the next node's, round the ring. Node numbers stand for
  /// distances.
  private func buildZonelists() {
    for node in 0..<geometry.nodeCount {
      let ring = (0..<geometry.nodeCount).map { (node + $0) % geometry.nodeCount }
      for (list, nodes) in [ring, [node]].enumerated() {
        var slot = core.zonelist(node: node, thisNodeOnly: list == 1)
        for candidate in nodes {
          for index in geometry.zones.indices.reversed()
          where geometry.zones[index].node == candidate && geometry.zones[index].type != .device {
            slot.pointee = Int32(index)
            slot += 1
          }
        }
        slot.pointee = -1
      }
    }
  }

  // MARK: the starting state

  /// Saves the current state as the one ``restore()`` returns to. No thread may run in the guest.
  public func takeSnapshot() {
    snapshot = GuestSnapshot(of: core)
    restore()
  }

  func replaceSnapshot(_ new: GuestSnapshot) {
    snapshot = new
    restore()
  }

  /// Restores the state that ``takeSnapshot()`` saved, from any state of the lists: every block on its list in the same
  /// order, counters, pageblock types and per-CPU lists. No thread may run in the guest; blocks still held go back to
  /// the lists. Complexity: O(free blocks now + free blocks then); if blocks are still held, also one step per struct
  /// page of the touched blocks.
  public func restore() { snapshot?.restore(core) }

  /// drain_all_pages(): drains the lists of every CPU. No thread may run in the guest.
  public func drainPerCPULists() {
    for number in 0..<geometry.cpuCount {
      var cpu = AnyGuestCPU(self, cpu: number)
      cpu.drainPerCPULists()
    }
  }

  /// Calls `body` with each piece of a node's memory, to bind it to a host node: its zones and their parts of the
  /// memory map, in whole host pages. A host page shared by two nodes is passed for both.
  ///
  /// Not included: per-CPU lists, pageblock types and zonelists, a few cache lines each.
  public func withMemory(
    ofNode node: Int, _ body: (UnsafeMutableRawPointer, _ bytes: Int) throws -> Void
  ) rethrows {
    let mask = UInt(getpagesize()) - 1
    for zone in core.zones where zone.node == node {
      let first = UInt(bitPattern: core.page(zone.startPFN).pointer)
      let start = first & ~mask
      let end = (first + UInt(zone.spannedPages >> UInt64(core.granuleOrder)) * 64 + mask) & ~mask
      if let map = UnsafeMutableRawPointer(bitPattern: start) { try body(map, Int(end - start)) }
      try body(UnsafeMutableRawPointer(zone.pointer), MemoryLayout<StructZone>.size)
    }
  }

  /// Flushes the cache lines that a walk over blocks of at least `order` reads: their heads and the zones. Complexity:
  /// O(free blocks of those orders).
  public func flushLists(fromOrder order: Int) {
    for zone in core.zones {
      for order in max(order, core.granuleOrder)...max(order, core.highestOrder) where order <= core.highestOrder {
        for type in core.types {
          // Read the next link before its line is flushed.
          for page in zone.freeList(order: order, type) { chost_flush_line(page.pointer) }
        }
      }
      let raw = UnsafeRawPointer(zone.pointer)
      for line in stride(from: 0, to: MemoryLayout<StructZone>.size, by: 64) { chost_flush_line(raw + line) }
    }
    chost_fence()
  }
}
