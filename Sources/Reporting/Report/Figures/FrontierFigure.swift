/// Cost against hold: no strategy is best in both.
enum FrontierFigure: ReportFigure {
  static let name = "frontier"
  static let title = "Cost against longest hold"
  static let caption = """
    Each strategy on one guest: further left, shorter holds; further down, cheaper hints. Bars span the \
    repetitions; a hold is the median over repetitions of a session's longest, without preempted ones. The grey staircase is the frontier among strategies \
    that reach at least 99 % of the best coverage there (the coverage figure shows the others; they may lie beyond \
    it). The black dashed line is the hold limit.
    """
  static let source =
    "cells.csv: lock_hold_ns_max_undisturbed_*, ms_per_tib_*, coverage_free_median"

  static func content(of data: ExperimentData) -> FigureContent? {
    let cells = data.cells.filter {
      $0.cell.longestHold.median != nil && $0.cell[metric: "ms_per_tib"].median != nil
    }
    guard !cells.isEmpty else { return nil }
    let groups = CellGroups(cells, open: [])
    let limits = Set(cells.compactMap(\.cell.holdLimitNs)).sorted()
    let costs = cells.flatMap { [$0.cell[metric: "ms_per_tib"].lowest, $0.cell[metric: "ms_per_tib"].highest] }
    let holds = cells.flatMap { [$0.cell.longestHold.lowest, $0.cell.longestHold.highest] }
    let panels = groups.groups.map { group -> PlotPanel in
      let series = group.cells.compactMap { cell in
        point(cell).map {
          PlotSeries(label: data.label(cell.variant), style: data.styles[cell.variant], points: [$0])
        }
      }
      var panel = PlotPanel(
        title: group.title, x: .time("longest hold", holds.compactMap { $0 } + limits),
        y: .number("ms a TiB reported", costs.compactMap { $0 }), series: series)
      panel.series.insert(frontier(group.cells, panel), at: 0)
      for limit in limits { panel.add(.vertical(limit), label: "hold limit \(Figure.time(ns: limit))") }
      return panel
    }
    return FigureContent(panels: panels, cells: cells, common: groups.common, panelHeight: 330)
  }

  private static func point(_ cell: ReportCell) -> PlotSeries.Point? {
    let cost = cell.cell[metric: "ms_per_tib"]
    let hold = cell.cell.longestHold
    guard let longest = hold.median, let median = cost.median else { return nil }
    return .init(x: longest, y: median, xSpan: hold.span, ySpan: cost.span)
  }

  private static func frontier(_ cells: [ReportCell], _ panel: PlotPanel) -> PlotSeries {
    let reached = cells.compactMap { $0.cell[metric: "coverage_free"].median }.max() ?? 0
    return .front(
      cells.filter { ($0.cell[metric: "coverage_free"].median ?? 0) >= 0.99 * reached }.compactMap(point), in: panel)
  }
}
