import Records

/// The share of free memory that a strategy reports.
enum CoverageFigure: ReportFigure {
  static let name = "coverage"
  static let title = "Coverage of the free lists"
  static let caption = """
    Bytes reported that were free at the start, each counted once, as a share of all memory on the free lists, of \
    every order and zone; per-CPU lists aren't among them. Marks are medians, bars span the lowest to the highest repetition. The dashed line is the share of blocks of \
    the order looked at and above: no strategy can exceed it without looking at smaller blocks.
    """
  static let source = "cells.csv: coverage_free_median, _lowest and _highest; the line: coverage_free over coverage"

  static func content(of data: ExperimentData) -> FigureContent? {
    let cells = data.cells.filter {
      $0.cell[metric: "coverage_free"].median != nil && $0.variant.base != "none"
    }
    guard !cells.isEmpty else { return nil }
    let groups = CellGroups(cells, open: [])
    let variants = data.variants(cells)
    let axis = PlotAxis.linear("reported share of the free lists", to: 100, unit: " %")
    let panels = groups.groups.map { group -> PlotPanel in
      let series = group.cells.compactMap { cell -> PlotSeries? in
        let share = cell.cell[metric: "coverage_free"]
        guard let median = share.median, let row = variants.firstIndex(of: cell.variant) else { return nil }
        return PlotSeries(
          style: data.styles[cell.variant],
          points: [
            .init(x: median * 100, y: Double(row), xSpan: share.span.map { $0.lowerBound * 100...$0.upperBound * 100 })
          ])
      }
      var panel = PlotPanel(
        title: group.title, x: axis, y: .categories(variants.map(data.label)), series: series)
      for (order, ceiling) in ceilings(group.cells) {
        panel.add(.vertical(ceiling * 100), label: "all free blocks of order \(order) and above")
      }
      return panel
    }
    return FigureContent(
      panels: panels, cells: cells, common: groups.common, columns: 2,
      panelHeight: Double(variants.count) * 19 + 10, leftMargin: DotRows.margin(variants.map(data.label)))
  }

  /// The share of free memory in blocks of at least each order.
  private static func ceilings(_ cells: [ReportCell]) -> [(order: Int, share: Double)] {
    let byOrder = Dictionary(grouping: cells.filter { $0.cell.order != nil }) { $0.cell.order ?? 0 }
    return byOrder.sorted { $0.key < $1.key }.compactMap { order, cells in
      let shares = cells.compactMap { cell -> Double? in
        guard let all = cell.cell[metric: "coverage_free"].median, let own = cell.cell[metric: "coverage"].median,
          own > 0
        else { return nil }
        return all / own
      }
      return MetricSummary(shares).median.map { (order, $0) }
    }
  }
}
