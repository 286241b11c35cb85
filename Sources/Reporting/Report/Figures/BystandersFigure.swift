/// The cost to threads that allocate meanwhile.
enum BystandersFigure: ReportFigure {
  static let name = "bystanders"
  static let title = "Cost to load threads"
  static let caption = """
    p99 allocation latency, p99 irq-off time, throughput relative to running alone, and time waited for zone locks per \
    GiB reported beyond the wait alone, for load threads: while each strategy runs (its own mark) and, in the same \
    repetitions, alone on a guest built without it (grey, open). Marks are medians, bars span the lowest to the highest \
    repetition. Sessions start at the same rate for all strategies; at rate 0 each follows the last without a pause. \
    Any difference between `none` and grey is noise.
    """
  static let source =
    "cells.csv: mutator_alloc_ns_p99_*, mutator_irqoff_ns_p99_*; interference.csv: alone_alloc_ns_p99, "
    + "alone_irqoff_ns_p99, ops_ratio, waited_ns_per_gib"

  static func content(of data: ExperimentData) -> FigureContent? {
    let cells = data.cells.filter { cell in
      ["mutator_alloc_ns_p99", "mutator_irqoff_ns_p99"].contains { cell.cell[metric: $0].median != nil }
    }
    guard !cells.isEmpty else { return nil }
    let groups = CellGroups(cells, open: [])
    let variants = data.variants(cells)
    let labels = variants.map(data.label)
    var panels: [PlotPanel] = []
    for group in groups.groups {
      let lead = group.title.isEmpty ? "" : group.title + ": "
      for (metric, alone, title) in [
        ("mutator_alloc_ns_p99", "alone_alloc_ns_p99", "allocation, p99"),
        ("mutator_irqoff_ns_p99", "alone_irqoff_ns_p99", "interrupts off, p99"),
      ] {
        var series: [PlotSeries?] = []
        for cell in group.cells {
          guard let row = variants.firstIndex(of: cell.variant) else { continue }
          series += [
            DotRows.mark(
              data.summary(data.rows(cell), alone), row: row, offset: 0.22, style: .alone, label: "alone"),
            DotRows.mark(cell.cell[metric: metric], row: row, offset: -0.12, style: data.styles[cell.variant]),
          ]
        }
        let marks = series.compactMap { $0 }
        let values = marks.flatMap(\.points).flatMap { [$0.x, $0.xSpan?.lowerBound, $0.xSpan?.upperBound] }
        panels.append(
          PlotPanel(
            title: lead + title, x: .time(title, values.compactMap { $0 }), y: .categories(labels), series: marks))
      }
      func marks(_ column: String) -> [PlotSeries] {
        group.cells.compactMap { cell in
          variants.firstIndex(of: cell.variant).flatMap { row in
            DotRows.mark(data.summary(data.rows(cell), column), row: row, style: data.styles[cell.variant])
          }
        }
      }
      let waits = marks("waited_ns_per_gib")
      if !waits.isEmpty {
        let values = waits.flatMap(\.points).flatMap { [$0.x, $0.xSpan?.lowerBound, $0.xSpan?.upperBound] }
        panels.append(
          PlotPanel(
            title: lead + "time waited per GiB reported", x: .timeDifference("time per GiB", values.compactMap { $0 }),
            y: .categories(labels), series: waits))
      }
      let ratios = marks("ops_ratio")
      guard !ratios.isEmpty else { continue }
      let highest = ratios.flatMap(\.points).map { $0.xSpan?.upperBound ?? $0.x }.max() ?? 1
      var panel = PlotPanel(
        title: lead + "operations/s relative to running alone",
        x: .linear("times as many as alone", to: max(highest, 1)), y: .categories(labels), series: ratios)
      panel.add(.vertical(1), label: "as many as alone")
      panels.append(panel)
    }
    return FigureContent(
      panels: panels, cells: cells, common: groups.common, columns: 2,
      panelHeight: Double(variants.count) * 21 + 10, leftMargin: DotRows.margin(labels))
  }
}
