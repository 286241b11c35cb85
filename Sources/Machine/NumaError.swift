import Glibc

/// What keeps memory from being placed on, or found on, a NUMA node.
public enum NumaError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The machine has no such node, or this process may not use it.
  case unknownNode(Int)
  /// mbind() refused, with this errno.
  case bindFailed(node: Int, code: Int32)
  /// move_pages() could not tell, with this errno.
  case queryFailed(code: Int32)
  /// Nothing has been written to the page yet, so it lies on no node.
  case notPresent

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
