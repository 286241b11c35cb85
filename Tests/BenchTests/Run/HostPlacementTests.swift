import GuestMemory
import Machine
import Testing

@testable import Bench

/// Which CPU each thread gets.
@Suite struct HostPlacementTests {
  private func host(_ cpusOfNodes: [Int]) -> [HostNode] {
    var next = 0
    return cpusOfNodes.enumerated().map { id, count in
      defer { next += count }
      return HostNode(id: id, cpus: Array(next..<next + count), memoryBytes: 1, freeBytes: 1)
    }
  }

  /// Every small machine with every small guest: nobody shares a CPU while there are enough, each is on the node of its
  /// memory while that has one left, and nobody else is on a scanner's CPU while there is another.
  @Test func everyThreadHasTheBestCPUThatIsLeft() {
    var cases = 0
    for shape in [[1], [2], [1, 1], [2, 2], [0, 2], [3, 0], [1, 3], [1, 1, 1, 1], [2, 2, 2, 2]] {
      let hostNodes = host(shape)
      let all = hostNodes.flatMap(\.cpus)
      for hostCPUs in [all, Array(all.dropFirst()), Array(all.suffix(1))] where !hostCPUs.isEmpty {
        for guestNodes in 1...4 {
          let geometry = GuestGeometry.standard(bytes: 512 << 20, nodes: guestNodes, cpus: guestNodes + 3)
          let memoryNodes = shape.count > 1 ? (0..<guestNodes).map { $0 % shape.count } : nil
          for scanners in Scanners.allCases {
            for scanNode in [nil] + hostNodes.map(\.id) where scanners == .one || scanNode == nil {
              cases += 1
              let placement = HostPlacement(
                geometry, scanners, scanNode: scanNode, memoryNodes: memoryNodes, hostCPUs: hostCPUs,
                hostNodes: hostNodes)
              check(placement, geometry, scanners, scanNode, memoryNodes, hostCPUs, hostNodes)
            }
          }
        }
      }
    }
    #expect(cases > 300)
  }

  private func check(
    _ placement: HostPlacement, _ geometry: GuestGeometry, _ scanners: Scanners, _ scanNode: Int?,
    _ memoryNodes: [Int]?, _ hostCPUs: [Int], _ hostNodes: [HostNode]
  ) {
    let count = scanners == .perNode ? geometry.nodeCount : 1
    #expect(placement.scanners.count == count)
    let guestCPUs = (placement.scanners + placement.others).map(\.guestCPU)
    #expect(guestCPUs.sorted() == Array(0..<geometry.cpuCount), "each CPU of the guest has one thread at most")
    let seats = placement.scanners.compactMap(\.hostCPU)
    #expect(seats.count == count && seats.allSatisfy(hostCPUs.contains))
    #expect(Set(seats).count == min(count, hostCPUs.count), "shared only where there are too few")
    for (index, seat) in placement.scanners.enumerated() {
      #expect(geometry.node(ofCPU: seat.guestCPU) == index)
      guard let wanted = scanNode ?? memoryNodes?[index] else { continue }
      let own = hostNodes[wanted].cpus.filter(hostCPUs.contains)
      let left = own.filter { cpu in !placement.scanners[..<index].contains { $0.hostCPU == cpu } }
      #expect(
        left.isEmpty || left.contains(seat.hostCPU ?? -1), "a CPU of node \(wanted) was left for scanner \(index)")
    }
    #expect(placement.otherHostCPUs == hostCPUs.filter { !seats.contains($0) })
    for (index, seat) in placement.others.enumerated() {
      let cpu = seat.hostCPU ?? -1
      #expect(hostCPUs.contains(cpu))
      #expect(placement.otherHostCPUs.isEmpty || placement.otherHostCPUs.contains(cpu))
      let before = Set(placement.others[..<index].compactMap(\.hostCPU))
      let unused = placement.otherHostCPUs.filter { !before.contains($0) }
      #expect(unused.isEmpty || unused.contains(cpu), "a CPU is left that nobody is on")
      guard let wanted = memoryNodes?[geometry.node(ofCPU: seat.guestCPU)] else { continue }
      let choice = unused.isEmpty ? placement.otherHostCPUs : unused
      let own = hostNodes[wanted].cpus.filter { choice.contains($0) }
      #expect(own.isEmpty || own.contains(cpu), "node \(wanted) has a CPU for it")
    }
    let loads = Dictionary(grouping: placement.others.compactMap(\.hostCPU)) { $0 }.mapValues(\.count)
    if memoryNodes == nil, let most = loads.values.max(), !placement.otherHostCPUs.isEmpty {
      let least = placement.otherHostCPUs.map { loads[$0] ?? 0 }.min() ?? 0
      #expect(most - least <= 1, "shared out evenly")
    }
  }
}
