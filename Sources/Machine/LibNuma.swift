import CNuma
import Glibc

/// The machine's nodes through libnuma.
///
/// Without NUMA in the kernel there is one node, 0, with all CPUs; binding to it does nothing.
public struct LibNuma: NumaHost {
  /// Whether the kernel supports NUMA.
  public let isAvailable: Bool
  private let placements: [(id: Int, cpus: [Int])]

  public init() {
    isAvailable = numa_available() >= 0
    placements = isAvailable ? Self.placements() : []
  }

  /// The nodes and CPUs that this process was allowed at its start, with their current memory.
  public var nodes: [HostNode] {
    guard !placements.isEmpty else { return [Self.onlyNode()] }
    return placements.map { placement in
      var free: Int64 = -1
      let size = numa_node_size64(Int32(placement.id), &free)
      return HostNode(
        id: placement.id, cpus: placement.cpus, memoryBytes: UInt64(exactly: size), freeBytes: UInt64(exactly: free))
    }
  }

  public func bind(_ memory: UnsafeMutableRawPointer, bytes: Int, toNode node: Int) throws(NumaError) {
    guard !placements.isEmpty else {
      guard node == 0 else { throw .unknownNode(node) }
      return
    }
    guard placements.contains(where: { $0.id == node }) else { throw .unknownNode(node) }
    let bits = UInt.bitWidth
    var mask = [UInt](repeating: 0, count: node / bits + 1)
    mask[node / bits] |= 1 << UInt(node % bits)
    // The kernel reads one bit less than the given size.
    let failed = mbind(
      memory, UInt(bytes), MPOL_BIND, &mask, UInt(mask.count * bits + 1), UInt32(MPOL_MF_MOVE | MPOL_MF_STRICT))
    guard failed == 0 else { throw .bindFailed(node: node, code: errno) }
  }

  public func nodeOf(_ address: UnsafeRawPointer) throws(NumaError) -> Int {
    guard isAvailable else { return 0 }
    let page = UInt(bitPattern: address) / UInt(getpagesize()) * UInt(getpagesize())
    var pages = [UnsafeMutableRawPointer(bitPattern: page)]
    var status: Int32 = -1
    guard move_pages(0, 1, &pages, nil, &status, 0) == 0 else { throw .queryFailed(code: errno) }
    if status == -ENOENT { throw .notPresent }
    guard status >= 0 else { throw .queryFailed(code: -status) }
    return Int(status)
  }

  private static func placements() -> [(id: Int, cpus: [Int])] {
    let bits = Int(numa_num_possible_cpus())
    guard let mask = numa_allocate_cpumask() else { return [] }
    defer { numa_bitmask_free(mask) }
    return (0...Int(max(0, numa_max_node()))).compactMap { node in
      guard cnuma_node_allowed(Int32(node)) != 0 else { return nil }
      numa_bitmask_clearall(mask)
      // Fails on some kernels for a node without CPUs, whose list is empty.
      guard numa_node_to_cpus(Int32(node), mask) == 0 else { return (node, []) }
      let cpus = (0..<bits).filter {
        numa_bitmask_isbitset(mask, UInt32($0)) != 0 && cnuma_cpu_allowed(Int32($0)) != 0
      }
      return (node, cpus)
    }
  }

  private static func onlyNode() -> HostNode {
    let files = HostFiles()
    func memory(_ key: String) -> UInt64? {
      files.value(of: key, in: "/proc/meminfo").flatMap(HostFacts.kibibytes)
    }
    return HostNode(
      id: 0, cpus: (try? ThreadPlacement.allowedCPUs()) ?? [], memoryBytes: memory("MemTotal"),
      freeBytes: memory("MemFree"))
  }
}
