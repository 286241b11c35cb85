import Delivery
import GuestMemory
import Testing

/// The walks that results are held against.
@Suite struct PlainWalkTests {
  @Test func theWalksInCAndSwiftFindTheSame() throws {
    var geometry = GuestGeometry.standard(bytes: 128 << 20)
    geometry.vmemmapPage = .small
    let guest = try Guest(geometry)
    try guest.age(Aging(freeFraction: 0.6), seed: 5)
    for order in [10, 9, 0] {
      let blocks = guest.freeBlockCount(fromOrder: order)
      let arena = try HintArena(bytes: 2 * (blocks * 8 + 4096))
      let inC = arena.buffer(bytes: blocks * 8)
      let inSwift = arena.buffer(bytes: blocks * 8)
      #expect(guest.referenceWalk(fromOrder: order, into: inC).blocks == blocks)
      #expect(guest.plainWalk(fromOrder: order, into: inSwift).blocks == blocks)
      #expect((0..<blocks).allSatisfy { inC[$0] == inSwift[$0] }, "order \(order)")
      #expect(Set((0..<blocks).map { inC[$0] }).count == blocks)
    }
  }
}
