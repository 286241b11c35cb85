import Testing

@testable import GuestMemory

@Suite struct CapturedStateTests {
  private func guest(
    _ capture: Capture, cpus: Int = 2, granule: Int = 0, _ kernel: KernelVersion = .linux61
  ) throws -> Guest {
    var geometry = try GuestGeometry.captured(capture, cpus: cpus, granuleOrder: granule)
    geometry.vmemmapPage = .small
    geometry.kernel = kernel
    let guest = try Guest(geometry)
    try guest.fill(from: capture)
    return guest
  }

  /// Exactly the capture's blocks: by node, zone, order and migratetype, and nothing else.
  private func expectExact(_ guest: Guest, _ capture: Capture, sourceLocation: SourceLocation = #_sourceLocation) {
    for captured in capture.zones {
      let extent = guest.geometry.zones.firstIndex {
        $0.nodeID == captured.nodeID && $0.type.name == captured.kind.rawValue
      }
      guard let extent else {
        #expect(captured.freePages == 0, sourceLocation: sourceLocation)
        continue
      }
      let zone = guest.core.zone(extent)
      for order in 0..<capture.orders {
        #expect(zone.blocksFree(order: order) == captured.freeBlocks[order], sourceLocation: sourceLocation)
        for type in Migratetype.allCases {
          let expected =
            captured.freeBlocksByMigratetype.map { $0.count > type.index ? $0[type.index][order] : 0 }
            ?? (type == .movable ? captured.freeBlocks[order] : 0)
          let list = guest.pfns(extent, order: order, type)
          #expect(UInt64(list.count) == expected, sourceLocation: sourceLocation)
          #expect(list == list.sorted(), sourceLocation: sourceLocation)
        }
      }
    }
    #expect(guest.freeBlocks().count == Int(capture.freeBlocks(atLeast: 0)), sourceLocation: sourceLocation)
    let faults = guest.validate()
    #expect(faults.isEmpty, sourceLocation: sourceLocation)
    #expect(guest.freeBlocks().allSatisfy(guest.isUntouched), sourceLocation: sourceLocation)
  }

  // The virtual machine of 24 GiB that the fixtures of the capture's own tests show, zoneinfo included: DMA starts at
  // PFN 1.
  private static let rows: [(CapturedZoneKind, [UInt64], ZoneDetails)] = [
    (
      .dma, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3],
      ZoneDetails(
        startPFN: 1, spanned: 4095, present: 3998, managed: 3840, min: 24, low: 30, high: 36,
        protection: [0, 3019, 10187, 10187, 10187])
    ),
    (
      .dma32, [1, 3, 4, 2, 5, 4, 3, 4, 5, 3, 751],
      ZoneDetails(
        startPFN: 4096, spanned: 1_044_480, present: 782_336, managed: 772_917, min: 5000, low: 6250, high: 7500,
        protection: [0, 0, 7168, 7168, 7168])
    ),
    (
      .normal, [3842, 2236, 146, 706, 248, 55, 14, 6, 0, 0, 1115],
      ZoneDetails(
        startPFN: 1_048_576, spanned: 5_505_024, present: 5_505_024, managed: 1_835_008, min: 11871, low: 14838,
        high: 17805, protection: [0, 0, 0, 0, 0])
    ),
  ]

  private func machine(details: Bool = true, byType: Bool = false) -> Capture {
    Capture(
      zones: Self.rows.map { kind, blocks, zone in
        var types: [[UInt64]]?
        if byType {
          var rows = [[UInt64]](repeating: Array(repeating: 0, count: 11), count: 5)
          for order in 0...10 {
            let third = blocks[order] / 3
            rows[0][order] = third
            rows[2][order] = third / 2
            rows[3][order] = order < 5 ? third / 4 : 0
            rows[4][order] = order == 10 && blocks[order] > 2 ? 2 : 0
            rows[1][order] = blocks[order] - rows[0][order] - rows[2][order] - rows[3][order] - rows[4][order]
          }
          types = rows
        }
        return CapturedZone(
          nodeID: 0, kind: kind, freeBlocks: blocks, freeBlocksByMigratetype: types, details: details ? zone : nil)
      }, orders: 11)
  }

  @Test(arguments: [(true, true), (true, false), (false, true), (false, false)], KernelVersion.allCases)
  func itHasExactlyTheCapturesBlocks(of: (details: Bool, byType: Bool), kernel: KernelVersion) throws {
    let (details, byType) = of
    let capture = machine(details: details, byType: byType)
    let guest = try guest(capture, kernel)
    expectExact(guest, capture)
    // Since 6.10 with one type a pageblock, which it checks.
    if kernel != .linux61 { #expect(guest.validate().isEmpty) }
    #expect(guest.core.zones.allSatisfy { $0.hasWatermarks })
    // Isolated pages are not free pages.
    let isolated: UInt64 = byType ? capture.zones.reduce(0) { $0 + $1.freeBlocksByMigratetype![4][10] << 10 } : 0
    #expect(guest.core.freePages == capture.freePages - isolated)
    #expect(guest.census().freePages == capture.freePages)
  }

  @Test func theKernelsOwnHighIsTaken() throws {
    var capture = machine()
    capture.zones[2].details?.pagesets = [
      CapturedPageset(cpu: 0, count: 22943, high: 60477, batch: 63, tuning: 7419...114_688)
    ]
    let printed = try guest(capture, .linux612)
    let list = printed.core.perCPUList(printed.core.zone(2), cpu: 1)
    #expect(list.pointer.pointee.high_min == 7419 && list.pointer.pointee.high_max == 114_688)
    // Another zone's lists, and all of a kernel that prints none, are by the formulas; 6.1 has neither.
    capture.zones[2].details?.pagesets[0].tuning = nil
    let computed = try guest(capture, .linux612)
    let own = computed.core.perCPUList(computed.core.zone(2), cpu: 1)
    #expect(own.pointer.pointee.high_min == 7419 && own.pointer.pointee.high_max == 114_688)
    let dma32 = (
      printed.core.perCPUList(printed.core.zone(1), cpu: 0), computed.core.perCPUList(computed.core.zone(1), cpu: 0)
    )
    #expect(dma32.0.pointer.pointee.high_max == dma32.1.pointer.pointee.high_max)
    withExtendedLifetime((printed, computed)) {}
  }

  /// The formulas give this machine's own watermarks and reserves, and nothing that zoneinfo says of them is needed.
  @Test func computedMarksAreThoseTheMachineShows() throws {
    for source: WatermarkSource? in [nil, .captured, .computed] {
      var capture = machine()
      if source == .computed {
        for zone in capture.zones.indices {
          capture.zones[zone].details?.min = 1
          capture.zones[zone].details?.low = 2
          capture.zones[zone].details?.high = 3
          capture.zones[zone].details?.protection = [1, 2, 3, 4, 5]
        }
      }
      let geometry = try GuestGeometry.captured(capture, cpus: 2, granuleOrder: 0, watermarks: source)
      #expect(geometry.hasWatermarks)
      #expect(geometry.watermarks == Self.rows.map { Watermarks(min: $0.2.min, low: $0.2.low, high: $0.2.high) })
      #expect(geometry.lowmemReserves.map { $0[ZoneType.movable.rawValue] } == [10187, 7168, 0])
    }
  }

  /// Without zoneinfo they are of zones of the size that is known: the pageblocks', or what the free blocks need.
  @Test(arguments: KernelVersion.allCases) func withoutZoneinfoMarksAreComputed(kernel: KernelVersion) throws {
    var capture = machine(details: false)
    #expect(capture.watermarks(nil) == .computed && machine().watermarks(nil) == .captured)
    func geometry(_ source: WatermarkSource? = nil) throws -> GuestGeometry {
      var geometry = try GuestGeometry.captured(capture, cpus: 2, granuleOrder: 0, watermarks: source)
      geometry.kernel = kernel
      return geometry
    }
    let ofSpans = try geometry()
    #expect(
      ofSpans.watermarks
        == Watermarks.compute(
          managed: ofSpans.zones.map(\.managedPages), types: [.dma, .dma32, .normal], kernel: kernel))
    let guest = try Guest(ofSpans)
    #expect(guest.core.zones.allSatisfy { $0.hasWatermarks && $0.watermark(.min) > 0 })

    capture.pageblockOrder = 9
    let blocks: [UInt64] = [16, 1528, 10752]
    for zone in capture.zones.indices { capture.zones[zone].pageblocksByMigratetype = [0, blocks[zone], 0, 0, 0] }
    let ofBlocks = try geometry()
    #expect(ofBlocks.zones.map(\.spannedPages) == ofSpans.zones.map(\.spannedPages), "the guest is the same")
    #expect(
      ofBlocks.watermarks
        == Watermarks.compute(managed: blocks.map { $0 << 9 }, types: [.dma, .dma32, .normal], kernel: kernel))

    let none = try geometry(WatermarkSource.none)
    #expect(!none.hasWatermarks && none.watermarks.allSatisfy { $0 == Watermarks(min: 0, low: 0, high: 0) })
    let without = try Guest(none)
    #expect(without.core.zones.allSatisfy { !$0.hasWatermarks })
    withExtendedLifetime((guest, without)) {}
  }

  @Test func spansAndMarksAreZoneinfos() throws {
    let guest = try guest(machine())
    let normalProtections: [Int64] = [10187, 7168, 0]
    for (zone, row) in zip(guest.core.zones, Self.rows) {
      #expect(zone.startPFN == row.2.startPFN && zone.spannedPages == row.2.spanned)
      #expect(zone.managedPages == row.2.managed)
      #expect(zone.watermark(.min) == row.2.min)
      #expect(zone.watermark(.low) == row.2.low)
      #expect(zone.watermark(.high) == row.2.high)
      for type in [ZoneType.normal, .movable, .highMem, .device] {
        #expect(zone.lowmemReserve(type) == normalProtections[zone.index])
      }
    }
    #expect(guest.core.zone(0).lowmemReserve(.dma32) == 3019)
    // high_min of that machine, with its two CPUs.
    #expect(guest.core.zones.map { guest.core.perCPUList($0, cpu: 1).high } == [15, 3125, 7419])
  }

  @Test func theAllocatorRunsOnItAndComesBack() throws {
    let guest = try guest(machine(byType: true))
    var random = SeededGenerator(seed: 1, stream: 501)
    let start = Picture(guest)
    var cpu = guest.cpu()
    var held: [Block] = []
    for _ in 0..<3000 {
      let order = random.below(11)
      if random.chance(0.6), let pfn = cpu.allocate(order: order, [.userMovable, .kernel][random.below(2)]) {
        held.append(Block(pfn: pfn, order: order))
      } else if !held.isEmpty {
        let block = held.remove(at: random.below(held.count))
        cpu.free(pfn: block.pfn, order: block.order)
      }
    }
    #expect(guest.validate(held: held).isEmpty)
    guest.restore()
    #expect(Picture(guest) == start)
  }

  @Test func aPageblockIsOfTheTypeThatHasMostOfIt() throws {
    let guest = try guest(machine(byType: true))
    for list in Picture(guest).lists where list.order >= 9 {
      for pfn in list.pfns { #expect(guest.core.pageblockMigratetype(pfn).rawValue == list.type) }
    }
    let reserved = guest.core.zone(2).pointer.pointee.nr_reserved_highatomic
    #expect(
      reserved
        == guest.freeBlocks().filter { block in
          (0..<5).contains(block.order) && guest.pfns(2, order: block.order, .highAtomic).contains(block.pfn)
        }.reduce(0) { $0 + $1.pages })
  }

  @Test func nodesMayHaveGaps() throws {
    let blocks: [UInt64] = [3, 2, 1, 0, 1, 0, 0, 0, 2, 1, 40]
    let capture = Capture(
      zones: [0, 8, 17].map { CapturedZone(nodeID: $0, kind: .normal, freeBlocks: blocks) }, orders: 11)
    let guest = try guest(capture, cpus: 6)
    #expect(guest.geometry.nodeCount == 3)
    #expect(guest.geometry.zones.map(\.nodeID) == [0, 8, 17])
    #expect(guest.core.zones.map(\.node) == [0, 1, 2])
    expectExact(guest, capture)
  }

  @Test(arguments: [1, 4, 9, 10]) func kernelsWithFewerOrdersHaveTheirOwnHighest(orders: Int) throws {
    let blocks = (0..<orders).map { UInt64(2 + $0 * 3 % 5) }
    let capture = Capture(zones: [CapturedZone(nodeID: 0, kind: .normal, freeBlocks: blocks)], orders: orders)
    let guest = try guest(capture)
    #expect(guest.core.highestOrder == orders - 1)
    #expect(guest.core.pageblockOrder == min(9, orders - 1))
    expectExact(guest, capture)
  }

  @Test func whatTheSpanCannotHoldIsRefused() throws {
    func capture(_ blocks: [UInt64], spanned: UInt64, start: UInt64 = 0) -> Capture {
      let details = ZoneDetails(
        startPFN: start, spanned: spanned, present: spanned, managed: spanned, min: 0, low: 0, high: 0)
      return Capture(
        zones: [CapturedZone(nodeID: 3, kind: .normal, freeBlocks: blocks, details: details)], orders: blocks.count)
    }
    let refused: [(Capture, UInt64)] = [
      (capture([0, 0, 0, 3], spanned: 16), 24),
      // Two pages that would be buddies.
      (capture([2, 0, 0, 0], spanned: 2), 2),
      (capture([0, 0, 0, 1], spanned: 8, start: 4), 8),
      (capture([0, 0, 3, 0], spanned: 16), 12),
    ]
    for (capture, free) in refused {
      do {
        _ = try guest(capture)
        Issue.record("\(capture.zones[0].freeBlocks) was taken")
      } catch GuestError.doesNotFit(let zone, let pagesFree, let spanned) {
        #expect(zone == "node 3 zone Normal")
        #expect(pagesFree == free && spanned == capture.zones[0].details!.spanned)
      }
    }
    // The tightest that fit.
    for tight in [
      capture([1, 1, 1, 1], spanned: 16), capture([0, 0, 2, 0], spanned: 16), capture([4, 0, 0, 0], spanned: 8),
      capture([1, 1, 1, 0], spanned: 7, start: 1), capture([0, 0, 0, 2], spanned: 16),
    ] {
      expectExact(try guest(tight), tight)
    }
  }

  @Test func nothingFreeOrTooSmallForTheGranuleIsRefused() {
    let empty = Capture(
      zones: [CapturedZone(nodeID: 0, kind: .normal, freeBlocks: Array(repeating: 0, count: 11))], orders: 11)
    #expect(throws: GuestError.self) { try GuestGeometry.captured(empty, cpus: 1, granuleOrder: 0) }
    let small = machine(details: false)
    #expect(throws: GuestError.self) { try GuestGeometry.captured(small, cpus: 1, granuleOrder: 1) }
  }

  @Test func aCoarseGranuleHoldsACaptureOfLargeBlocks() throws {
    let blocks: [UInt64] = [0, 0, 0, 0, 0, 0, 3, 2, 5, 7, 100]
    let capture = Capture(zones: [CapturedZone(nodeID: 0, kind: .normal, freeBlocks: blocks)], orders: 11)
    let guest = try guest(capture, granule: 6)
    expectExact(guest, capture)
  }

  /// Without zoneinfo the span is made so that anything fits.
  @Test(arguments: Seeds.list, KernelVersion.allCases)
  func anyCountsFitWhereTheSpanIsOurs(seed: UInt64, kernel: KernelVersion) throws {
    var random = SeededGenerator(seed: seed, stream: 502)
    for _ in 0..<25 {
      let orders = 1 + random.below(11)
      let isByType = random.chance(0.5)
      let zones = (0..<(1 + random.below(3))).map { node in
        let types = (0..<(isByType ? 3 : 1)).map { _ in
          (0..<orders).map { _ in random.chance(0.3) ? 0 : UInt64(random.below(20)) }
        }
        return CapturedZone(
          nodeID: node * 2, kind: .normal, freeBlocks: (0..<orders).map { order in types.reduce(0) { $0 + $1[order] } },
          freeBlocksByMigratetype: isByType
            ? types + [[UInt64]](repeating: Array(repeating: 0, count: orders), count: 2) : nil)
      }
      let capture = Capture(zones: zones, orders: orders)
      if capture.freePages == 0 { continue }
      expectExact(try guest(capture, kernel), capture)
    }
  }

  /// Free blocks of a guest that was aged fit into the very span they come from.
  @Test(arguments: Seeds.list, KernelVersion.allCases)
  func aModelledGuestsOwnCountsFitItsSpan(seed: UInt64, kernel: KernelVersion) throws {
    var geometry = GuestGeometry.small(gib: 3.5)
    geometry.kernel = kernel
    let aged = try Guest(geometry)
    try aged.age(Aging(freeFraction: seed % 2 == 0 ? 0.3 : 0.9), seed: seed)
    let zones = aged.core.zones.map { zone in
      CapturedZone(
        nodeID: 0, kind: CapturedZoneKind(rawValue: zone.type.name)!,
        freeBlocks: (0...10).map(zone.blocksFree(order:)),
        freeBlocksByMigratetype: (0..<Migratetype.count).map { type in
          (0...10).map { UInt64(aged.pfns(zone.index, order: $0, Migratetype(rawValue: type)).count) }
        },
        details: ZoneDetails(
          startPFN: zone.startPFN, spanned: zone.spannedPages, present: zone.spannedPages, managed: zone.managedPages,
          min: 1, low: 2, high: 3))
    }
    let capture = Capture(zones: zones, orders: 11)
    expectExact(try guest(capture, kernel), capture)
  }
}
