import CHost
import Testing

@testable import GuestMemory

@Suite struct ValidateTests {
  @Test(arguments: 0...9) func everyGranuleIsClean(granule: Int) throws {
    let guest = try Guest(.small(gib: 4.5, granuleOrder: granule))
    #expect(guest.validate().isEmpty)
    guest.fillFresh()
    #expect(guest.validate().isEmpty)
    let aged = try Guest(.small(gib: 4.5, granuleOrder: granule))
    try aged.age(Aging(), seed: 5)
    #expect(aged.validate().isEmpty)
  }

  @Test(arguments: 1...16) func anyNumberOfNodesIsClean(nodes: Int) throws {
    let guest = try Guest.fresh(.small(gib: 8, nodes: nodes, cpus: 16))
    #expect(guest.validate().isEmpty)
    #expect(guest.core.freePages == guest.geometry.managedPages)
    #expect(Set(guest.core.zones.map(\.node)) == Set(0..<nodes))
    let aged = try Guest(.small(gib: 4, nodes: nodes, cpus: 16))
    try aged.age(Aging(freeFraction: 0.3), seed: 1)
    #expect(aged.validate().isEmpty)
  }

  /// One way to break a guest, and what must be found.
  struct Fault: CustomTestStringConvertible, Sendable {
    var name: String
    var kind: GuestFault.Kind
    var inject: @Sendable (Guest) throws -> Void
    var testDescription: String { name }
  }

  /// A block of the order on a movable list of Normal, and the zone.
  private static func block(_ guest: Guest, order: Int, skipping: Int = 0) throws -> (page: Page, zone: Zone) {
    let zone = guest.core.zone(guest.zoneIndex(.normal))
    return (try #require(zone.freeList(order: order, .movable).dropFirst(skipping).first { _ in true }), zone)
  }

  /// Takes a block off its list with all that belongs to it.
  private static func withdraw(_ guest: Guest, _ page: Page, _ zone: Zone) -> Block {
    let block = Block(pfn: guest.core.pfn(page), order: page.order)
    guest.core.removeFromFreeList(page, zone, order: block.order)
    guest.core.addFreePages(zone, -Int(block.pages))
    return block
  }

  /// Puts a block on a list with all that belongs to it, but merges nothing.
  private static func deposit(_ guest: Guest, _ pfn: UInt64, _ zone: Zone, order: Int) {
    let page = guest.core.page(pfn)
    page.pointer.pointee.flags = Page.zoneBits(zone.index)
    guest.core.addToFreeList(page, zone, order: order, .movable, toTail: false)
    guest.core.addFreePages(zone, 1 << order)
  }

  static let faults: [Fault] = [
    Fault(name: "nr_free too high", kind: .wrongCounter) { guest in
      guest.core.zone(2).freeCounter(order: 10).pointee += 1
    },
    Fault(name: "nr_free of an empty order", kind: .wrongCounter) { guest in
      guest.core.zone(1).freeCounter(order: 0).pointee += 1
    },
    Fault(name: "NR_FREE_PAGES too low", kind: .wrongCounter) { guest in
      guest.core.addFreePages(guest.core.zone(0), -1)
    },
    Fault(name: "per-CPU count", kind: .wrongCounter) { guest in
      guest.core.perCPUList(guest.core.zone(2), cpu: 1).pointer.pointee.count += 1
    },
    Fault(name: "next is nil", kind: .brokenLink) { guest in
      try block(guest, order: 10, skipping: 3).page.pointer.pointee.lru.next = nil
    },
    Fault(name: "next leads out of the zone", kind: .brokenLink) { guest in
      let page = try block(guest, order: 10, skipping: 3).page
      page.pointer.pointee.lru.next = guest.core.page(0).link
    },
    Fault(name: "next leads between two pages", kind: .brokenLink) { guest in
      let (page, _) = try block(guest, order: 10, skipping: 3)
      let next = UnsafeMutableRawPointer(page.pointer.pointee.lru.next!).advanced(by: 16)
      page.pointer.pointee.lru.next = next.assumingMemoryBound(to: ListHead.self)
    },
    Fault(name: "next leads back: a list without end", kind: .brokenLink) { guest in
      let (page, zone) = try block(guest, order: 10, skipping: 3)
      page.pointer.pointee.lru.next = zone.freeList(order: 10, .movable).first!.link
    },
    Fault(name: "prev leads elsewhere", kind: .brokenLink) { guest in
      let (page, zone) = try block(guest, order: 10, skipping: 3)
      page.pointer.pointee.lru.prev = zone.freeList(order: 10, .movable).first!.link
    },
    Fault(name: "the tail pointer isn't the last entry", kind: .brokenLink) { guest in
      let (page, zone) = try block(guest, order: 10, skipping: 3)
      zone.freeList(order: 10, .movable).head.pointee.prev = page.link
    },
    Fault(name: "a removed page is still linked", kind: .brokenLink) { guest in
      let page = try block(guest, order: 10, skipping: 3).page
      page.pointer.pointee.lru.next = UnsafeMutablePointer(bitPattern: Page.listPoison1)
      page.pointer.pointee.lru.prev = UnsafeMutablePointer(bitPattern: Page.listPoison2)
    },
    Fault(name: "not Buddy", kind: .notBuddy) { guest in
      try block(guest, order: 10).page.pointer.pointee.page_type = Page.typeNone
    },
    Fault(name: "wrong order", kind: .wrongOrder) { guest in
      try block(guest, order: 10).page.pointer.pointee.private_ = 9
    },
    Fault(name: "wrong zone", kind: .wrongZone) { guest in
      try block(guest, order: 10).page.pointer.pointee.flags = Page.zoneBits(0)
    },
    Fault(name: "misaligned", kind: .misaligned) { guest in
      let (page, zone) = try block(guest, order: 10)
      let block = withdraw(guest, page, zone)
      deposit(guest, block.pfn + 512, zone, order: 10)
    },
    Fault(name: "overlapping blocks", kind: .overlap) { guest in
      let (page, zone) = try block(guest, order: 10)
      deposit(guest, guest.core.pfn(page) + 16, zone, order: 4)
    },
    Fault(name: "held and free", kind: .overlap) { guest in
      let zone = guest.core.zone(guest.zoneIndex(.normal))
      let block = guest.take(zone.index, order: 4)!
      // On a per-CPU list while a free block covers it.
      let pcp = guest.core.perCPUList(zone, cpu: 0)
      pcp.list(0).addHead(guest.core.page(block.pfn))
      pcp.pointer.pointee.count += 1
      deposit(guest, block.pfn, zone, order: 4)
      FreeList.remove(guest.core.page(block.pfn))
      zone.freeList(order: 4, .movable).addHead(guest.core.page(block.pfn))
      pcp.list(0).initialize()
      let inner = guest.core.page(block.pfn + 4)
      inner.pointer.pointee.flags = Page.zoneBits(zone.index)
      inner.pointer.pointee.page_type = Page.typeNone
      pcp.list(0).addHead(inner)
    },
    Fault(name: "unmerged buddies", kind: .unmergedBuddies) { guest in
      let (page, zone) = try block(guest, order: 10)
      let block = withdraw(guest, page, zone)
      deposit(guest, block.pfn, zone, order: 9)
      deposit(guest, block.pfn + 512, zone, order: 9)
    },
    Fault(name: "unmerged pages", kind: .unmergedBuddies) { guest in
      let zone = guest.core.zone(guest.zoneIndex(.normal))
      let block = guest.take(zone.index, order: 1)!
      deposit(guest, block.pfn, zone, order: 0)
      deposit(guest, block.pfn + 1, zone, order: 0)
    },
    Fault(name: "lost block", kind: .lostPage) { guest in
      let (page, zone) = try block(guest, order: 10)
      _ = withdraw(guest, page, zone)
    },
    Fault(name: "lost page", kind: .lostPage) { guest in
      _ = guest.take(guest.zoneIndex(.dma), order: 0)
    },
    Fault(name: "on two lists", kind: .onTwoLists) { guest in
      let (page, zone) = try block(guest, order: 10)
      let other = zone.freeList(order: 10, .reclaimable)
      other.head.pointee.next = page.link
      other.head.pointee.prev = page.link
    },
    Fault(name: "Buddy on a per-CPU list", kind: .notBuddy) { guest in
      let zone = guest.core.zone(guest.zoneIndex(.normal))
      var cpu = guest.cpu()
      _ = cpu.allocate(order: 0, .userMovable)
      let page = guest.core.perCPUList(zone, cpu: 0).list(PerCPUList.index(order: 0, .movable)).first!
      page.pointer.pointee.page_type = Page.typeBuddy
    },
    Fault(name: "beyond the zone's end", kind: .outsideZone) { guest in
      let zone = guest.core.zone(2)
      deposit(guest, zone.endPFN - 1, zone, order: 1)
    },
    Fault(name: "was never free", kind: .outsideZone) { guest in
      let zone = guest.core.zone(0)
      deposit(guest, 0, zone, order: 7)
    },
  ]

  @Test(arguments: faults) func eachFaultIsFound(fault: Fault) throws {
    let guest = try Guest.fresh(.small(gib: 3.25, cpus: 2))
    #expect(guest.validate().isEmpty)
    try fault.inject(guest)
    let found = guest.validate()
    #expect(found.contains { $0.kind == fault.kind }, "found \(found)")
    #expect(found.allSatisfy { !$0.zone.isEmpty && !$0.detail.isEmpty })
  }

  @Test func everyKindOfFaultIsInjected() {
    // Which a guest with 6.1's rules can't have: aBlockOnAnotherTypesListIsAFaultSince6_10().
    #expect(Set(Self.faults.map(\.kind)) == Set(GuestFault.Kind.allCases).subtracting([.impureList]))
  }

  @Test func aFaultIsToldOfItsZoneAlone() throws {
    let guest = try Guest.fresh(.small(gib: 8, nodes: 2))
    let index = guest.zoneIndex(.normal, node: 1)
    guest.core.zone(index).freeCounter(order: 3).pointee = 7
    let found = guest.validate()
    #expect(found.count == 1)
    #expect(found.first?.zone == "node 1 Normal")
    #expect(found.first?.description == "node 1 Normal: wrongCounter: nr_free of order 3 is 7, the lists hold 0")
  }

  @Test func halvesOfUnmergeableTypesMayStayApart() throws {
    let guest = try Guest.allTaken(2048)
    guest.core.setPageblockMigratetype(0, .highAtomic)
    guest.put(0, order: 9)
    guest.put(512, order: 9)
    let kinds = Set(guest.validate().map(\.kind))
    #expect(!kinds.contains(.unmergedBuddies))
    guest.core.setPageblockMigratetype(0, .movable)
    #expect(guest.validate().contains { $0.kind == .unmergedBuddies })
  }

  @Test func heldBlocksAreAccountedFor() throws {
    let guest = try Guest.fresh(.bare([0..<4096]))
    let block = try #require(guest.take(order: 5))
    #expect(guest.validate(held: [block]).isEmpty)
    #expect(guest.validate().map(\.kind) == [.lostPage])
    #expect(guest.validate(held: [block, block]).map(\.kind) == [.overlap])
    #expect(guest.validate(held: [Block(pfn: block.pfn, order: 6)]).contains { $0.kind == .overlap })
  }
}
