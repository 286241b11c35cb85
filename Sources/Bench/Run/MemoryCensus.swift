import GuestMemory
import Machine

/// The host nodes of a modelled node's pages, as the kernel reports them after the pages were touched.
struct MemoryCensus: Encodable, Equatable {
  /// The modelled node.
  var node: Int
  /// The host node that the memory was bound to; nil if it wasn't bound.
  var boundTo: Int?
  /// The number of host pages queried.
  var pagesChecked = 0
  /// The queried pages that have memory, by host node.
  var pagesByHostNode: [Int: Int] = [:]
  /// Why the kernel couldn't be queried; nil if it could.
  var unreadable: String?

  enum CodingKeys: String, CodingKey {
    case node, unreadable
    case boundTo = "bound_to_host_node"
    case pagesChecked = "pages_checked"
    case pagesByHostNode = "pages_by_host_node"
  }

  /// The most host pages queried in each piece of a node's memory.
  static let most = 2048

  /// Queries pages spread evenly over a node's memory. Complexity: O(1) system calls a page, at most ``most`` a piece.
  init(_ guest: Guest, node: Int, boundTo: Int?, _ numa: any NumaHost) {
    self.node = node
    self.boundTo = boundTo
    guest.withMemory(ofNode: node) { start, bytes in
      // A page shared by two nodes may be on either: the ends are skipped, unless the piece has nothing else.
      let pages = bytes / 4096
      let inner = pages > 2 ? 1..<pages - 1 : 0..<pages
      for index in stride(from: inner.lowerBound, to: inner.upperBound, by: max(1, inner.count / Self.most)) {
        ask(start + index * 4096, numa)
      }
    }
  }

  private mutating func ask(_ address: UnsafeRawPointer, _ numa: any NumaHost) {
    guard unreadable == nil else { return }
    do throws(NumaError) {
      pagesChecked += 1
      pagesByHostNode[try numa.nodeOf(address), default: 0] += 1
    } catch {
      if error != .notPresent { unreadable = "\(error)" }
    }
  }

  /// The problem found, for messages; nil if every page that was found is on its node.
  var fault: String? {
    guard let boundTo else { return nil }
    let elsewhere = pagesByHostNode.filter { $0.key != boundTo }
    guard !elsewhere.isEmpty else { return nil }
    let list = elsewhere.sorted { $0.key < $1.key }.map { "\($0.value) on \($0.key)" }.joined(separator: ", ")
    return
      "of modelled node \(node)'s memory, bound to host node \(boundTo), \(pagesChecked) pages were looked for and "
      + "\(list) found"
  }

  func encode(to encoder: any Encoder) throws {
    var box = encoder.container(keyedBy: CodingKeys.self)
    try box.encode(node, forKey: .node)
    try box.encodeIfPresent(boundTo, forKey: .boundTo)
    try box.encode(pagesChecked, forKey: .pagesChecked)
    try box.encode(
      Dictionary(uniqueKeysWithValues: pagesByHostNode.map { ("\($0.key)", $0.value) }), forKey: .pagesByHostNode)
    try box.encodeIfPresent(unreadable, forKey: .unreadable)
  }
}
