import Records

/// The longest holds side by side: which kernel's rules made which, for the strategies and for the threads beside them.
struct HoldsByKernelTable {
  /// A table for each group of cells that differ in strategy and kernel alone; none if all follow one kernel.
  static func all(of data: ExperimentData) -> [TableContent] {
    // How much is free depends on the kernel.
    CellGroups(data.cells, open: [.kernel, .free]).groups.compactMap { table($0, data) }
  }

  private static func table(_ group: CellGroups.Group, _ data: ExperimentData) -> TableContent? {
    var kernels: [String] = []
    for kernel in group.cells.map(kernel) where !kernel.isEmpty && !kernels.contains(kernel) { kernels.append(kernel) }
    guard kernels.count > 1 else { return nil }
    var titles = ["strategy"]
    var rows = data.variants(group.cells).map { [data.label($0)] }
    for (title, field) in fields {
      let columns = kernels.map { kernel in
        data.variants(group.cells).map { variant in
          group.cells.first { $0.variant == variant && Self.kernel($0) == kernel }.flatMap(field) ?? Figure.missing
        }
      }
      guard columns.joined().contains(where: { $0 != Figure.missing }) else { continue }
      for (kernel, column) in zip(kernels, columns) {
        titles.append("\(title), \(kernel)")
        for row in rows.indices { rows[row].append(column[row]) }
      }
    }
    guard titles.count > 1 else { return nil }
    let hasBystanders = titles.contains { $0.hasPrefix("beside") }
    return TableContent(
      caption: "Holds of zone->lock by kernel" + (group.title.isEmpty ? "" : ": \(group.title)"), titles: titles,
      rows: rows, leftAligned: [0],
      note: "Medians (lowest–highest repetition). hold: the strategy's longest hold."
        + (hasBystanders
          ? " beside: how long a thread beside it had interrupts off for the lock, 99.9th percentile." : ""))
  }

  private static let fields: [(title: String, field: @Sendable (ReportCell) -> String?)] = [
    ("hold µs", { time($0, $0.cell.longestHold) }),
    ("beside µs", { time($0, $0.summary(\.bystanders.irqoffNsP999)) }),
  ]

  /// µs; a lower bound above granule 0.
  private static func time(_ cell: ReportCell, _ summary: MetricSummary) -> String? {
    Figure.spread(summary, per: 1e3).map { (cell.isCoarse ? "≥" : "") + $0.median + $0.range }
  }

  private static func kernel(_ cell: ReportCell) -> String { cell.conditions[.kernel] ?? "" }
}
