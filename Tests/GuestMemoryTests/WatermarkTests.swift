import Testing

@testable import GuestMemory

@Suite struct WatermarkTests {
  /// 98 % of so many GiB, in pages.
  private func managed(gib: UInt64) -> UInt64 { (gib << 18) * 98 / 100 }

  private struct Line {
    var min: UInt64
    var low: UInt64
    var high: UInt64
    var perCPU: Int
  }

  private func expect(_ managed: [UInt64], _ lines: [Int: Line], cpus: Int) {
    let marks = Watermarks.compute(managed: managed, types: managed.map { _ in .normal })
    for (zone, line) in lines {
      #expect(marks[zone] == Watermarks(min: line.min, low: line.low, high: line.high), "zone \(zone)")
      let batch = Watermarks.batch(managed: managed[zone])
      #expect(batch == 63)
      #expect(Watermarks.perCPUHigh(low: line.low, cpusOfNode: cpus, batch: batch) == line.perCPU, "zone \(zone)")
    }
  }

  @Test func marksOfEightGiBAreTheKernels() {
    #expect(managed(gib: 3) == 770_703)
    #expect(managed(gib: 5) == 1_284_505)
    expect(
      [3840, 770_703, 1_284_505],
      [
        1: Line(min: 6324, low: 7905, high: 9486, perCPU: 1976),
        2: Line(min: 10540, low: 13175, high: 15810, perCPU: 3293),
      ], cpus: 4)
  }

  @Test func marksOfA128GiBGuestAreTheKernels() {
    #expect(managed(gib: 125) == 32_112_640)
    expect(
      [3840, 770_703, 32_112_640], [2: Line(min: 16498, low: 48610, high: 80722, perCPU: 12152)], cpus: 4)
  }

  @Test func marksOfFourNodesOf256GiBAreTheKernels() {
    let far = managed(gib: 256)
    expect(
      [3840, 770_703, managed(gib: 253), far, far, far],
      [
        2: Line(min: 8348, low: 73343, high: 138_338, perCPU: 1145),
        3: Line(min: 8447, low: 74213, high: 139_979, perCPU: 1159),
        4: Line(min: 8447, low: 74213, high: 139_979, perCPU: 1159),
        5: Line(min: 8447, low: 74213, high: 139_979, perCPU: 1159),
      ], cpus: 64)
  }

  /// A virtual machine of two CPUs: DMA, DMA32 and Normal managed 3840, 772917 and 1835008 pages.
  @Test func marksAndReservesOfACapturedMachineAreWhatItShows() {
    let managed: [UInt64] = [3840, 772_917, 1_835_008]
    let marks = Watermarks.compute(managed: managed, types: [.dma, .dma32, .normal])
    #expect(
      marks == [
        Watermarks(min: 24, low: 30, high: 36), Watermarks(min: 5000, low: 6250, high: 7500),
        Watermarks(min: 11871, low: 14838, high: 17805),
      ])
    let perCPU = zip(managed, marks).map {
      Watermarks.perCPUHigh(low: $1.low, cpusOfNode: 2, batch: Watermarks.batch(managed: $0))
    }
    #expect(perCPU == [15, 3125, 7419])
    #expect(managed.map { Watermarks.batch(managed: $0) } == [1, 63, 63])

    let zones = zip([ZoneType.dma, .dma32, .normal], zip([0, 4096, 1 << 20], managed)).map { type, extent in
      GuestGeometry.ZoneExtent(
        node: 0, nodeID: 0, type: type, startPFN: UInt64(extent.0), spannedPages: extent.1 + 256, managedPages: extent.1
      )
    }
    let geometry = GuestGeometry(zones: zones, nodeCount: 1, cpuCount: 2, granuleOrder: 0)
    // By DMA, DMA32, Normal, (HighMem,) Movable, Device.
    #expect(
      geometry.lowmemReserves == [
        [0, 3019, 10187, 10187, 10187, 10187], [0, 0, 7168, 7168, 7168, 7168], [0, 0, 0, 0, 0, 0],
      ])
  }

  /// Nothing that the kernel reserves for itself comes from there, and the other zones share all of min_free_kbytes.
  @Test(arguments: KernelVersion.allCases) func highMemKeepsFewPagesAndCountsForNobody(kernel: KernelVersion) {
    let low: [UInt64] = [4096, 200_000]
    let alone = Watermarks.compute(managed: low, types: [.dma, .normal], kernel: kernel)
    for (pages, min): (UInt64, UInt64) in [(20_000, 32), (100_000, 97), (600_000, 128)] {
      let marks = Watermarks.compute(managed: low + [pages], types: [.dma, .normal, .highMem], kernel: kernel)
      #expect(Array(marks.prefix(2)) == alone)
      #expect(marks[2].min == min && marks[2].low > min && marks[2].high - marks[2].low == marks[2].low - min)
    }
  }

  @Test func batchIsAPowerOfTwoLessOneAndAtMost63() {
    for managed in stride(from: UInt64(0), to: 1 << 20, by: 777) {
      let batch = Watermarks.batch(managed: managed)
      #expect(batch >= 1 && batch <= 63)
      #expect((batch + 1) & batch == 0)
    }
  }

  @Test func aNodeWithoutCPUsIsSharedByAll() throws {
    let guest = try Guest(.small(gib: 8, nodes: 8, cpus: 2))
    for zone in guest.core.zones where guest.geometry.cpus(ofNode: zone.node) == 0 {
      let pcp = guest.core.perCPUList(zone, cpu: 0)
      #expect(pcp.high == max(Int(zone.watermark(.low)) / 2, 4 * pcp.batch))
    }
  }

  @Test func theSquareRootIsTheIntegerOne() {
    for n in Array(UInt64(0)..<2000) + [1 << 40, (1 << 40) - 1, 999_999_999_999, (1 << 52) + 1] {
      let root = Watermarks.integerSquareRoot(n)
      #expect(root * root <= n && (root + 1) * (root + 1) > n)
    }
  }

  // MARK: the right to allocate

  /// One Normal zone of 64 pageblocks with so many free pages in blocks of order 10 and one remainder of small blocks.
  private func guest(free: UInt64, marks: Watermarks) throws -> Guest {
    let guest = try Guest.allTaken(32768, marks: marks)
    var pfn: UInt64 = 0
    var left = free
    while left > 0 {
      let order = min(63 - left.leadingZeroBitCount, 10)
      guest.put(pfn, order: order)
      pfn += 1024
      left -= 1 << UInt64(order)
    }
    #expect(guest.core.zone(0).freePages == free)
    return guest
  }

  @Test func aRequestMayGoDownToItsOwnMark() throws {
    let marks = Watermarks(min: 1000, low: 1250, high: 1500)
    let order = 4
    let rights: [(GFP, UInt64)] = [
      (.kernel, 1000), ([.high], 500), (.atomicContext, 375), ([.atomic], 1000), (.userMovable, 1000),
      ([.high, .atomic, .noMemAlloc], 500), (.freePageAlloc, 1000), ([.high, .noMemAlloc], 500),
    ]
    for (gfp, least) in rights {
      let enough = try guest(free: least + 16, marks: marks)
      var cpu = enough.cpu()
      #expect(cpu.allocate(order: order, gfp) != nil, "\(gfp)")
      let short = try guest(free: least + 15, marks: marks)
      cpu = short.cpu()
      #expect(cpu.allocate(order: order, gfp) == nil, "\(gfp)")
    }
  }

  @Test func reservedHighAtomicPagesCountForAtomicRequestsOnly() throws {
    let marks = Watermarks(min: 100, low: 125, high: 150)
    for (gfp, allowed) in [(GFP.kernel, false), (.atomicContext, true), ([.high, .atomic, .noMemAlloc], false)] {
      let guest = try Guest.allTaken(8192, marks: marks)
      guest.core.setPageblockMigratetype(0, .highAtomic)
      guest.put(0, order: 9)
      guest.core.zone(0).pointer.pointee.nr_reserved_highatomic = 512
      var cpu = guest.cpu()
      #expect((cpu.allocate(order: 4, gfp) == 0) == allowed)
      // Rather than fail, order 0 takes from the reserve, too, if it can't reclaim (Linux 6.1.192).
      #expect((cpu.allocate(order: 0, gfp) == 16) == allowed)
    }
  }

  /// reserve_highatomic_pageblock() of 6.1: a hundredth of the zone and one pageblock, of types that merge.
  @Test func anAtomicBlockMakesItsPageblockPartOfTheReserve() throws {
    let guest = try Guest.allTaken(65536, marks: Watermarks(min: 8000, low: 16000, high: 17000))
    for number in 0..<12 { guest.put(UInt64(number) * 1024, order: 10) }
    var cpu = guest.cpu()
    let zone = guest.core.zone(0)
    // Below the low mark: the slow path's rights.
    let first = cpu.allocate(order: 2, .atomicContext)
    let pfn = try #require(first)
    #expect(zone.reservedHighAtomic == 512 && guest.core.pageblockMigratetype(pfn) == .highAtomic)
    // The next comes out of it, and reserves nothing more; neither does an order 0.
    let next = cpu.allocate(order: 2, .atomicContext)
    let second = try #require(next)
    #expect(guest.core.pageblockMigratetype(second) == .highAtomic && zone.reservedHighAtomic == 512)
    // With that one used up others join, until a hundredth of the zone and a pageblock are reserved: 655 + 512.
    for _ in 0..<600 { _ = cpu.allocate(order: 2, .atomicContext) }
    #expect(zone.reservedHighAtomic == 1536)
  }

  @Test func whoMayNotUseTheReserveAddsNothingToIt() throws {
    for gfp in [GFP.kernel, [.high], [.atomic], [.high, .atomic, .noMemAlloc]] {
      let guest = try Guest.allTaken(65536, marks: Watermarks(min: 4000, low: 16000, high: 17000))
      for number in 0..<12 { guest.put(UInt64(number) * 1024, order: 10) }
      var cpu = guest.cpu()
      #expect(cpu.allocate(order: 2, gfp) != nil)
      #expect(guest.core.zone(0).reservedHighAtomic == 0, "\(gfp)")
    }
  }

  @Test func atomicRequestsUseTheReserveOnlyBelowTheLowMark() throws {
    let guest = try Guest.allTaken(8192, marks: Watermarks(min: 1000, low: 1250, high: 1500))
    guest.core.setPageblockMigratetype(0, .highAtomic)
    guest.put(0, order: 9)
    guest.put(4096, order: 10)
    var cpu = guest.cpu()
    // 1536 are free, above the low mark: the first walk grants nothing special.
    #expect(cpu.allocate(order: 8, .atomicContext)! >= 4096)
    #expect(cpu.allocate(order: 8, .atomicContext)! < 512)
  }

  @Test func theFirstWalkGrantsNobodyARight() throws {
    // Normal lies between its low mark and what an atomic request may go down to; DMA32 is above its low mark.
    let marks = Watermarks(min: 1000, low: 1250, high: 1500)
    let guest = try Guest.fresh(.bare([0..<8192, 8192..<16384], marks: marks, types: [.dma32, .normal]))
    while guest.core.zone(1).freePages > 1100 { _ = guest.take(1, order: 4) }
    var cpu = guest.cpu()
    #expect(cpu.allocate(order: 4, .atomicContext)! < 8192)
    while guest.core.zone(0).freePages > 1100 { _ = guest.take(0, order: 4) }
    // Both are below low: now the rights count, highest zone first.
    #expect(cpu.allocate(order: 4, .atomicContext)! >= 8192)
  }

  @Test func aBoostRaisesTheMarksButNotForAnAtomicPage() throws {
    let marks = Watermarks(min: 1000, low: 1250, high: 1500)
    let guest = try guest(free: 1600, marks: marks)
    guest.core.zone(0).pointer.pointee.watermark_boost = 4000
    var cpu = guest.cpu()
    #expect(cpu.allocate(order: 4, .kernel) == nil)
    #expect(cpu.allocate(order: 0, .kernel) == nil)
    #expect(cpu.allocate(order: 0, [.high, .kswapd]) == nil)
    #expect(cpu.allocate(order: 0, .atomicContext) != nil)
    guest.core.zone(0).pointer.pointee.watermark_boost = 0
    #expect(cpu.allocate(order: 4, .kernel) != nil)
  }

  @Test func aBlockMayBeTakenOnlyWhileTheZoneStaysAboveItsMinMark() throws {
    let guest = try guest(free: 2048, marks: Watermarks(min: 1000, low: 1250, high: 1500))
    let zone = guest.core.zone(0)
    var cpu = guest.cpu()
    #expect(cpu.withZoneLocked(zone) { $0.mayTake(order: 10) })
    _ = guest.take(order: 4)
    zone.pointer.pointee.watermark_boost = 500
    #expect(cpu.withZoneLocked(zone) { $0.mayTake(order: 9) })
    #expect(cpu.withZoneLocked(zone) { $0.mayTake(order: 10) })
    zone.pointer.pointee.nr_reserved_highatomic = 8
    #expect(!cpu.withZoneLocked(zone) { $0.mayTake(order: 10) })
  }

  /// Whatever is asked, a granted request found its zone above the mark and the reserve that are its own, and where it
  /// took its block straight from the zone, left it there.
  @Test(arguments: Seeds.list) func noRequestCrossesItsMark(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed, stream: 201)
    let guest = try Guest.fresh(.small(gib: 3.5, nodes: 1, cpus: 1))
    var cpu = guest.cpu()
    var held: [Block] = []
    var granted = 0
    for _ in 0..<40_000 {
      let order = random.chance(0.5) ? 10 : random.below(10)
      let gfp: GFP = [.userMovable, .kernel, .atomicContext, [.high], .freePageAlloc][random.below(5)]
      if random.chance(0.8) {
        let free = guest.core.zones.map { Int64($0.freePages) }
        let boosts = guest.core.zones.map { Int64($0.pointer.pointee.watermark_boost) }
        guard let pfn = cpu.allocate(order: order, gfp) else {
          if random.chance(0.01) { break }
          continue
        }
        granted += 1
        held.append(Block(pfn: pfn, order: order))
        let zone = guest.core.zones.first { $0.startPFN <= pfn && pfn < $0.endPFN }!
        let index = zone.index
        var least = Int64(zone.watermark(.min)) + (order == 0 && gfp.contains(.atomic) ? 0 : boosts[index])
        if gfp.contains(.high) { least -= least / 2 }
        if gfp.contains(.atomic) { least -= least / 4 }
        least += zone.lowmemReserve(gfp.highestZone)
        let pages = Int64(1) << Int64(order)
        #expect(free[index] - (pages - 1) > least, "seed \(seed): order \(order) \(gfp)")
        if !PerCPUList.serves(order: order, hugeOrder: 9) {
          #expect(Int64(zone.freePages) == free[index] - pages)
          #expect(Int64(zone.freePages) >= least)
        }
      } else if !held.isEmpty, random.chance(0.2) {
        let block = held.remove(at: random.below(held.count))
        cpu.free(pfn: block.pfn, order: block.order)
      }
    }
    #expect(granted > 200)
    let faults = guest.validate(held: held)
    #expect(faults.isEmpty, "seed \(seed)")
  }
}
