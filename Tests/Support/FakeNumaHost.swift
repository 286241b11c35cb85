import Machine

/// A machine with four nodes of two CPUs and 1 GiB each, which remembers nothing but accepts or refuses.
public struct FakeNumaHost: NumaHost {
  public init() {}

  public var nodes: [HostNode] {
    (0..<4).map { HostNode(id: $0, cpus: [2 * $0, 2 * $0 + 1], memoryBytes: 1 << 30, freeBytes: 1 << 29) }
  }

  public func bind(_ memory: UnsafeMutableRawPointer, bytes: Int, toNode node: Int) throws(NumaError) {
    guard nodes.contains(where: { $0.id == node }) else { throw .unknownNode(node) }
    memory.storeBytes(of: UInt8(node), as: UInt8.self)
  }

  public func nodeOf(_ address: UnsafeRawPointer) throws(NumaError) -> Int {
    Int(address.load(as: UInt8.self))
  }
}
