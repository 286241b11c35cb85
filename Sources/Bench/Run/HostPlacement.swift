import GuestMemory
import Machine

/// On which CPUs, of the guest and of the host, the threads of a repetition run: each on the host node of the memory it
/// works on, where that has a CPU left for it, else on another node; two share one only where there are too few in
/// all, and a scanner last.
package struct HostPlacement: Equatable {
  package struct Seat: Equatable {
    /// CPU of the guest.
    package var guestCPU: Int
    /// CPU of the host; nil if this process may use none.
    package var hostCPU: Int?
  }

  /// One for the whole guest, or one for each modelled node.
  let scanners: [Seat]
  /// CPUs of the guest that no scanner is on, lowest first, with their host CPUs.
  package let others: [Seat]
  /// Host CPUs without a scanner, lowest first.
  let otherHostCPUs: [Int]

  /// - Parameters:
  ///   - scanNode: the host node a scanner has to be on; nil: where its memory is.
  ///   - memoryNodes: host node of each modelled node's memory; nil: it isn't known, or there is only one.
  ///   - hostCPUs: those this process may use, lowest first.
  init(
    _ geometry: GuestGeometry, _ scanners: Scanners, scanNode: Int?, memoryNodes: [Int]?, hostCPUs: [Int],
    hostNodes: [HostNode]
  ) {
    var taken: [Int: Int] = [:]
    /// An unused CPU of a host node, or of another where it has none left: a remote access costs less, and tells less
    /// of what isn't the strategy's, than a thread that waits for its CPU. Where all are used, the least used.
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
