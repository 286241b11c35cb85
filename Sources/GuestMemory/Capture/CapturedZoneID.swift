/// The identity of a zone in all three files.
struct CapturedZoneID: Hashable, Comparable, CustomStringConvertible {
  var nodeID: Int
  var kind: CapturedZoneKind

  static func < (left: Self, right: Self) -> Bool {
    (left.nodeID, left.kind) < (right.nodeID, right.kind)
  }

  var description: String { "node \(nodeID), zone \(kind.rawValue)" }
}
