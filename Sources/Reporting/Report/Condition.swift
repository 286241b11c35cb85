import Experiments
import Records

/// What one cell may have and another not, the strategy apart: what panels differ in.
enum Condition: Int, CaseIterable, Comparable, Sendable {
  case size, state, free, listOrder, granule, vmemmap, load, hostAck, cache, placement, nodes, cpus, lock, pageInit,
    place

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// In words, as a part of a title.
  func text(_ cell: CellRecord, _ run: RunRecord?, place: String) -> String {
    switch self {
    case .size: Figure.bytes(cell.guestBytes) + " guest"
    case .granule: cell.granuleOrder == 0 ? "granule 0 (exact)" : "granule \(cell.granuleOrder) (times ≥)"
    case .vmemmap: "\(Figure.bytes(UInt64(cell.vmemmapPageBytes))) vmemmap pages"
    case .state: cell.state
    case .free: (run?.guest.freeFraction).map { "\(Figure.number($0 * 100, decimals: 0)) % free" } ?? ""
    case .listOrder: "\(cell.listOrder) lists"
    case .load: cell.mutators == 0 ? "no load" : "load \(cell.load) by \(Self.count(cell.mutators, "thread"))"
    case .hostAck: (run?.load.hostAckNs).map { $0 == 0 ? "ideal host" : "host answers in \(Figure.time(ns: $0))" } ?? ""
    case .cache: (run?.load.cache).map { "\($0) cache" } ?? ""
    case .placement:
      "scanner on host node \(cell.scanNode.map(String.init) ?? "?"), memory on "
        + (cell.memoryNode.map(String.init) ?? "?")
    case .nodes: Self.count(cell.nodes, "node")
    case .cpus: run.map { Self.count($0.guest.cpus, "guest CPU") } ?? ""
    case .lock: run.map { "\($0.guest.lockKind) lock" } ?? ""
    case .pageInit:
      run.map { $0.guest.pageInit == "none" ? "pages not zeroed" : "page init at \($0.guest.pageInit)" } ?? ""
    case .place: place
    }
  }

  private static func count(_ number: Int, _ what: String) -> String {
    number == 1 ? "1 \(what)" : "\(number) \(what)s"
  }
}
