import Testing

@testable import GuestMemory

@Suite struct FreshStateTests {
  @Test(arguments: [0.03125, 0.25, 2, 3, 3.5, 8, 12.25], [1, 3]) func allManagedMemoryIsFree(gib: Double, nodes: Int)
    throws
  {
    let guest = try Guest.fresh(.small(gib: gib, nodes: nodes))
    for (zone, extent) in zip(guest.core.zones, guest.geometry.zones) {
      #expect(zone.freePages == zone.managedPages)
      #expect(extent.managedPages == extent.spannedPages - extent.reservedAtStart - extent.reservedAtEnd)
    }
    let runs = PageRuns(guest.freeBlocks())
    let expected = guest.geometry.zones.map { ($0.startPFN + $0.reservedAtStart)..<($0.endPFN - $0.reservedAtEnd) }
    var merged: [Range<UInt64>] = []
    for run in expected {
      if let last = merged.last, last.upperBound == run.lowerBound {
        merged[merged.count - 1] = last.lowerBound..<run.upperBound
      } else {
        merged.append(run)
      }
    }
    #expect(runs.runs == merged)
    #expect(guest.validate().isEmpty)
  }

  @Test func everyListAscendsAndEveryPageblockIsMovable() throws {
    let guest = try Guest.fresh(.small(gib: 12, nodes: 2))
    for list in Picture(guest).lists {
      #expect(list.type == Migratetype.movable.rawValue)
      #expect(list.pfns == list.pfns.sorted())
    }
    for zone in guest.core.zones {
      #expect(guest.core.pageblocks(of: zone).allSatisfy { $0 == UInt8(Migratetype.movable.rawValue) })
    }
    #expect(guest.freeBlocks().allSatisfy { $0.order == 10 || $0.pfn >> 10 != 1 << 30 })
    let adjacency = try #require(guest.snapshot?.adjacency(fromOrder: 10))
    #expect(adjacency == 1)
  }

  @Test func zonesEndWhereTheyDoOnX86() {
    let geometry = GuestGeometry.standard(bytes: 8 << 30, nodes: 2)
    #expect(geometry.zones.map(\.type) == [.dma, .dma32, .normal, .normal])
    #expect(geometry.zones.map(\.node) == [0, 0, 0, 1])
    let gib: UInt64 = 1 << 18
    let starts: [UInt64] = [0, 4096, 4 * gib, 5 * gib]
    let ends: [UInt64] = [4096, 3 * gib, 5 * gib, 9 * gib]
    #expect(geometry.zones.map(\.startPFN) == starts)
    #expect(geometry.zones.map(\.endPFN) == ends)
    #expect(geometry.zones[0].managedPages == 3840)
    #expect(geometry.zones.reduce(0) { $0 + $1.spannedPages } == 8 << 18)
  }

  @Test func zoneMovableTakesTheTopOfEachNode() {
    let geometry = GuestGeometry.standard(bytes: 16 << 30, nodes: 2, movableShare: 0.25)
    for node in 0...1 {
      let zones = geometry.zones.filter { $0.node == node }
      let normal = zones.first { $0.type == .normal }!
      let movable = zones.first { $0.type == .movable }!
      #expect(normal.endPFN == movable.startPFN)
      #expect(movable.spannedPages == (normal.spannedPages + movable.spannedPages) / 4)
      #expect(movable.managedPages == movable.spannedPages)
    }
  }

  @Test func geometriesThatMakeNoSenseAreRefused() throws {
    let good = GuestGeometry.bare([0..<4096])
    var bad: [GuestGeometry] = []
    func add(_ change: (inout GuestGeometry) -> Void) {
      var geometry = good
      change(&geometry)
      bad.append(geometry)
    }
    add { $0.zones = [] }
    add { $0.nodeCount = 0 }
    add { $0.nodeCount = 65 }
    add { $0.cpuCount = 0 }
    add { $0.cpuCount = 4097 }
    add { $0.highestOrder = 11 }
    add { $0.granuleOrder = 10 }
    add { $0.granuleOrder = -1 }
    add {
      $0.highestOrder = 3
      $0.granuleOrder = 4
    }
    add { $0.zones[0].spannedPages = 0 }
    add {
      $0.granuleOrder = 4
      $0.zones[0].startPFN = 8
    }
    add { $0.zones.append($0.zones[0]) }
    add { $0.zones = Array(repeating: $0.zones[0], count: 256) }
    for (index, geometry) in bad.enumerated() {
      do {
        _ = try Guest(geometry)
        Issue.record("geometry \(index) was taken")
      } catch GuestError.badGeometry(let why) {
        #expect(!why.isEmpty)
      }
    }
  }

  @Test func moreAddressSpaceThanThereIsIsRefused() {
    let huge = GuestGeometry.bare([0..<(1 << 44)])
    #expect {
      try Guest(huge)
    } throws: { error in
      guard case GuestError.cannotReserve(let bytes) = error else { return false }
      return bytes == 1 << 50
    }
  }

  @Test func cpusAreSharedOutInRuns() {
    for (cpus, nodes) in [(4, 1), (8, 2), (7, 3), (2, 4), (64, 16)] {
      let geometry = GuestGeometry.small(gib: 16, nodes: nodes, cpus: cpus)
      let owners = (0..<cpus).map(geometry.node(ofCPU:))
      #expect(owners == owners.sorted() && owners.allSatisfy { (0..<nodes).contains($0) })
      #expect((0..<nodes).reduce(0) { $0 + geometry.cpus(ofNode: $1) } == cpus)
    }
  }
}
