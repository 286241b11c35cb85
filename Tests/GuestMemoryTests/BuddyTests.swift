import Testing

@testable import GuestMemory

@Suite struct BuddyTests {
  @Test func expandKeepsTheLowHalfAndPutsUpperHalvesAtHeads() throws {
    let guest = try Guest.allTaken(2048)
    for order in 0...9 { guest.put(1024 + (1 << UInt64(order)), order: order) }
    let before = (0...9).map { guest.pfns(order: $0, .movable) }
    #expect(before.allSatisfy { $0.count == 1 })
    let zone = guest.core.zone(0)
    guest.core.expand(guest.core.page(0), zone, low: 2, high: 10, .movable, 0, NoHooks())
    for order in 0...9 {
      let expected = order >= 2 ? [1 << UInt64(order)] + before[order] : before[order]
      #expect(guest.pfns(order: order, .movable) == expected)
    }
  }

  @Test func allocationTakesTheHeadOfTheSmallestOrder() throws {
    let guest = try Guest.allTaken(4096)
    guest.put(0, order: 3)
    guest.put(16, order: 3)
    guest.put(1024, order: 5)
    #expect(guest.take(order: 3) == Block(pfn: 16, order: 3))
    #expect(guest.take(order: 2) == Block(pfn: 0, order: 2))
    #expect(guest.pfns(order: 2, .movable) == [4])
    #expect(guest.take(order: 3) == Block(pfn: 1024, order: 3))
    #expect(guest.pfns(order: 3, .movable) == [1032])
    #expect(guest.pfns(order: 4, .movable) == [1040])
  }

  @Test func aBlockLikelyToMergeGoesToTheTailAnyOtherToTheHead() throws {
    let guest = try Guest.allTaken(1024)
    guest.put(8, order: 0)
    guest.put(2, order: 1)
    // The pair of 0 and 1 would meet the free block 2.
    guest.put(0, order: 0)
    #expect(guest.pfns(order: 0, .movable) == [8, 0])
    guest.put(12, order: 0)
    #expect(guest.pfns(order: 0, .movable) == [12, 8, 0])
    // The buddy that isn't free may be the lower one.
    guest.put(18, order: 1)
    guest.put(17, order: 0)
    #expect(guest.pfns(order: 0, .movable) == [12, 8, 0, 17])
  }

  @Test func theGuessLooksOneOrderUpAtTheMergedBlock() throws {
    let guest = try Guest.allTaken(1024)
    guest.put(64, order: 1)
    guest.put(4, order: 2)
    guest.put(0, order: 0)
    // 0 and 1 make order 1, whose pair would meet the free block 4 of order 2.
    guest.put(1, order: 0)
    #expect(guest.pfns(order: 1, .movable) == [64, 0])
  }

  @Test func ordersNextToTheHighestAlwaysGoToTheHead() throws {
    let guest = try Guest.allTaken(8192)
    // Order 8 still guesses.
    guest.put(4096, order: 8)
    guest.put(512, order: 9)
    guest.put(0, order: 8)
    #expect(guest.pfns(order: 8, .movable) == [4096, 0])
    // Order 9 doesn't, though the pair's neighbour of order 10 is free.
    guest.put(7168, order: 10)
    #expect(guest.pfns(order: 9, .movable) == [512])
    guest.put(6144, order: 9)
    #expect(guest.pfns(order: 9, .movable) == [6144, 512])
    guest.put(2048, order: 10)
    #expect(guest.pfns(order: 10, .movable) == [2048, 7168])
  }

  @Test func freesToTheTailGoThereWhateverTheGuess() throws {
    let guest = try Guest.allTaken(8192)
    for pfn in [UInt64(0), 2048, 1024] { guest.put(pfn, order: 10, placement: .tail) }
    #expect(guest.pfns(order: 10, .movable) == [0, 2048, 1024])
    guest.put(4096, order: 0, placement: .tail)
    guest.put(4104, order: 0, placement: .tail)
    #expect(guest.pfns(order: 0, .movable) == [4096, 4104])
  }

  @Test func belowPageblockOrderAllTypesMerge() throws {
    for type in Migratetype.allCases {
      let guest = try Guest.allTaken(1024)
      guest.core.setPageblockMigratetype(0, type)
      for pfn in UInt64(0)..<512 { guest.put(pfn, order: 0) }
      #expect(guest.pfns(order: 9, type) == [0])
      #expect(guest.core.zone(0).freePages == (type == .isolate ? 0 : 512))
    }
  }

  @Test func atPageblockOrderTwoTypesMergeOnlyWhereBothMayOrBothAreAlike() throws {
    for low in Migratetype.allCases {
      for high in Migratetype.allCases {
        for lowFirst in [true, false] {
          let guest = try Guest.allTaken(1024)
          guest.core.setPageblockMigratetype(0, low)
          guest.core.setPageblockMigratetype(512, high)
          for pfn in lowFirst ? [UInt64(0), 512] : [512, 0] { guest.put(pfn, order: 9) }
          let merges = low == high || (low.rawValue < 3 && high.rawValue < 3)
          if merges {
            // The list is that of whichever was freed last.
            #expect(guest.pfns(order: 10, lowFirst ? high : low) == [0])
            #expect(guest.core.zone(0).blocksFree(order: 9) == 0)
          } else {
            #expect(guest.pfns(order: 9, low) == [0])
            #expect(guest.pfns(order: 9, high) == [512])
            #expect(guest.core.zone(0).blocksFree(order: 9) == 2)
          }
        }
      }
    }
  }

  @Test func isolatedPagesAreNotFreePages() throws {
    let guest = try Guest.allTaken(2048)
    guest.core.setPageblockMigratetype(0, .isolate)
    guest.put(0, order: 5)
    #expect(guest.core.zone(0).freePages == 0)
    #expect(guest.core.zone(0).blocksFree(order: 5) == 1)
    guest.put(1024, order: 5)
    #expect(guest.core.zone(0).freePages == 32)
    for type in [Migratetype.unmovable, .movable, .reclaimable] {
      while let block = guest.take(order: 0, type) { #expect(block.pfn >= 1024) }
    }
    #expect(guest.pfns(order: 5, .isolate) == [0])
  }

  @Test func takingAnIsolatedBlockLeavesTheFreePagesAlone() throws {
    let guest = try Guest.allTaken(2048)
    guest.core.setPageblockMigratetype(0, .isolate)
    guest.core.setPageblockMigratetype(512, .isolate)
    guest.put(0, order: 10)
    guest.put(1024, order: 10)
    var cpu = guest.cpu()
    for pfn in [UInt64(0), 1024] {
      cpu.withZoneLocked(guest.core.zone(0)) { $0.take($0.core.page(pfn)) }
      #expect(guest.core.zone(0).freePages == (pfn == 0 ? 1024 : 0))
    }
    for pfn in [UInt64(0), 1024] { cpu.free(pfn: pfn, order: 10) }
    #expect(guest.core.zone(0).freePages == 1024)
    #expect(guest.pfns(order: 10, .isolate) == [0])
  }

  @Test func buddiesOfTwoZonesNeverMerge() throws {
    for (border, order) in [(UInt64(1536), 9), (1544, 3), (1537, 0)] {
      let guest = try Guest.fresh(.bare([0..<border, border..<4096]))
      for zone in 0...1 { while guest.take(zone, order: 0) != nil {} }
      let low = border - (1 << UInt64(order))
      #expect(low ^ (1 << UInt64(order)) == border)
      guest.put(low, order: order)
      guest.put(border, order: order)
      #expect(guest.pfns(0, order: order, .movable) == [low])
      #expect(guest.pfns(1, order: order, .movable) == [border])
    }
  }

  @Test func ordersTheGuestDoesNotHaveAreNeverGivenOut() throws {
    for granule in [0, 3, 9] {
      let guest = try Guest.fresh(.bare([0..<8192], granuleOrder: granule))
      var cpu = guest.cpu()
      for order in 0...12 {
        let pfn = cpu.allocate(order: order, .kernel)
        #expect((pfn != nil) == (granule...10).contains(order), "order \(order) at granule \(granule)")
        if let pfn { cpu.free(pfn: pfn, order: order) }
      }
      cpu.drainPerCPULists()
      #expect(guest.validate().isEmpty)
    }
    var geometry = GuestGeometry.bare([0..<8192], highestOrder: 5)
    geometry.vmemmapPage = .small
    let guest = try Guest.fresh(geometry)
    var cpu = guest.cpu()
    #expect(cpu.allocate(order: 6, .kernel) == nil)
    #expect(cpu.allocate(order: 5, .kernel) != nil)
  }
}
