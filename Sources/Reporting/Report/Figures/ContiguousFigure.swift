import Records

/// Allocations of large ranges while a strategy holds blocks.
enum ContiguousFigure: ReportFigure {
  static let name = "contiguous"
  static let title = "Failed contiguous allocations"
  static let caption = """
    Failed first attempts per 1000 alloc_contig_range() calls while a strategy runs, and p99 time to success, retries \
    included. Filled: after draining the pcp lists. Grey, open: without draining; pages the caller just freed are then \
    in its own way, also for none. Marks are medians, bars span the lowest to the highest repetition.
    """
  static let source = "contiguous.csv: failures_per_1000, success_ns_p99 by range_bytes and drains_first"

  static func content(of data: ExperimentData) -> FigureContent? {
    guard data.card.name == "contiguous" else { return nil }
    let cells = data.cells.filter { !data.rows($0).isEmpty }
    guard !cells.isEmpty else { return nil }
    let groups = CellGroups(cells, open: [])
    let variants = data.variants(cells)
    let labels = variants.map(data.label)
    var panels: [PlotPanel] = []
    for group in groups.groups {
      let ranges = Set(group.cells.flatMap { data.rows($0).compactMap { $0["range_bytes"] }.compactMap(UInt64.init) })
      for range in ranges.sorted() {
        let lead = (group.title.isEmpty ? "" : group.title + ": ") + "\(Figure.bytes(range)) ranges, "
        func marks(_ column: String) -> [PlotSeries] {
          group.cells.flatMap { cell -> [PlotSeries] in
            guard let row = variants.firstIndex(of: cell.variant) else { return [] }
            let rows = data.rows(cell).filter { $0["range_bytes"] == String(range) }
            func summary(_ drains: Bool) -> MetricSummary {
              data.summary(rows.filter { $0["drains_first"] == String(drains) }, column)
            }
            return [
              DotRows.mark(
                summary(false), row: row, offset: 0.22, style: .alone, label: "without draining per-CPU lists"),
              DotRows.mark(summary(true), row: row, offset: -0.12, style: data.styles[cell.variant]),
            ].compactMap { $0 }
          }
        }
        let failures = marks("failures_per_1000")
        if !failures.isEmpty {
          panels.append(
            PlotPanel(
              title: lead + "failed first attempts", x: .linear("of 1000", to: 1000), y: .categories(labels),
              series: failures))
        }
        let times = marks("success_ns_p99")
        let values = times.flatMap(\.points).flatMap { [$0.x, $0.xSpan?.lowerBound, $0.xSpan?.upperBound] }
        if !times.isEmpty {
          panels.append(
            PlotPanel(
              title: lead + "time to success, p99", x: .time("time to success, p99", values.compactMap { $0 }),
              y: .categories(labels), series: times))
        }
      }
    }
    return panels.isEmpty
      ? nil
      : FigureContent(
        panels: panels, cells: cells, common: groups.common, columns: 2,
        panelHeight: Double(variants.count) * 22 + 10, leftMargin: DotRows.margin(labels))
  }
}
