import Testing

@testable import GuestMemory

@Suite struct AgedStateTests {
  private func aged(
    gib: Double = 4.5, nodes: Int = 1, granule: Int = 0, _ aging: Aging = Aging(), seed: UInt64 = 1
  ) throws -> Guest {
    let guest = try Guest(.small(gib: gib, nodes: nodes, granuleOrder: granule))
    try guest.age(aging, seed: seed)
    return guest
  }

  @Test(arguments: [0.05, 0.2, 0.5, 0.8, 0.95], [0, 4, 9])
  func eachZonesFreeShareIsWithinAPageblockOfWhatWasAsked(fraction: Double, granule: Int) throws {
    let guest = try aged(granule: granule, Aging(freeFraction: fraction))
    for zone in guest.core.zones {
      let target = Double(zone.managedPages) * fraction
      #expect(abs(Double(zone.freePages) - target) <= 512, "\(zone.type.name): \(zone.freePages) for \(target)")
    }
    #expect(guest.validate().isEmpty)
    let census = guest.census()
    #expect(census.freePages == guest.core.freePages)
    #expect(abs(census.freeFraction - fraction) < 0.01)
  }

  @Test(arguments: Seeds.list) func aSeedDecidesEverything(seed: UInt64) throws {
    let one = Picture(try aged(gib: 3.25, seed: seed))
    #expect(one == Picture(try aged(gib: 3.25, seed: seed)))
    #expect(one != Picture(try aged(gib: 3.25, seed: seed &+ 1)))
  }

  @Test func anyFractionThatCanBeReachedIsTakenOthersAreNot() throws {
    let guest = try Guest(.small(gib: 0.25))
    for fraction in [0.0, 0.049, 0.951, 1, -1, .nan, .infinity] {
      #expect(throws: GuestError.self) { try guest.age(Aging(freeFraction: fraction), seed: 1) }
    }
    #expect(guest.core.freePages == 0)
  }

  @Test(arguments: [0.1, 0.5, 0.9]) func theUnusableIndexGrowsWithTheOrder(fraction: Double) throws {
    let census = try aged(nodes: 2, Aging(freeFraction: fraction)).census()
    let index = try #require(census.unusableIndexByOrder)
    #expect(index[0] == 0)
    #expect(zip(index, index.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(index.allSatisfy { (0...1).contains($0) })
    // Some of it is fragmented, not all.
    #expect(index[10] > 0 && index[10] < 1)
    let blocks = census.blocksByOrder
    #expect(blocks.enumerated().reduce(0) { $0 + $1.element << UInt64($1.offset) } == census.freePages)
  }

  @Test func fewNextPointersLeadToANeighbour() throws {
    let guest = try aged()
    let churned = try #require(guest.snapshot?.adjacency(fromOrder: 0))
    #expect(churned > 0 && churned < 0.5)
    guest.reorderLists(.ascending, seed: 0)
    #expect(try #require(guest.snapshot?.adjacency(fromOrder: 0)) >= churned)
  }

  @Test func itHasBlocksOfManyOrdersAndTypesAndNoBoost() throws {
    let guest = try aged()
    #expect(guest.census().blocksByOrder.allSatisfy { $0 > 0 })
    #expect(Set(Picture(guest).lists.map(\.type)) == [0, 1, 2])
    #expect(guest.core.zones.allSatisfy { $0.pointer.pointee.watermark_boost == 0 })
    #expect(guest.freeBlocks().allSatisfy(guest.isUntouched))
  }

  @Test func coarserChurnLeavesLargerBlocks() throws {
    let fine = try aged(Aging(freeFraction: 0.5, pagewiseOneIn: 4)).census()
    let coarse = try aged(Aging(freeFraction: 0.5, pagewiseOneIn: 256)).census()
    #expect(try #require(fine.unusableIndexByOrder)[9] > (try #require(coarse.unusableIndexByOrder)[9]))
  }
}
