/// A NUMA node of the measuring machine.
public struct HostNode: Equatable, Codable, Sendable {
  /// The kernel's node number.
  public var id: Int
  /// Its CPUs, ascending; empty for a memory-only node. From a ``NumaHost`` only the usable ones.
  public var cpus: [Int]
  /// Its memory; nil if unknown. Bytes.
  public var memoryBytes: UInt64?
  /// Its free memory when queried; nil if unknown. Bytes.
  public var freeBytes: UInt64?

  enum CodingKeys: String, CodingKey {
    case id
    case cpus
    case memoryBytes = "memory_bytes"
    case freeBytes = "free_bytes"
  }

  public init(id: Int, cpus: [Int], memoryBytes: UInt64?, freeBytes: UInt64?) {
    self.id = id
    self.cpus = cpus
    self.memoryBytes = memoryBytes
    self.freeBytes = freeBytes
  }
}
