import Testing

@testable import GuestMemory

/// The fallback of 6.1: which block of another migratetype is taken, and what becomes of its pageblock.
@Suite struct StealTests {
  /// 16 pageblocks with nothing free, of the given types, movable beyond.
  private func guest(_ types: Migratetype..., high: UInt64 = 100_000) throws -> Guest {
    let guest = try Guest.allTaken(8192, marks: Watermarks(min: 0, low: 0, high: high))
    for (index, type) in types.enumerated() { guest.core.setPageblockMigratetype(UInt64(index) * 512, type) }
    return guest
  }

  private func type(_ guest: Guest, _ pageblock: UInt64) -> Migratetype {
    guest.core.pageblockMigratetype(pageblock * 512)
  }

  private func boost(_ guest: Guest) -> UInt64 { guest.core.zone(0).pointer.pointee.watermark_boost }

  /// Marks `count` pages of a pageblock, from its end, as movable allocations.
  private func markMovable(_ guest: Guest, _ pageblock: UInt64, _ count: Int) {
    for n in 0..<UInt64(count) {
      guest.core.page(pageblock * 512 + 511 - n).pointer.pointee.flags |= Page.flagLRU
    }
  }

  @Test func thereIsAFallbackRowForEachMergeableType() {
    #expect(Migratetype.unmovable.fallbacks == (.reclaimable, .movable))
    #expect(Migratetype.movable.fallbacks == (.reclaimable, .unmovable))
    #expect(Migratetype.reclaimable.fallbacks == (.unmovable, .movable))
  }

  @Test func theLargestBlockIsStolenFirst() throws {
    let guest = try guest(.movable, .movable, .movable)
    guest.put(0, order: 3)
    guest.put(512, order: 6)
    guest.put(1024, order: 5)
    #expect(guest.take(order: 0, .unmovable) == Block(pfn: 512, order: 0))
  }

  @Test func atOneOrderTheRowDecidesAndTheOrderComesBeforeTheRow() throws {
    let one = try guest(.movable, .reclaimable)
    one.put(0, order: 6)
    one.put(512, order: 6)
    #expect(one.take(order: 0, .unmovable) == Block(pfn: 512, order: 0))
    let two = try guest(.movable, .reclaimable)
    two.put(0, order: 7)
    two.put(512, order: 6)
    #expect(two.take(order: 0, .unmovable) == Block(pfn: 0, order: 0))
    let three = try guest(.unmovable, .reclaimable)
    three.put(0, order: 6)
    three.put(512, order: 6)
    #expect(three.take(order: 0, .movable) == Block(pfn: 512, order: 0))
    let four = try guest(.unmovable, .movable)
    four.put(0, order: 6)
    four.put(512, order: 6)
    #expect(four.take(order: 0, .reclaimable) == Block(pfn: 0, order: 0))
  }

  @Test func movableSearchesUpwardForTheSmallestWhereItMayNotTakeThePageblock() throws {
    let guest = try guest(.unmovable, .unmovable)
    guest.put(0, order: 3)
    guest.put(512, order: 1)
    guest.put(520, order: 2)
    #expect(guest.take(order: 0, .movable) == Block(pfn: 512, order: 0))
    // A single move: the pageblock and what else is free in it stay.
    #expect(guest.pfns(order: 2, .unmovable) == [520])
    #expect(guest.pfns(order: 0, .movable) == [513])
    #expect(type(guest, 1) == .unmovable)
    #expect(boost(guest) == 512)
  }

  @Test func movableOfTheOrderItselfIsTakenSingly() throws {
    let guest = try guest(.unmovable)
    guest.put(0, order: 3)
    guest.put(64, order: 0)
    #expect(guest.take(order: 3, .movable) == Block(pfn: 0, order: 3))
    #expect(guest.pfns(order: 0, .unmovable) == [64])
  }

  @Test func fromOrderFourOnMovableTakesTheWholePageblocksFreePages() throws {
    let guest = try guest(.unmovable)
    guest.put(0, order: 4)
    guest.put(64, order: 0)
    guest.put(128, order: 2)
    #expect(guest.take(order: 0, .movable) == Block(pfn: 64, order: 0))
    #expect(guest.pfns(order: 4, .movable) == [0])
    #expect(guest.pfns(order: 2, .movable) == [128])
    #expect(guest.pfns(order: 4, .unmovable).isEmpty && guest.pfns(order: 2, .unmovable).isEmpty)
    // 21 free and none alike: not claimed.
    #expect(type(guest, 0) == .unmovable)
  }

  @Test func unmovableAndReclaimableTakeTheWholePageblockAtAnyOrder() throws {
    for request in [Migratetype.unmovable, .reclaimable] {
      let guest = try guest(.movable)
      guest.put(0, order: 1)
      guest.put(64, order: 0)
      #expect(guest.take(order: 1, request) == Block(pfn: 0, order: 1))
      #expect(guest.pfns(order: 0, request) == [64])
      #expect(guest.pfns(order: 0, .movable).isEmpty)
    }
  }

  @Test func movedBlocksGoToTheTail() throws {
    let guest = try guest(.unmovable, .movable)
    guest.put(0, order: 0)
    guest.put(512, order: 3)
    guest.put(1000, order: 0)
    // Order 3 is asked for; the free page of the same pageblock follows to the list's end.
    #expect(guest.take(order: 3, .unmovable) == Block(pfn: 512, order: 3))
    #expect(guest.pfns(order: 0, .unmovable) == [0, 1000])
  }

  @Test func aPageblockIsClaimedFromHalfItsPagesFreeOrAlike() throws {
    // Unmovable out of movable: alike is what is neither free nor movable.
    for (movable, claimed) in [(256, true), (257, false)] {
      let guest = try guest(.movable)
      guest.put(0, order: 4)
      markMovable(guest, 0, movable)
      #expect(guest.take(order: 0, .unmovable) == Block(pfn: 0, order: 0))
      #expect(type(guest, 0) == (claimed ? .unmovable : .movable))
      // Claimed or not, the blocks stand on the new type's lists.
      #expect(guest.pfns(order: 3, .unmovable) == [8])
    }
    // Movable out of unmovable: alike is what is movable.
    for (movable, claimed) in [(240, true), (239, false)] {
      let guest = try guest(.unmovable)
      guest.put(0, order: 4)
      markMovable(guest, 0, movable)
      #expect(guest.take(order: 0, .movable) == Block(pfn: 0, order: 0))
      #expect(type(guest, 0) == (claimed ? .movable : .unmovable))
    }
    // Reclaimable out of unmovable: only what is free counts.
    for (orders, claimed) in [([8], true), ([7, 6, 5, 4, 3, 2, 1, 0], false)] {
      let guest = try guest(.unmovable)
      for order in orders { guest.put(1 << UInt64(order), order: order) }
      #expect(guest.take(order: orders[0], .reclaimable) == Block(pfn: 1 << UInt64(orders[0]), order: orders[0]))
      #expect(type(guest, 0) == (claimed ? .reclaimable : .unmovable))
    }
  }

  @Test func wholePageblocksAreRetaggedWithoutABoost() throws {
    for order in [9, 10] {
      for request in [Migratetype.unmovable, .reclaimable] {
        let guest = try guest(.movable)
        guest.put(1024, order: order)
        #expect(guest.take(order: 0, request) == Block(pfn: 1024, order: 0))
        #expect(type(guest, 2) == request)
        #expect(type(guest, 3) == (order == 10 ? request : .movable))
        #expect(type(guest, 1) == .movable && type(guest, 4) == .movable)
        #expect(boost(guest) == 0)
      }
    }
  }

  @Test func aBlockOfTheReserveIsTakenSinglyAndLeavesThePageblock() throws {
    for order in [5, 9] {
      let guest = try guest(.highAtomic)
      // On a movable list, as blocks freed before the reserve was made may stand.
      guest.put(0, order: order, as: .movable)
      #expect(guest.take(order: 0, .unmovable) == Block(pfn: 0, order: 0))
      #expect(type(guest, 0) == .highAtomic)
      #expect(boost(guest) == 0)
    }
  }

  @Test func reserveAndIsolatedListsAreNeverStolenFrom() throws {
    let guest = try guest(.highAtomic, .isolate)
    guest.put(0, order: 9)
    guest.put(512, order: 9)
    for request in [Migratetype.unmovable, .movable, .reclaimable, .isolate] {
      if request != .isolate { #expect(guest.take(order: 0, request) == nil) }
    }
    #expect(guest.take(order: 0, .highAtomic) == Block(pfn: 0, order: 0))
  }

  @Test func avoidingFragmentationStealsWholePageblocksOnly() throws {
    for request in [Migratetype.unmovable, .reclaimable] {
      let guest = try guest(.movable, .movable, .movable)
      guest.put(0, order: 8)
      #expect(guest.take(order: 0, request, avoidFragmentation: true) == nil)
      #expect(guest.pfns(order: 8, .movable) == [0])
      guest.put(1024, order: 9)
      #expect(guest.take(order: 0, request, avoidFragmentation: true) == Block(pfn: 1024, order: 0))
      #expect(guest.take(order: 8, request, avoidFragmentation: true) == Block(pfn: 1280, order: 8))
      #expect(guest.pfns(order: 8, .movable) == [0])
      #expect(guest.take(order: 8, request, avoidFragmentation: false) == Block(pfn: 0, order: 8))
    }
  }

  @Test func theFirstWalkAvoidsFragmentationWhateverTheRequest() throws {
    // One node, Normal preferred, DMA32 below it: requests steal whole pageblocks of Normal, then use DMA32's own
    // pages, and fragment only when the walk ends empty.
    let guest = try Guest.fresh(
      .bare([0..<4096, 4096..<8192], types: [.dma32, .normal]))
    for zone in 0...1 { while guest.take(zone, order: 0) != nil {} }
    guest.core.setPageblockMigratetype(0, .unmovable)
    for gfp in [GFP.kernel, [], .freePageAlloc] {
      guest.put(0, order: 6)
      guest.put(4096, order: 6)
      var cpu = guest.cpu()
      #expect(cpu.allocate(order: 6, gfp) == 0)
      #expect(cpu.allocate(order: 6, gfp) == 4096)
      guest.core.setPageblockMigratetype(4096, .movable)
      guest.core.zone(1).pointer.pointee.watermark_boost = 0
    }
  }

  @Test func boostsAddUpToOneAndAHalfTimesTheHighMark() throws {
    let guest = try guest(.unmovable, .unmovable, .unmovable, high: 600)
    for (pageblock, expected) in [UInt64(512), 900, 900].enumerated() {
      guest.put(UInt64(pageblock) * 512, order: 0)
      #expect(guest.take(order: 0, .movable) != nil)
      #expect(boost(guest) == expected)
    }
    let low = try self.guest(.unmovable, .unmovable, high: 10)
    for pageblock in UInt64(0)...1 {
      low.put(pageblock * 512, order: 0)
      #expect(low.take(order: 0, .movable) != nil)
      #expect(boost(low) == 512)
    }
    let small = try Guest.allTaken(2047, marks: Watermarks(min: 0, low: 0, high: 600))
    small.core.setPageblockMigratetype(0, .unmovable)
    small.put(0, order: 0)
    #expect(small.take(order: 0, .movable) != nil)
    #expect(boost(small) == 0)
  }

  @Test func aPageblockBeyondTheZonesEndIsTakenSingly() throws {
    let guest = try Guest.allTaken(2048 + 256)
    guest.core.setPageblockMigratetype(2048, .movable)
    guest.put(2048, order: 6)
    guest.put(2176, order: 3)
    #expect(guest.take(order: 6, .unmovable) == Block(pfn: 2048, order: 6))
    #expect(guest.pfns(order: 3, .movable) == [2176])
  }

  @Test func aPageblockBeforeTheZonesStartIsWalkedFromTheBlock() throws {
    let guest = try Guest.fresh(.bare([256..<4096]))
    while guest.take(order: 0) != nil {}
    guest.put(288, order: 0)
    guest.put(320, order: 6)
    guest.put(400, order: 3)
    #expect(guest.take(order: 6, .unmovable) == Block(pfn: 320, order: 6))
    #expect(guest.pfns(order: 0, .movable) == [288])
    #expect(guest.pfns(order: 3, .unmovable) == [400])
  }
}
