import Glibc
import Records

/// The NUMA nodes of the machine that measures, and where memory lies on them. Tests replace it.
public protocol NumaHost: Sendable {
  /// The nodes that may be used, by number; at least one.
  var nodes: [HostNode] { get }

  /// Has the pages of `memory` (at a page's start, `bytes` long) come from node `toNode` and no other; pages already
  /// there are moved.
  func bind(_ memory: UnsafeMutableRawPointer, bytes: Int, toNode: Int) throws(NumaError)

  /// The node on which the page around `address` lies. Doesn't fault it in: ``NumaError/notPresent`` before a first
  /// write.
  func nodeOf(_ address: UnsafeRawPointer) throws(NumaError) -> Int
}

/// What keeps memory from being placed on, or found on, a NUMA node.
public enum NumaError: UserFacing, Equatable, Sendable {
  /// The machine has no such node, or this process may not use it.
  case unknownNode(Int)
  /// mbind() refused, with this errno.
  case bindFailed(node: Int, code: Int32)
  /// move_pages() could not tell, with this errno.
  case queryFailed(code: Int32)
  /// Nothing has been written to the page yet, so it lies on no node.
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
