import TestSupport
import Testing

@testable import GuestMemory

/// MIGRATE_CMA: __rmqueue(), __zone_watermark_ok() and has_unmovable_pages() of 6.1 and 6.12.
@Suite struct CMATests {
  /// A guest of one zone with so many free blocks by type and order, and its three watermarks at `mark`.
  private func guest(
    _ free: [Migratetype: [Int: UInt64]], _ kernel: KernelVersion, mark: UInt64 = 0
  ) throws -> Guest {
    var rows = [[UInt64]](repeating: Array(repeating: 0, count: 11), count: Migratetype.countWithCMA)
    for (type, blocks) in free { for (order, count) in blocks { rows[type.index][order] = count } }
    let span: UInt64 = 64 << 10
    let zone = CapturedZone(
      nodeID: 0, kind: .normal, freeBlocks: (0...10).map { order in rows.reduce(0) { $0 + $1[order] } },
      freeBlocksByMigratetype: rows,
      details: ZoneDetails(
        startPFN: 0, spanned: span, present: span, managed: span, min: mark, low: mark, high: mark))
    let capture = Capture(zones: [zone], orders: 11, pageblockOrder: 9)
    var geometry = try GuestGeometry.captured(capture, cpus: 1, granuleOrder: 0)
    geometry.vmemmapPage = .small
    geometry.kernel = kernel
    let guest = try Guest(geometry)
    try guest.fill(from: capture)
    #expect(guest.core.hasCMA && guest.validate().isEmpty)
    let cma = free[.cma, default: [:]].reduce(0) { $0 + $1.value << UInt64($1.key) }
    #expect(guest.core.zone(0).freeCMA == cma)
    return guest
  }

  private func isCMA(_ guest: Guest, _ pfn: UInt64) -> Bool { guest.core.pageblockMigratetype(pfn) == .cma }

  /// Whatever is asked for in whatever order: only movable requests get pages of CMA's, none is lost, and what was CMA is
  /// when it comes back.
  @Test(arguments: Seeds.list, KernelVersion.allCases)
  func noUnmovableRequestGetsACMAPage(seed: UInt64, kernel: KernelVersion) throws {
    let guest = try guest(
      [
        .unmovable: [3: 5, 10: 3], .movable: [0: 20, 10: 4], .reclaimable: [5: 4],
        .cma: [0: 9, 4: 6, 9: 2, 10: 6],
      ], kernel)
    let zone = guest.core.zone(0)
    let start = (zone.freePages, zone.freeCMA)
    let kinds: [GFP] = [.userMovable, .userMovable, .kernel, [.kernel, .reclaimable], .atomicContext, .freePageAlloc]
    var cpu = AnyGuestCPU(guest, cpu: 0)
    var random = SeededGenerator(seed: seed, stream: 71)
    var held: [Block] = []
    var fromCMA = 0
    for step in 0..<4000 {
      if random.chance(step % 1000 < 600 ? 0.8 : 0.3) {
        let order = random.chance(0.7) ? random.below(4) : random.below(11)
        let gfp = kinds[random.below(kinds.count)]
        guard let pfn = cpu.allocate(order: order, gfp) else { continue }
        held.append(Block(pfn: pfn, order: order))
        if isCMA(guest, pfn) {
          fromCMA += 1
          #expect(gfp.contains(.movable), "seed \(seed), step \(step), order \(order)")
        }
      } else if !held.isEmpty {
        let block = held.remove(at: random.below(held.count))
        cpu.free(pfn: block.pfn, order: block.order)
      }
      if step % 500 == 499 {
        let faults = guest.validate(held: held)
        #expect(faults.isEmpty, "seed \(seed), step \(step)")
      }
    }
    #expect(fromCMA > 0)
    for block in held { cpu.free(pfn: block.pfn, order: block.order) }
    cpu.drainPerCPULists()
    #expect(guest.validate().isEmpty)
    #expect(zone.freePages == start.0 && zone.freeCMA == start.1)
    guest.restore()
    #expect(zone.freePages == start.0 && zone.freeCMA == start.1 && guest.validate().isEmpty)
  }

  /// __rmqueue(): CMA first while it has more than half of the free pages, else the movable lists while they have some.
  @Test(arguments: KernelVersion.allCases) func movableRequestsKeepTheBalance(kernel: KernelVersion) throws {
    for (cma, movable): (UInt64, UInt64) in [(8, 4), (4, 8), (1, 9), (9, 1), (5, 5)] {
      let guest = try guest([.cma: [10: cma], .movable: [10: movable]], kernel)
      let zone = guest.core.zone(0)
      var cpu = AnyGuestCPU(guest, cpu: 0)
      var taken: [Block] = []
      while true {
        let wants = zone.freeCMA > zone.freePages / 2 || guest.pfns(order: 10, .movable).isEmpty
        guard let pfn = cpu.allocate(order: 10, .userMovable) else { break }
        #expect(isCMA(guest, pfn) == wants, "\(cma), \(movable), block \(taken.count)")
        taken.append(Block(pfn: pfn, order: 10))
      }
      #expect(taken.count == Int(cma + movable) && zone.freeCMA == 0)
      #expect(guest.validate(held: taken).isEmpty)
    }
  }

  /// __rmqueue_cma_fallback() comes before another type's blocks are claimed or stolen.
  @Test(arguments: KernelVersion.allCases) func movableRequestsTakeCMABeforeTheySteal(kernel: KernelVersion) throws {
    let guest = try guest([.cma: [9: 2], .unmovable: [10: 8]], kernel)
    var cpu = AnyGuestCPU(guest, cpu: 0)
    for number in 0..<8 {
      let taken = cpu.allocate(order: 8, .userMovable)
      let pfn = try #require(taken)
      #expect(isCMA(guest, pfn) == (number < 4), "block \(number)")
    }
    #expect(guest.core.zone(0).freeCMA == 0)
  }

  @Test(arguments: KernelVersion.allCases) func othersGetNothingWhereOnlyCMAIsFree(kernel: KernelVersion) throws {
    let guest = try guest([.cma: [3: 4, 10: 4]], kernel)
    var cpu = AnyGuestCPU(guest, cpu: 0)
    for order in [0, 1, 3, 5, 9, 10] {
      for gfp: GFP in [.kernel, .atomicContext, .freePageAlloc, [.kernel, .reclaimable]] {
        let pfn = cpu.allocate(order: order, gfp)
        #expect(pfn == nil)
      }
    }
    #expect(guest.validate().isEmpty)
    // Order by order, so that the last check of a watermark is that of CMA's own lists.
    for order in [0, 1, 3, 5, 8, 10] {
      let pfn = cpu.allocate(order: order, .userMovable)
      #expect(pfn != nil, "order \(order)")
    }
  }

  /// __zone_watermark_unusable_free(): CMA's free pages don't count for who can't have them.
  @Test(arguments: KernelVersion.allCases) func freeCMACountsForMovableRequestsAlone(kernel: KernelVersion) throws {
    for (mark, isAbove): (UInt64, Bool) in [(1023, true), (1024, false)] {
      let guest = try guest([.cma: [10: 4], .unmovable: [10: 1]], kernel, mark: mark)
      var cpu = AnyGuestCPU(guest, cpu: 0)
      let others = cpu.allocate(order: 0, .kernel)
      let movable = cpu.allocate(order: 0, .userMovable)
      #expect((others != nil) == isAbove && movable != nil, "mark \(mark)")
    }
  }

  /// Isolated by page reporting and put back, it is where it was.
  @Test(arguments: KernelVersion.allCases) func whatIsTakenOffCMAsListsGoesBackThere(kernel: KernelVersion) throws {
    let guest = try guest([.cma: [9: 3, 10: 4], .movable: [10: 2]], kernel)
    let before = Picture(guest)
    var cpu = AnyGuestCPU(guest, cpu: 0)
    for order in [9, 10] {
      let count = cpu.takeAndPutBack(guest.core.zone(0), order: order, .cma, most: 8)
      #expect(count == (order == 9 ? 3 : 4))
      #expect(guest.validate().isEmpty)
    }
    #expect(Picture(guest).blocks == before.blocks && Picture(guest).zones == before.zones)
  }

  /// has_unmovable_pages(): only cma_alloc() may isolate its pageblocks.
  @Test(arguments: KernelVersion.allCases) func othersCantIsolateItsPageblocks(kernel: KernelVersion) throws {
    let guest = try guest([.cma: [10: 2], .movable: [10: 2]], kernel)
    let pfn = try #require(guest.pfns(order: 10, .cma).first)
    var cpu = AnyGuestCPU(guest, cpu: 0)
    let isIsolated = cpu.isolate(pageblock: pfn, of: guest.core.zone(0))
    #expect(!isIsolated)
    #expect(guest.validate().isEmpty)
  }

  @Test(arguments: KernelVersion.allCases) func theCheckFindsMisplacedAndMiscountedCMA(kernel: KernelVersion) throws {
    let guest = try guest([.cma: [10: 2], .movable: [10: 2]], kernel)
    let zone = guest.core.zone(0)
    zone.freeCMAField.pointee += 1
    #expect(guest.validate().map(\.kind) == [.wrongCounter])
    zone.freeCMAField.pointee -= 1
    let pfn = try #require(guest.pfns(order: 10, .cma).first)
    guest.core.move(guest.core.page(pfn), zone, order: 10, to: .movable, NoHooks())
    zone.addFreeCMA(-1024)
    #expect(guest.validate().contains { $0.kind == .impureList })
  }

  /// A machine with a pageblock of 4 MiB: 34683 pages, 32 blocks of the highest order, 3 of them CMA's.
  @Test(arguments: KernelVersion.allCases) func aCapturedMachineWithCMAIsTheGuest(kernel: KernelVersion) throws {
    let types = """
      Page block order: 10
      Pages per block:  1024

      Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10
      Node    0, zone   Normal, type    Unmovable      1      2      4      1      1      1      1      0      1      0      0
      Node    0, zone   Normal, type      Movable     55      9      2      3      1      1      0      0      0      0     29
      Node    0, zone   Normal, type  Reclaimable      1      0      0      1      1      0      0      1      1      0      0
      Node    0, zone   Normal, type   HighAtomic      0      0      0      0      0      0      0      0      0      0      0
      Node    0, zone   Normal, type          CMA      0      0      1      1      1      1      0      1      1      1      3
      Node    0, zone   Normal, type      Isolate      0      0      0      0      0      0      0      0      0      0      0

      Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate
      Node 0, zone   Normal            3           55            2            0            4            0
      """
    let capture = try Capture(
      buddyinfo: CaptureText(name: "buddy", "Node 0, zone Normal 57 11 7 6 4 3 1 2 3 1 32\n"),
      pagetypeinfo: CaptureText(name: "types", types + "\n"))
    #expect(capture.hasCMA && capture.freePages == 34683)
    var geometry = try GuestGeometry.captured(capture, cpus: 2, granuleOrder: 0)
    geometry.vmemmapPage = .small
    geometry.kernel = kernel
    #expect(geometry.pageblockOrder == 10 && !geometry.hasHugePages)
    let guest = try Guest(geometry)
    try guest.fill(from: capture)
    let zone = guest.core.zone(0)
    #expect(guest.validate().isEmpty)
    #expect(zone.freePages == 34683 && zone.freeCMA == 4028 && zone.blocksFree(order: 10) == 32)
    #expect(guest.pfns(order: 10, .cma).count == 3 && guest.pfns(order: 10, .movable).count == 29)
    #expect(guest.core.pageblocks(of: zone).count { $0 == UInt8(Migratetype.cma.rawValue) } == 4)
    // alloc-max-order's requests get the others, all that the watermarks let them have.
    var cpu = AnyGuestCPU(guest, cpu: 0)
    var taken = 0
    while let pfn = cpu.allocate(order: 10, .freePageAlloc) {
      #expect(!isCMA(guest, pfn))
      taken += 1
    }
    #expect(taken > 20 && taken <= 29 && guest.pfns(order: 10, .cma).count == 3)
  }
}
