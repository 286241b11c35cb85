/// Between which two of the guests measured each strategy goes beyond the hold limit.
struct BreakTable {
  let content: TableContent

  /// - Parameter groups: cells that differ in nothing but strategy and size.
  init(_ groups: CellGroups, _ data: ExperimentData) {
    let variants = data.variants(groups.groups.flatMap(\.cells))
    let columns = groups.groups.map { group in
      (title: group.title.isEmpty ? "all" : group.title, byVariant: Dictionary(grouping: group.cells, by: \.variant))
    }
    content = TableContent(
      caption: "Measured guest size at which each strategy exceeds the hold limit",
      titles: ["strategy"] + columns.map(\.title),
      rows: variants.map { variant in
        [data.label(variant)] + columns.map { Self.verdict($0.byVariant[variant] ?? []) }
      },
      leftAligned: Set(0...columns.count),
      note: "≥: at a granule above 0 a hold is a lower bound, so that \"within\" isn't certain there.")
  }

  /// The verdict on one strategy, as text.
  static func verdict(_ cells: [ReportCell]) -> String {
    let judged = cells.filter { $0.cell.holdLimitVerdict != nil }.sorted { $0.cell.guestBytes < $1.cell.guestBytes }
    guard !judged.isEmpty else { return Figure.missing }
    func text(_ cell: ReportCell) -> String {
      let hold = cell.cell.longestHold.median.map { Figure.number($0 / 1000) + " µs" } ?? Figure.missing
      return "\(Figure.bytes(cell.cell.guestBytes)) (\(cell.isCoarse ? "≥" : "")\(hold))"
    }
    let beyond = judged.first { $0.cell.holdLimitVerdict == .beyond }
    // Only guests smaller than the first one beyond the limit count: larger ones prove nothing.
    let within = judged.last { cell in
      cell.cell.holdLimitVerdict == .within && beyond.map { cell.cell.guestBytes < $0.cell.guestBytes } ?? true
    }
    switch (beyond, within) {
    case (let beyond?, let within?): return "beyond at \(text(beyond)), within at \(text(within))"
    case (let beyond?, nil): return "beyond at \(text(beyond)), the smallest measured"
    case (nil, let within?): return "within up to \(text(within)), the largest measured"
    case (nil, nil): return "not enough data"
    }
  }
}
