import Testing

@testable import GuestMemory

@Suite struct PagePreparationTests {
  @Test(arguments: [0, 3, 4, 9, 10]) func aFreeCleansEveryPageOfTheBlock(order: Int) throws {
    let guest = try Guest.fresh(.bare([0..<8192]))
    var cpu = guest.cpu()
    let pfn = try cpu.mustAllocate(order: order, .userMovable)
    for n in 0..<(UInt64(1) << UInt64(order)) {
      guest.core.page(pfn + n).pointer.pointee.flags |= Page.flagsCheckedAtPrep
    }
    cpu.free(pfn: pfn, order: order)
    for n in 0..<(UInt64(1) << UInt64(order)) {
      let page = guest.core.page(pfn + n)
      #expect(page.pointer.pointee.flags & Page.flagsCheckedAtPrep == 0)
      #expect(page.zoneIndex == 0)
    }
    #expect(guest.core.zone(0).pointer.pointee.bad_pages == 0)
  }

  @Test func theBitsAboveTheCheckedOnesStay() throws {
    let guest = try Guest.fresh(.bare([0..<8192]))
    var cpu = guest.cpu()
    let pfn = try cpu.mustAllocate(order: 4, .kernel)
    guest.core.page(pfn + 3).pointer.pointee.flags = 1 << 40 | 0xff
    cpu.free(pfn: pfn, order: 4)
    #expect(guest.core.page(pfn + 3).pointer.pointee.flags & (1 << 56 - 1) == 1 << 40)
  }

  @Test func aTailInUseMakesABadPageThatIsCountedAndLeaked() throws {
    let spoilers: [(String, (Page) -> Void, (Page) -> Void)] = [
      ("reference", { $0.pointer.pointee.refcount = 1 }, { $0.pointer.pointee.refcount = 0 }),
      ("mapping", { $0.pointer.pointee.mapping = .init(bitPattern: 8) }, { $0.pointer.pointee.mapping = nil }),
      ("memcg", { $0.pointer.pointee.memcg = 1 }, { $0.pointer.pointee.memcg = 0 }),
    ]
    for (name, spoil, mend) in spoilers {
      for order in [3, 9, 10] {
        let guest = try Guest.fresh(.bare([0..<8192]))
        let zone = guest.core.zone(0)
        var cpu = guest.cpu()
        let pfn = try cpu.mustAllocate(order: order, .kernel)
        cpu.drainPerCPULists()
        let free = zone.freePages
        let last = guest.core.page(pfn + (1 << UInt64(order)) - 1)
        spoil(last)
        cpu.free(pfn: pfn, order: order)
        cpu.drainPerCPULists()
        #expect(zone.pointer.pointee.bad_pages == 1, "\(name)")
        #expect(zone.freePages == free)
        #expect(guest.validate(held: [Block(pfn: pfn, order: order)]).isEmpty)
        #expect(guest.validate().contains { $0.kind == .lostPage })
        mend(last)
      }
    }
  }

  @Test(arguments: [0, 3, 9, 10]) func aBlockThatLooksInUseIsNotHandedOut(order: Int) throws {
    let guest = try Guest.fresh(.bare([0..<8192]))
    let zone = guest.core.zone(0)
    var cpu = guest.cpu()
    // The first block that would be handed out, by a guest that is the same.
    let twin = try Guest.fresh(.bare([0..<8192]))
    var twinCPU = twin.cpu()
    let first = try twinCPU.mustAllocate(order: order, .kernel)
    guest.core.page(first + (1 << UInt64(order)) - 1).pointer.pointee.memcg = 1
    let pfn = try cpu.mustAllocate(order: order, .kernel)
    #expect(pfn != first)
    #expect(zone.pointer.pointee.bad_pages == 1)
    guest.core.page(first + (1 << UInt64(order)) - 1).pointer.pointee.memcg = 0
    #expect(guest.validate(held: [Block(pfn: pfn, order: order)]).contains { $0.kind == .lostPage })
    let held = [Block(pfn: pfn, order: order), Block(pfn: first, order: order)]
    #expect(guest.validate(held: held).isEmpty)
  }

  @Test func aBlockWithFurtherReferencesIsNotFreed() throws {
    let guest = try Guest.fresh(.bare([0..<8192]))
    var cpu = guest.cpu()
    let pfn = try cpu.mustAllocate(order: 4, .kernel)
    guest.core.page(pfn).pointer.pointee.refcount = 2
    cpu.free(pfn: pfn, order: 4)
    #expect(guest.core.zone(0).pointer.pointee.bad_pages == 1)
    #expect(guest.validate(held: [Block(pfn: pfn, order: 4)]).isEmpty)
    cpu.free(pfn: pfn, order: 4)
    #expect(guest.validate().isEmpty)
    // Freed twice.
    cpu.free(pfn: pfn, order: 4)
    #expect(guest.core.zone(0).pointer.pointee.bad_pages == 2)
    #expect(guest.validate().isEmpty)
  }

  @Test func anAllocationWritesTheHeadOnly() throws {
    // Not among the flags that a page that is handed out must not have.
    let flags: UInt64 = 0xbeef << 24
    for order in [4, 8, 10] {
      let guest = try Guest.allTaken(4096)
      guest.put(1024, order: order)
      let tails = (1..<(UInt64(1) << UInt64(order))).map { guest.core.page(1024 + $0) }
      for page in tails { page.pointer.pointee.flags = flags }
      for page in tails { page.pointer.pointee.index = 0x1234 }
      var cpu = guest.cpu()
      #expect(cpu.allocate(order: order, .userMovable) == 1024)
      let head = guest.core.page(1024).pointer.pointee
      #expect(head.refcount == 1 && head.private_ == 0 && head.page_type == Page.typeNone)
      #expect(head.flags & Page.flagLRU != 0)
      #expect(guest.core.page(1024).isUnlinked)
      for page in tails {
        #expect(page.pointer.pointee.flags == flags && page.pointer.pointee.index == 0x1234)
        #expect(page.pointer.pointee.refcount == 0)
      }
    }
  }

  @Test func onlyMovableAllocationsStandForPagesOnTheLRU() throws {
    let guest = try Guest.fresh(.bare([0..<8192]))
    var cpu = guest.cpu()
    for gfp in [GFP.kernel, .userMovable, [.reclaimable], .kernel] {
      let pfn = try cpu.mustAllocate(order: 0, gfp)
      #expect((guest.core.page(pfn).pointer.pointee.flags & Page.flagLRU != 0) == gfp.contains(.movable))
      cpu.free(pfn: pfn, order: 0)
    }
  }
}
