import Records

/// A condition other than the strategy in which cells can differ; panels are split by these.
enum Condition: Int, CaseIterable, Comparable, Sendable {
  case size, kernel, state, free, listOrder, granule, vmemmap, load, hostAck, cache, placement, nodes, cpus, lock,
    pageInit,
    place

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The text, as a part of a title.
  func text(_ cell: CellRecord, _ run: RunRecord?, place: String) -> String {
    switch self {
    case .size: Figure.bytes(cell.guestBytes) + " guest"
    case .kernel: (run?.guest.kernelRules).flatMap { $0.isEmpty ? nil : "Linux \($0)" } ?? ""
    case .granule: cell.granuleOrder.map { $0 == 0 ? "granule 0 (exact)" : "granule \($0) (times ≥)" } ?? ""
    case .vmemmap: cell.vmemmapPageBytes.map { "\(Figure.bytes(UInt64($0))) vmemmap pages" } ?? ""
    case .state: cell.state
    case .free: (run?.guest.freeFraction).map { "\(Figure.number($0 * 100, decimals: 0)) % free" } ?? ""
    case .listOrder: cell.listOrder.isEmpty ? "" : "\(cell.listOrder) lists"
    case .load: cell.mutators == 0 ? "no load" : "load \(cell.load) by \(Self.count(cell.mutators, "thread"))"
    case .hostAck: (run?.load.hostAckNs).map { $0 == 0 ? "ideal host" : "host answers in \(Figure.time(ns: $0))" } ?? ""
    case .cache: (run?.load.cache).flatMap { $0.isEmpty ? nil : "\($0) cache" } ?? ""
    case .placement:
      "scanner on host node \(cell.scanNode.map(String.init) ?? "?"), memory on "
        + (cell.memoryNode.map(String.init) ?? "?")
    case .nodes: cell.nodes.map { Self.count($0, "node") } ?? ""
    case .cpus: (run?.guest.cpus).map { Self.count($0, "guest CPU") } ?? ""
    case .lock: (run?.guest.lockKind).flatMap { $0.isEmpty ? nil : "\($0) lock" } ?? ""
    case .pageInit:
      switch run?.guest.pageInit {
      case nil, "": ""
      case "none": "pages not zeroed"
      case .some(let kind): "page init at \(kind)"
      }
    case .place: place
    }
  }

  private static func count(_ number: Int, _ what: String) -> String {
    number == 1 ? "1 \(what)" : "\(number) \(what)s"
  }
}
