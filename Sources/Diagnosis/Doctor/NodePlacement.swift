import CHost
import Glibc
import Machine

/// A NUMA node, and whether memory bound to it is on it.
public struct NodePlacement: Equatable, Codable, Sendable {
  public var node: HostNode
  /// The node of a page that was bound to this one; nil if binding or the query failed.
  public var liesOn: Int?
  /// Why binding or the query failed; nil if neither did.
  public var refusal: String?

  enum CodingKeys: String, CodingKey {
    case node
    case liesOn = "page_lies_on"
    case refusal
  }

  public init(node: HostNode, liesOn: Int?, refusal: String? = nil) {
    self.node = node
    self.liesOn = liesOn
    self.refusal = refusal
  }

  /// Whether a page bound to the node was on it.
  public var isBindable: Bool { liesOn == node.id }

  /// Binds a page to each node of `host`, writes to it, and queries its node.
  public static func probe(_ host: any NumaHost) -> [NodePlacement] {
    host.nodes.map { node in
      do {
        return NodePlacement(node: node, liesOn: try lies(host, node.id))
      } catch {
        return NodePlacement(node: node, liesOn: nil, refusal: "\(error)")
      }
    }
  }

  private static func lies(_ host: any NumaHost, _ node: Int) throws -> Int {
    let bytes = 4096
    guard let page = chost_reserve(bytes, bytes) else {
      throw SystemCallError(call: "mmap of \(bytes) bytes", code: errno)
    }
    defer { _ = chost_release(page, bytes) }
    try host.bind(page, bytes: bytes, toNode: node)
    (page + bytes / 2).storeBytes(of: 1, as: UInt8.self)
    return try host.nodeOf(page)
  }

  /// A machine-readable line: `numa-node id=0 cpus=0-3 memory_bytes=1 free_bytes=1 binds=yes page_lies_on=0`. An
  /// unknown value is empty after its `=`.
  public var line: String {
    func text<Value>(_ value: Value?) -> String { value.map { "\($0)" } ?? "" }
    return "numa-node id=\(node.id) cpus=\(CPUList.text(node.cpus)) memory_bytes=\(text(node.memoryBytes)) "
      + "free_bytes=\(text(node.freeBytes)) binds=\(isBindable ? "yes" : "no") page_lies_on=\(text(liesOn))"
  }
}
