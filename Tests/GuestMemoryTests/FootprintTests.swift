import Glibc
import Testing

@testable import GuestMemory

@Suite struct FootprintTests {
  /// Bytes of the memory map that the host has given memory to.
  private func residentBytes(_ guest: Guest) -> UInt64 {
    let base = UnsafeMutableRawPointer(guest.core.vmemmap)
    let bytes = Int(guest.geometry.endPFN >> UInt64(guest.core.granuleOrder)) * 64
    let pages = (bytes + 4095) / 4096
    var resident = [UInt8](repeating: 0, count: pages)
    guard mincore(base, bytes, &resident) == 0 else {
      Issue.record("mincore: errno \(errno)")
      return 0
    }
    return UInt64(resident.count { $0 & 1 != 0 }) * 4096
  }

  private func check(
    _ guest: Guest, _ state: GuestFootprint.State, wholeBlocks: Bool = false, _ what: String
  ) {
    let estimate = GuestFootprint.estimate(guest.geometry, state, wholeBlocks: wholeBlocks)
    let resident = residentBytes(guest)
    #expect(resident > 0)
    #expect(resident <= estimate.vmemmapBytes, "\(what)")
    #expect(estimate.bytes == estimate.vmemmapBytes + estimate.bookkeepingBytes)
  }

  @Test(arguments: [0, 2, 6, 9], [1, 3]) func noFreshGuestTouchesMore(granule: Int, nodes: Int) throws {
    for gib in [0.25, 3.5, 12] {
      let guest = try Guest.fresh(.small(gib: gib, nodes: nodes, granuleOrder: granule))
      check(guest, .fresh, "\(gib) GiB")
    }
  }

  @Test(arguments: [0, 6]) func aFilledMapHasAllItsMemory(granule: Int) throws {
    var geometry = GuestGeometry.small(gib: 1, granuleOrder: granule)
    geometry.vmemmapPage = .filled
    let guest = try Guest.fresh(geometry)
    #expect(residentBytes(guest) >= (guest.geometry.endPFN >> UInt64(granule)) * 64)
    check(guest, .fresh, "filled")
  }

  @Test(arguments: [0, 4, 9]) func noAgedGuestTouchesMore(granule: Int) throws {
    for aging in [Aging(), Aging(freeFraction: 0.9, pagewiseOneIn: 2), Aging(freeFraction: 0.1, pagewiseOneIn: 100)] {
      let guest = try Guest(.small(gib: 4, granuleOrder: granule))
      try guest.age(aging, seed: 1)
      check(guest, .aged(aging), "\(aging)")
    }
  }

  @Test(arguments: 0...10) func noCapturedGuestTouchesMore(order: Int) throws {
    // All of one order: blocks and their buddies in turn, or whole zones.
    var blocks = [UInt64](repeating: 0, count: 11)
    blocks[order] = min(60_000, (4 << 20) >> UInt64(order))
    let capture = Capture(zones: [CapturedZone(nodeID: 0, kind: .normal, freeBlocks: blocks)], orders: 11)
    var geometry = try GuestGeometry.captured(capture, cpus: 1, granuleOrder: 0)
    geometry.vmemmapPage = .small
    let guest = try Guest(geometry)
    try guest.fill(from: capture)
    check(guest, .captured(blocksByOrder: blocks), "order \(order)")
  }

  @Test func aLoadThatReturnsBlocksTouchesAllOfEachAndNoMore() throws {
    let guest = try Guest.fresh(.small(gib: 3.5))
    var cpu = guest.cpu()
    let before = residentBytes(guest)
    var blocks: [UInt64] = []
    while let pfn = cpu.allocate(order: 10, .userMovable) { blocks.append(pfn) }
    // Taking looks at every page.
    #expect(residentBytes(guest) >= before + UInt64(blocks.count) * 61440)
    for pfn in blocks { cpu.free(pfn: pfn, order: 10) }
    #expect(residentBytes(guest) >= UInt64(blocks.count) * 65536)
    check(guest, .fresh, wholeBlocks: true, "returned")
  }

  @Test func hugePagesCostTheWholeMap() {
    for gib in [1.0, 4, 64, 4096] {
      var geometry = GuestGeometry.small(gib: gib)
      geometry.vmemmapPage = .huge
      let estimate = GuestFootprint.estimate(geometry, .fresh, wholeBlocks: false)
      let pages = geometry.zones.reduce(0) { $0 + $1.spannedPages }
      #expect(estimate.vmemmapBytes >= pages * 64)
      #expect(estimate.vmemmapBytes <= pages * 64 + UInt64(geometry.zones.count) * (4 << 20))
    }
  }

  @Test func itGrowsWithTheGuestAndShrinksWithTheGranule() {
    var last: UInt64 = 0
    for gib in [1.0, 16, 256, 4096, 65536] {
      let bytes = GuestFootprint.estimate(.small(gib: gib), .fresh, wholeBlocks: false).bytes
      #expect(bytes > last)
      last = bytes
    }
    last = .max
    for granule in 0...9 {
      var geometry = GuestGeometry.small(gib: 4096, granuleOrder: granule)
      geometry.vmemmapPage = .huge
      let bytes = GuestFootprint.estimate(geometry, .fresh, wholeBlocks: true).bytes
      #expect(bytes < last)
      last = bytes
    }
  }

  @Test func aTebibyteOnHugePagesNeedsSixteenGiBOnSmallOnesATenthOfIt() {
    var geometry = GuestGeometry.small(gib: 1024)
    let small = GuestFootprint.estimate(geometry, .fresh, wholeBlocks: false).bytes
    geometry.vmemmapPage = .huge
    let huge = GuestFootprint.estimate(geometry, .fresh, wholeBlocks: false).bytes
    #expect(huge >= 16 << 30 && huge < 17 << 30)
    #expect(small < huge / 10)
    #expect(GuestFootprint.estimate(geometry, .fresh, wholeBlocks: true).bytes >= 16 << 30)
  }

  @Test func manyCPUsCost() {
    let few = GuestFootprint.estimate(.small(gib: 64, nodes: 64, cpus: 64), .fresh, wholeBlocks: false)
    let many = GuestFootprint.estimate(.small(gib: 64, nodes: 64, cpus: 4096), .fresh, wholeBlocks: false)
    #expect(many.bookkeepingBytes >= few.bookkeepingBytes + 64 * 4032 * UInt64(MemoryLayout<PerCPUStride>.size))
  }

  /// As large as struct per_cpu_pages.
  private struct PerCPUStride { var words: (UInt64, UInt64, UInt64, UInt64) }

  // MARK: the choice

  private typealias Candidate = (granuleOrder: Int, page: GuestGeometry.VmemmapPage)

  private func expect(_ choice: VmemmapChoice, _ expected: [(Int, GuestGeometry.VmemmapPage)]) {
    #expect(choice.candidates.map(\.granuleOrder) == expected.map(\.0))
    #expect(choice.candidates.map(\.page) == expected.map(\.1))
  }

  @Test func autoTriesExactFirstThenCoarserAndCoarser() {
    expect(VmemmapChoice(), [(0, .huge), (0, .small)] + (1...9).map { ($0, .huge) })
    #expect(!VmemmapChoice().isExplicit)
  }

  @Test func whatIsGivenIsKept() {
    expect(VmemmapChoice(granuleOrder: 0), [(0, .huge), (0, .small)])
    for granule in 1...9 { expect(VmemmapChoice(granuleOrder: granule), [(granule, .huge)]) }
    expect(VmemmapChoice(page: .small), [(0, .small)])
    expect(VmemmapChoice(page: .huge), (0...9).map { ($0, .huge) })
    for granule in 0...9 {
      for page in [GuestGeometry.VmemmapPage.small, .huge] {
        let choice = VmemmapChoice(granuleOrder: granule, page: page)
        expect(choice, [(granule, page)])
        #expect(choice.isExplicit)
      }
    }
  }
}
