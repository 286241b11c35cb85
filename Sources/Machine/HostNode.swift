/// A NUMA node of the machine that measures.
public struct HostNode: Equatable, Codable, Sendable {
  /// The kernel's number of it.
  public var id: Int
  /// Its CPUs, ascending; empty for a node of memory only. From a ``NumaHost`` only those that may be used.
  public var cpus: [Int]
  /// All of its memory; nil if the system doesn't tell.
  public var memoryBytes: UInt64?
  /// What of it was free when asked; nil if the system doesn't tell.
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
