import Instruments

@testable import GuestMemory

/// Guests with exactly the lists a test asks for.
enum TestGuests {
  /// One zone of `kind`: how many blocks of which order are free, all movable, in the order of addresses.
  struct Zone {
    var kind = CapturedZoneKind.normal
    var blocks: [Int: UInt64]
    /// Nil: no watermarks.
    var min: UInt64?
    /// By migratetype and order; instead of `blocks`.
    var byType: [Migratetype: [Int: UInt64]]?
  }

  static func with(
    _ zones: [Zone], granule: Int = 0, orders: Int = 11, cpus: Int = 2, kernel: KernelVersion = .linux61
  ) throws -> Guest {
    var start: UInt64 = 0
    let captured = zones.map { zone in
      var rows = Array(repeating: [UInt64](repeating: 0, count: orders), count: 5)
      for (type, blocks) in zone.byType ?? [.movable: zone.blocks] {
        for (order, count) in blocks { rows[type.rawValue][order] = count }
      }
      var result = CapturedZone(
        nodeID: 0, kind: zone.kind, freeBlocks: (0..<orders).map { order in rows.reduce(0) { $0 + $1[order] } },
        freeBlocksByMigratetype: rows)
      if let min = zone.min {
        let span = (result.freePages / 512 + 4) * 1024
        result.details = ZoneDetails(
          startPFN: start, spanned: span, present: span, managed: span, min: min, low: min, high: min)
        start += span
      }
      return result
    }
    let capture = Capture(zones: captured, orders: orders)
    var geometry = try GuestGeometry.captured(
      capture, cpus: cpus, granuleOrder: granule, watermarks: capture.hasZoneDetails ? nil : WatermarkSource.none)
    geometry.kernel = kernel
    let guest = try Guest(geometry)
    try guest.fill(from: capture)
    return guest
  }

  /// One list of movable blocks.
  static func with(_ count: UInt64, order: Int, granule: Int = 0) throws -> Guest {
    try with([Zone(blocks: [order: count])], granule: granule)
  }
}

extension Guest {
  /// One list, head to tail.
  func list(zone: Int = 0, order: Int, _ type: Migratetype = .movable) -> [Block] {
    core.zone(zone).freeList(order: order, type).map { Block(pfn: core.pfn($0), order: order) }
  }

  /// Somebody else's CPU, which does something between the strategy's holds.
  func withOther(zone: Int = 0, _ body: (inout GuestCPU<NoProbe, NoHooks, Linux6_1>.Hold) -> Void) {
    var other = GuestCPU(core, cpu: 1, node: 0, probe: NoProbe())
    other.withZoneLocked(core.zone(zone)) { hold in body(&hold) }
  }

  /// Takes this very block.
  func take(_ block: Block, zone: Int = 0) { withOther(zone: zone) { $0.take(core.page(block.pfn)) } }

  /// Gives it back, to the list's head or, as FPI_TO_TAIL, to its tail.
  func giveBack(_ block: Block, zone: Int = 0, _ placement: GuestCore.FreePlacement = .byMergeGuess) {
    withOther(zone: zone) { hold in
      let page = core.page(block.pfn)
      page.pointer.pointee.refcount = 0
      core.freeOnePage(
        page, pfn: block.pfn, hold.zone, order: block.order, core.pageblockMigratetype(block.pfn), placement: placement,
        hold.ruled)
    }
  }
}
