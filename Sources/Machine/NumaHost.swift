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
