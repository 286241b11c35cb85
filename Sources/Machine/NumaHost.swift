import Glibc
import Records

/// The NUMA nodes of the measuring machine, and the placement of memory on them. Tests replace it.
public protocol NumaHost: Sendable {
  /// The usable nodes, by number; at least one.
  var nodes: [HostNode] { get }

  /// Binds the pages of `memory` (page-aligned, `bytes` long) to node `toNode`; populated pages are moved.
  func bind(_ memory: UnsafeMutableRawPointer, bytes: Int, toNode: Int) throws(NumaError)

  /// The node of the page around `address`. Doesn't fault it in: throws ``NumaError/notPresent`` before a first write.
  func nodeOf(_ address: UnsafeRawPointer) throws(NumaError) -> Int
}

/// Why memory can't be placed on, or looked up on, a NUMA node.
public enum NumaError: UserFacing, Equatable, Sendable {
  /// The machine lacks this node, or this process may not use it.
  case unknownNode(Int)
  /// mbind() failed with this errno.
  case bindFailed(node: Int, code: Int32)
  /// move_pages() failed with this errno.
  case queryFailed(code: Int32)
  /// The page isn't populated yet, so it is on no node.
  case notPresent

  /// Something that is needed isn't there.
  public var failureKind: UserError.Kind { .unavailable }

  /// One line.
  public var description: String {
    switch self {
    case .unknownNode(let node): "there is no NUMA node \(node) here that may be used"
    case .bindFailed(let node, let code): "mbind to node \(node): \(String(cString: strerror(code)))"
    case .queryFailed(let code): "move_pages: \(String(cString: strerror(code)))"
    case .notPresent: "the page has no memory yet: write to it first"
    }
  }
}

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
