import Testing

@testable import GuestMemory

@Suite struct ZonelistTests {
  private func zonelist(_ guest: Guest, node: Int, thisNodeOnly: Bool) -> [String] {
    var names: [String] = []
    let list = guest.core.zonelist(node: node, thisNodeOnly: thisNodeOnly)
    var position = 0
    while list[position] >= 0 {
      let zone = guest.core.zone(Int(list[position]))
      names.append("\(zone.node) \(zone.type.name)")
      position += 1
    }
    return names
  }

  @Test func aNodesOwnZonesComeFirstHighestFirstThenTheNextNodes() throws {
    let guest = try Guest(.small(gib: 16, nodes: 4, movableShare: 0.5))
    #expect(
      zonelist(guest, node: 0, thisNodeOnly: false) == [
        "0 Movable", "0 Normal", "0 DMA32", "0 DMA", "1 Movable", "1 Normal", "2 Movable", "2 Normal", "3 Movable",
        "3 Normal",
      ])
    #expect(
      zonelist(guest, node: 2, thisNodeOnly: false) == [
        "2 Movable", "2 Normal", "3 Movable", "3 Normal", "0 Movable", "0 Normal", "0 DMA32", "0 DMA", "1 Movable",
        "1 Normal",
      ])
    #expect(zonelist(guest, node: 0, thisNodeOnly: true) == ["0 Movable", "0 Normal", "0 DMA32", "0 DMA"])
    #expect(zonelist(guest, node: 3, thisNodeOnly: true) == ["3 Movable", "3 Normal"])
  }

  private func zone(_ guest: Guest, _ pfn: UInt64) -> Zone {
    guest.core.zones.first { $0.startPFN <= pfn && pfn < $0.endPFN }!
  }

  @Test func aRequestStaysOnItsNodeAndSpillsToTheNextWhenItIsFull() throws {
    let guest = try Guest.fresh(.small(gib: 8, nodes: 4))
    var cpu = guest.cpu(1)
    #expect(cpu.node == 1)
    var nodes: [Int] = []
    while let pfn = cpu.allocate(order: 10, .userMovable) {
      let node = zone(guest, pfn).node
      if nodes.last != node { nodes.append(node) }
    }
    // Once more round to the min marks.
    #expect(Array(nodes.prefix(4)) == [1, 2, 3, 0])
    for zone in guest.core.zones where zone.type != .dma {
      #expect(Int64(zone.freePages) - 1023 <= Int64(zone.watermark(.min)) + zone.lowmemReserve(.movable))
    }
  }

  @Test func thisNodeNeverSpills() throws {
    let guest = try Guest.fresh(.small(gib: 8, nodes: 4))
    var cpu = guest.cpu(0)
    for node in [2, 0] {
      while let pfn = cpu.allocate(order: 10, [.freePageAlloc, .thisNode], onNode: node) {
        #expect(zone(guest, pfn).node == node)
      }
    }
    #expect(guest.core.zones.filter { $0.node == 1 || $0.node == 3 }.allSatisfy { $0.freePages == $0.managedPages })
  }

  @Test func onlyMovableHighMemRequestsUseZoneMovable() throws {
    let guest = try Guest.fresh(.small(gib: 6, movableShare: 0.5))
    var cpu = guest.cpu()
    #expect(zone(guest, cpu.allocate(order: 10, .userMovable)!).type == .movable)
    for gfp in [GFP.kernel, .freePageAlloc, [.movable], [.highMem], [.reclaimable], .atomicContext] {
      guest.restore()
      while let pfn = cpu.allocate(order: 10, gfp) { #expect(zone(guest, pfn).type != .movable) }
    }
    guest.restore()
    var types: [ZoneType] = []
    while let pfn = cpu.allocate(order: 10, .userMovable) {
      if types.last != zone(guest, pfn).type { types.append(zone(guest, pfn).type) }
    }
    #expect(Array(types.prefix(3)) == [.movable, .normal, .dma32])
  }

  @Test func lowerZonesServeUpToTheirReserve() throws {
    let guest = try Guest.fresh(.small(gib: 8))
    let dma = guest.core.zone(guest.zoneIndex(.dma))
    let dma32 = guest.core.zone(guest.zoneIndex(.dma32))
    // DMA keeps more from such requests than it has.
    #expect(dma.lowmemReserve(.normal) > Int64(dma.managedPages))
    var cpu = guest.cpu()
    var types: [ZoneType] = []
    while let pfn = cpu.allocate(order: 10, .kernel) {
      if types.last != zone(guest, pfn).type { types.append(zone(guest, pfn).type) }
    }
    #expect(types.first == .normal && types.contains(.dma32) && !types.contains(.dma))
    #expect(dma.freePages == dma.managedPages)
    let floor = Int64(dma32.watermark(.min)) + dma32.lowmemReserve(.normal)
    #expect(Int64(dma32.freePages) > floor - 1 && Int64(dma32.freePages) - 1023 <= floor)
  }

  @Test func aSmallGuestsDMAServesWhatItsReserveLeaves() throws {
    let guest = try Guest.fresh(.small(gib: 0.25))
    let dma = guest.core.zone(guest.zoneIndex(.dma))
    var cpu = guest.cpu()
    while cpu.allocate(order: 4, .kernel) != nil {}
    #expect(dma.freePages < dma.managedPages)
    // Nothing above DMA32 here: the reserve against Normal is DMA32's pages / 256.
    #expect(dma.lowmemReserve(.normal) == Int64(guest.core.zone(guest.zoneIndex(.dma32)).managedPages / 256))
  }

  @Test func aShieldedNodeAvoidsFragmentationOthersDoNot() throws {
    let guest = try Guest(.small(gib: 16, nodes: 4))
    #expect(guest.core.dma32Shields(node: 0))
    #expect((1...3).allSatisfy { !guest.core.dma32Shields(node: $0) })
    let single = try Guest(.small(gib: 2))
    #expect(single.core.dma32Shields(node: 0))
  }

  @Test func anUnshieldedNodeFragmentsBeforeItLeavesTheNode() throws {
    for node in [0, 1] {
      let guest = try Guest.fresh(.small(gib: 8, nodes: 2))
      let normal = guest.zoneIndex(.normal, node: node)
      for index in guest.core.zones.indices where guest.core.zone(index).node == node && index != normal {
        while guest.take(index, order: 0, .unmovable) != nil {}
      }
      // Of this node only movable blocks below pageblock order are left: unmovable requests must fragment.
      while let block = guest.take(normal, order: 9) { _ = block }
      while guest.take(normal, order: 0) != nil {}
      let start = guest.core.zone(normal).startPFN
      for n in 0..<UInt64(300) { guest.put(start + n * 1024, order: 8) }
      var cpu = guest.cpu(node == 0 ? 0 : 3)
      #expect(cpu.node == node)
      let pfn = try cpu.mustAllocate(order: 4, .kernel)
      #expect(zone(guest, pfn).node == node)
    }
  }
}
