import Testing

@testable import GuestMemory

@Suite struct RestoreTests {
  /// Everything a repetition may do to a guest.
  private func disturb(_ guest: Guest, _ random: inout SeededGenerator) -> [Block] {
    var cpus = (0..<guest.core.cpuCount).map { guest.cpu($0) }
    var held: [Block] = []
    for _ in 0..<1500 {
      let cpu = random.below(cpus.count)
      switch random.below(12) {
      case 0...6:
        let order = max(random.below(11), guest.core.granuleOrder)
        let gfp: GFP = [.userMovable, .kernel, [.reclaimable], .atomicContext][random.below(4)]
        if let pfn = cpus[cpu].allocate(order: order, gfp) { held.append(Block(pfn: pfn, order: order)) }
      case 7...9:
        if held.isEmpty { break }
        let block = held.remove(at: random.below(held.count))
        cpus[cpu].free(pfn: block.pfn, order: block.order)
      case 10:
        let zone = guest.core.zone(random.below(guest.core.zoneCount))
        zone.pointer.pointee.watermark_boost += 100
        zone.pointer.pointee.nr_reserved_highatomic += 1
        guest.core.setPageblockMigratetype(
          zone.startPFN + UInt64(random.below(Int(zone.spannedPages))), Migratetype(rawValue: random.below(3)))
      default:
        if random.chance(0.1) { cpus[cpu].drainPerCPULists() }
      }
    }
    return held
  }

  @Test(arguments: Seeds.list, [0, 3, 9]) func itBringsBackEverythingInItsOrder(seed: UInt64, granule: Int) throws {
    var random = SeededGenerator(seed: seed, stream: 401)
    let guest = try Guest(.small(gib: 3.25, nodes: 1, cpus: 2, granuleOrder: granule))
    try guest.age(Aging(freeFraction: 0.6, pagewiseOneIn: 64), seed: seed)
    guest.reorderLists(.shuffled, seed: seed)
    let start = Picture(guest)
    for _ in 0..<2 {
      let held = disturb(guest, &random)
      #expect(Picture(guest) != start)
      #expect(guest.validate(held: held).isEmpty, "seed \(seed)")
      guest.restore()
      #expect(Picture(guest) == start, "seed \(seed)")
      #expect(guest.validate().isEmpty, "seed \(seed)")
      #expect(guest.freeBlocks().allSatisfy(guest.isUntouched), "seed \(seed)")
    }
  }

  /// What somebody held when the guest was restored leaves no trace in the blocks it lies in.
  @Test(arguments: Seeds.list) func blocksHeldAcrossItDoNotSpoilTheNextRepetition(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed, stream: 402)
    let guest = try Guest.fresh(.small(gib: 0.5, cpus: 2))
    let start = Picture(guest)
    for _ in 0..<3 {
      _ = disturb(guest, &random)
      guest.restore()
      for pfn in guest.freeBlocks().flatMap({ $0.pfn..<$0.end }) {
        let page = guest.core.page(pfn).pointer.pointee
        if page.refcount != 0 || page.flags & Page.flagLRU != 0 { Issue.record("seed \(seed): pfn \(pfn) is marked") }
      }
      var cpu = guest.cpu()
      var blocks: [UInt64] = []
      while let pfn = cpu.allocate(order: 10, .freePageAlloc) { blocks.append(pfn) }
      for pfn in blocks { cpu.free(pfn: pfn, order: 10) }
      cpu.drainPerCPULists()
      #expect(guest.core.zones.allSatisfy { $0.pointer.pointee.bad_pages == 0 }, "seed \(seed)")
      #expect(Picture(guest).blocks == start.blocks, "seed \(seed)")
    }
  }

  @Test func pagesFreedTwiceAreForgottenToo() throws {
    let guest = try Guest.fresh(.bare([0..<4096]))
    var cpu = guest.cpu()
    let pfn = try cpu.mustAllocate(order: 4, .kernel)
    cpu.free(pfn: pfn, order: 4)
    cpu.free(pfn: pfn, order: 4)
    guest.restore()
    let block = try cpu.mustAllocate(order: 10, .kernel)
    cpu.free(pfn: block, order: 10)
    #expect(guest.core.zone(0).pointer.pointee.bad_pages == 0)
    #expect(guest.validate().isEmpty)
  }

  @Test func aBlockThatLeftAndCameBackIsTouchedTheOthersAreNot() throws {
    let guest = try Guest(.small(gib: 3.5))
    guest.fillFresh()
    let blocks = guest.freeBlocks()
    #expect(blocks.allSatisfy(guest.isUntouched))
    var cpu = guest.cpu()
    let pfn = try cpu.mustAllocate(order: 10, .userMovable)
    let block = Block(pfn: pfn, order: 10)
    #expect(!guest.isUntouched(block) && !guest.isFree(block))
    cpu.free(pfn: pfn, order: 10)
    #expect(!guest.isUntouched(block) && guest.isFree(block))
    for other in blocks where other != block { #expect(guest.isUntouched(other) && guest.isFree(other)) }
    // Split and merged again.
    let page = try cpu.mustAllocate(order: 4, .userMovable)
    cpu.free(pfn: page, order: 4)
    for other in blocks {
      #expect(guest.isFree(other))
      #expect(guest.isUntouched(other) == !(other == block || (other.pfn <= page && page < other.end)))
    }
    guest.restore()
    #expect(blocks.allSatisfy(guest.isUntouched))
    // An order or an address that isn't that block's.
    #expect(!guest.isUntouched(Block(pfn: pfn, order: 9)) && !guest.isUntouched(Block(pfn: pfn + 1, order: 0)))
  }

  @Test func aMoveBetweenListsIsNoTouch() throws {
    let guest = try Guest.fresh(.bare([0..<8192]))
    let block = Block(pfn: 2048, order: 10)
    let page = guest.core.page(2048)
    guest.core.zone(0).freeList(order: 10, .unmovable).moveToTail(page)
    #expect(guest.isUntouched(block))
  }

  @Test func aNewSnapshotIsWhatIsRestored() throws {
    let guest = try Guest.fresh(.bare([0..<8192]))
    let block = try #require(guest.take(order: 10))
    guest.takeSnapshot()
    let picture = Picture(guest)
    guest.put(block.pfn, order: 10)
    guest.restore()
    #expect(Picture(guest) == picture)
    #expect(guest.validate().isEmpty)
  }

  @Test func theSnapshotTellsBlocksByOrderAndZone() throws {
    let guest = try Guest(.small(gib: 3.5))
    try guest.age(Aging(), seed: 3)
    let snapshot = try #require(guest.snapshot)
    for order in 0...10 {
      let blocks = guest.freeBlocks(fromOrder: order).sorted()
      #expect(snapshot.blocks(fromOrder: order).sorted() == blocks)
      #expect(snapshot.pages(fromOrder: order) == blocks.reduce(0) { $0 + $1.pages })
      var count = 0
      for zone in guest.core.zones {
        let inZone = blocks.filter { zone.startPFN <= $0.pfn && $0.pfn < zone.endPFN }
        #expect(snapshot.blocks(zone: zone.index, fromOrder: order).sorted() == inZone)
        #expect(snapshot.blockCount(zone: zone.index, fromOrder: order) == inZone.count)
        count += inZone.count
      }
      #expect(count == blocks.count)
    }
  }
}
