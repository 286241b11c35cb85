import CHost
import Testing

@testable import GuestMemory

@Suite struct StructLayoutTests {
  @Test func aPageIsSixtyFourBytesWithTheKernelsOffsets() {
    #expect(MemoryLayout<StructPage>.size == 64)
    #expect(MemoryLayout<StructPage>.stride == 64)
    #expect(MemoryLayout<StructPage>.offset(of: \.flags) == 0)
    #expect(MemoryLayout<StructPage>.offset(of: \.lru) == 8)
    #expect(MemoryLayout<StructPage>.offset(of: \.mapping) == 24)
    #expect(MemoryLayout<StructPage>.offset(of: \.index) == 32)
    #expect(MemoryLayout<StructPage>.offset(of: \.private_) == 40)
    #expect(MemoryLayout<StructPage>.offset(of: \.page_type) == 48)
    #expect(MemoryLayout<StructPage>.offset(of: \.refcount) == 52)
    #expect(MemoryLayout<StructPage>.offset(of: \.memcg) == 56)
    #expect(MemoryLayout<StructPage>.offset(of: \.lru) == Page.linkOffset)
  }

  @Test func theLockLiesOnTheLineOfTheHighestOrdersCounter() throws {
    let guest = try Guest.fresh(.bare([0..<1024]))
    let zone = guest.core.zone(0)
    let base = UInt(bitPattern: zone.pointer)
    #expect(base % 4096 == 0)
    let counter = UInt(bitPattern: zone.freeCounter(order: 10)) - base
    let lock = UInt(bitPattern: guest.core.lock(of: zone).word) - base
    #expect(counter / 64 == lock / 64)
    #expect(lock == UInt(HB_ZONE_LOCK))
    #expect(counter != lock)
  }

  @Test func freeAreasLieAsInStructZone() throws {
    let guest = try Guest.fresh(.bare([0..<1024]))
    let zone = guest.core.zone(0)
    let base = UInt(bitPattern: zone.pointer)
    #expect(MemoryLayout<FreeArea>.stride == 88)
    for order in 0...10 {
      for type in Migratetype.allCases {
        let head = UInt(bitPattern: zone.freeList(order: order, type).head) - base
        #expect(head == UInt(Int(HB_ZONE_FREE_AREA) + order * 88 + type.rawValue * 16))
      }
      let counter = UInt(bitPattern: zone.freeCounter(order: order)) - base
      #expect(counter == UInt(Int(HB_ZONE_FREE_AREA) + order * 88 + 80))
    }
  }

  @Test func perCPUListsShareNoCacheLine() throws {
    #expect(MemoryLayout<PerCPUPages>.stride % 64 == 0)
    let guest = try Guest.fresh(.bare([0..<1024], cpus: 3))
    let zone = guest.core.zone(0)
    for cpu in 0..<3 {
      let address = UInt(bitPattern: guest.core.perCPUList(zone, cpu: cpu).pointer)
      #expect(address % 64 == 0)
      #expect(address == UInt(bitPattern: zone.pointer.pointee.pcp) + UInt(cpu * MemoryLayout<PerCPUPages>.stride))
    }
    #expect(MemoryLayout<MCSNode>.stride == 64)
  }

  @Test func listIndicesAndOrdersAreEachOthersInverse() {
    var seen = Set<Int>()
    for order in [0, 1, 2, 3, 9] {
      #expect(PerCPUList.serves(order: order, hugeOrder: 9))
      for type in 0..<Migratetype.pcpTypes {
        let index = PerCPUList.index(order: order, Migratetype(rawValue: type))
        #expect(PerCPUList.order(index: index, pageblockOrder: 9) == order)
        seen.insert(index)
      }
    }
    #expect(seen == Set(0..<PerCPUList.listCount))
    #expect([4, 5, 6, 7, 8, 10].allSatisfy { !PerCPUList.serves(order: $0, hugeOrder: 9) })
  }

  @Test(arguments: [0, 3, 9]) func pagesFramesAndAddressesAreEachOthersInverse(granule: Int) throws {
    let guest = try Guest.fresh(.bare([0..<4096], granuleOrder: granule))
    for pfn in stride(from: UInt64(0), to: 4096, by: 1 << granule) {
      let page = guest.core.page(pfn)
      #expect(guest.core.pfn(page) == pfn)
      #expect(guest.core.address(page) == pfn << 12)
      #expect(Page(link: page.link) == page)
    }
  }
}
