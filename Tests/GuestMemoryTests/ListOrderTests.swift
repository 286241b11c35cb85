import Testing

@testable import GuestMemory

@Suite struct ListOrderTests {
  private func blocksByList(_ guest: Guest) -> [[UInt64]] { Picture(guest).lists.map { $0.pfns.sorted() } }

  @Test(arguments: ListOrder.allCases, Seeds.list)
  func theBlocksOfEachListStayTheSame(order: ListOrder, seed: UInt64) throws {
    let guest = try Guest(.small(gib: 3.25))
    try guest.age(Aging(), seed: 2)
    let before = blocksByList(guest)
    let picture = Picture(guest)
    guest.reorderLists(order, seed: seed)
    #expect(blocksByList(guest) == before)
    #expect(guest.validate().isEmpty)
    #expect(guest.freeBlocks().allSatisfy(guest.isUntouched))
    #expect(Picture(guest).zones == picture.zones)
    switch order {
    case .ascending: #expect(Picture(guest).lists.map(\.pfns) == before)
    case .churned, .shuffled: #expect(Picture(guest).lists.map(\.pfns) != before)
    }
  }

  @Test(arguments: [ListOrder.shuffled, .churned]) func aSeedDecidesTheOrder(order: ListOrder) throws {
    let guest = try Guest.fresh(.small(gib: 3.5))
    func reordered(_ seed: UInt64) -> Picture {
      guest.reorderLists(.ascending, seed: 0)
      guest.reorderLists(order, seed: seed)
      return Picture(guest)
    }
    let one = reordered(1)
    #expect(reordered(2) != one)
    #expect(reordered(1) == one)
  }

  @Test func adjacencyFallsFromAscendingToShuffled() throws {
    let guest = try Guest.fresh(.small(gib: 8))
    var adjacency: [ListOrder: Double] = [:]
    for order in ListOrder.allCases {
      guest.reorderLists(.ascending, seed: 0)
      guest.reorderLists(order, seed: 4)
      adjacency[order] = try #require(guest.snapshot?.adjacency(fromOrder: 10))
    }
    #expect(adjacency[.ascending] == 1)
    #expect(adjacency[.churned]! < 1 && adjacency[.churned]! >= adjacency[.shuffled]!)
    #expect(adjacency[.shuffled]! < 0.05)
  }

  @Test func listsOfOneEntryHaveNoAdjacency() throws {
    let guest = try Guest.fresh(.bare([0..<1024]))
    #expect(guest.snapshot?.adjacency(fromOrder: 0) == nil)
    for order in ListOrder.allCases { guest.reorderLists(order, seed: 1) }
    #expect(guest.validate().isEmpty)
  }
}
