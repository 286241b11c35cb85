/// Cells grouped into panels: the cells of a panel differ only in the given conditions.
struct CellGroups {
  struct Group {
    /// The distinguishing description; empty if it is the only group.
    var title: String
    var cells: [ReportCell]
  }

  private(set) var groups: [Group] = []
  /// The description of what all cells have in common.
  let common: String

  /// - Parameter open: the conditions in which cells of a group may differ.
  init(_ cells: [ReportCell], open: Set<Condition>) {
    let fixed = Condition.allCases.filter { !open.contains($0) }
    let varying = fixed.filter { condition in Set(cells.map { $0.conditions[condition] ?? "" }).count > 1 }
    var order: [[String]] = []
    var byKey: [[String]: [ReportCell]] = [:]
    for cell in cells {
      let key = varying.map { cell.conditions[$0] ?? "" }
      if byKey[key] == nil { order.append(key) }
      byKey[key, default: []].append(cell)
    }
    groups = order.map { key in Group(title: Self.join(key), cells: byKey[key] ?? []) }
    // Smaller guests first, whatever the order of the runs.
    if varying.contains(.size) {
      groups = groups.enumerated().sorted { left, right in
        let sizes = (left.element.cells[0].cell.guestBytes, right.element.cells[0].cell.guestBytes)
        return sizes.0 == sizes.1 ? left.offset < right.offset : sizes.0 < sizes.1
      }.map(\.element)
    }
    let shared = Condition.allCases.filter { condition in
      condition != .place && Set(cells.map { $0.conditions[condition] ?? "" }).count == 1
    }
    common = Self.join(shared.map { cells.first?.conditions[$0] ?? "" })
  }

  private static func join(_ parts: [String]) -> String { parts.filter { !$0.isEmpty }.joined(separator: ", ") }
}
