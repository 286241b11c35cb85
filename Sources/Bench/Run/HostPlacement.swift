import GuestMemory
import Machine

/// The guest and host CPUs of a repetition's threads. Each thread runs on the host node of the memory it works on if
/// that node has a CPU left, otherwise on another node. Threads share a host CPU only if there are too few, scanners
/// last.
package struct HostPlacement: Equatable {
  package struct Seat: Equatable {
    /// The guest CPU.
    package var guestCPU: Int
    /// The host CPU; nil if this process may use none.
    package var hostCPU: Int?
  }

  /// The scanners: one for the whole guest, or one per modelled node.
  let scanners: [Seat]
  /// The guest CPUs without a scanner, lowest first, with their host CPUs.
  package let others: [Seat]
  /// The host CPUs without a scanner, lowest first.
  let otherHostCPUs: [Int]

  /// - Parameters:
  ///   - scanNode: the host node that a scanner must run on; nil: the node of its memory.
  ///   - memoryNodes: the host node of each modelled node's memory; nil if unknown or if there is only one.
  ///   - hostCPUs: the CPUs this process may use, lowest first.
  init(
    _ geometry: GuestGeometry, _ scanners: Scanners, scanNode: Int?, memoryNodes: [Int]?, hostCPUs: [Int],
    hostNodes: [HostNode]
  ) {
    var taken: [Int: Int] = [:]
    /// Returns an unused CPU of a host node, otherwise of another node, otherwise the least used CPU. A remote access
    /// distorts the strategy's figures less than a thread that waits for its CPU.
    func take(near node: Int?, notOf others: Set<Int>) -> Int? {
      let own = hostNodes.first { $0.id == node }?.cpus.filter(hostCPUs.contains) ?? hostCPUs
      let free = hostCPUs.filter { !others.contains($0) }
      let ownFree = own.filter { !others.contains($0) }
      func unused(_ cpus: [Int]) -> [Int] { cpus.filter { taken[$0] == nil } }
      let candidates = [unused(ownFree), unused(free), ownFree, free, own, hostCPUs].first { !$0.isEmpty } ?? []
      let cpu = candidates.min { (taken[$0] ?? 0, $0) < (taken[$1] ?? 0, $1) }
      if let cpu { taken[cpu, default: 0] += 1 }
      return cpu
    }

    var seats: [Seat] = []
    for node in 0..<(scanners == .perNode ? geometry.nodeCount : 1) {
      let guestCPU = (0..<geometry.cpuCount).first { geometry.node(ofCPU: $0) == node } ?? 0
      let hostCPU = take(near: scanNode ?? memoryNodes?[node], notOf: Set(seats.compactMap(\.hostCPU)))
      seats.append(Seat(guestCPU: guestCPU, hostCPU: hostCPU))
    }
    self.scanners = seats
    let scanning = Set(seats.compactMap(\.hostCPU))
    otherHostCPUs = hostCPUs.filter { !scanning.contains($0) }
    others = (0..<geometry.cpuCount).filter { cpu in !seats.contains { $0.guestCPU == cpu } }.map { cpu in
      Seat(guestCPU: cpu, hostCPU: take(near: memoryNodes?[geometry.node(ofCPU: cpu)], notOf: scanning))
    }
  }
}
