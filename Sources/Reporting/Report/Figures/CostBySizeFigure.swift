import Records

/// The cost of hints per TiB, and this machine's floor.
enum CostBySizeFigure: ReportFigure {
  static let name = "cost-by-size"
  static let title = "Cost per TiB of hints against guest size"
  static let caption = """
    Time from a session's start to its last hint over the bytes reported, each counted once; from a pass without a \
    probe. Marks are medians, bars span the lowest to the highest repetition. The black dotted line is this machine's \
    floor: a plain C loop over the same lists with the caches in the same state, measured in the same run. Returning \
    blocks is not in this time; the tables have the whole CPU time as well.
    """
  static let source = "cells.csv: ms_per_tib_median, _lowest and _highest, limit_ns_per_block, ns_per_block_median"

  static func content(of data: ExperimentData) -> FigureContent? {
    let cells = data.cells.filter { $0.cell[metric: "ms_per_tib"].median != nil }
    guard !cells.isEmpty else { return nil }
    let sweep = SizeSweep(cells, of: data)
    var content = FigureContent(panels: [], cells: cells, common: sweep.groups.common, panelHeight: 360)
    content.columns = sweep.groups.groups.count == 1 ? 1 : 2
    let width = Plot(name: "", title: "", columns: content.columns, panels: []).panelWidth
    let summaries = cells.map { $0.cell[metric: "ms_per_tib"] }
    let values = summaries.flatMap { [$0.lowest, $0.highest] }.compactMap { $0 } + cells.compactMap(limit)
    let y = PlotAxis.number("ms per TiB reported", values)
    let x = sweep.axis(panelWidth: width)
    for group in sweep.groups.groups {
      let series = sweep.series(group) { cell in
        let cost = cell.cell[metric: "ms_per_tib"]
        return cost.median.map { .init(x: Double(cell.cell.guestBytes), y: $0, ySpan: cost.span) }
      }
      content.panels.append(PlotPanel(title: group.title, x: x, y: y, series: limits(group.cells) + series))
    }
    return content
  }

  /// The floor in the unit of the cost.
  private static func limit(_ cell: ReportCell) -> Double? {
    guard let limit = cell.cell.limitNsPerBlock, let cost = cell.cell[metric: "ms_per_tib"].median,
      let block = cell.cell[metric: "ns_per_block"].median, block > 0
    else { return nil }
    return limit * cost / block
  }

  /// The floor at each size, by order and kind of guest.
  private static func limits(_ cells: [ReportCell]) -> [PlotSeries] {
    struct Key: Hashable {
      var order: Int?
      var granule: Int
      var vmemmap: Int
    }
    let kinds = Dictionary(grouping: cells) {
      Key(order: $0.cell.order, granule: $0.cell.granuleOrder ?? 0, vmemmap: $0.cell.vmemmapPageBytes ?? 0)
    }
    let hasOrders = Set(cells.map(\.cell.order)).count > 1
    return kinds.sorted { left, right in
      (left.key.order ?? 0, left.key.vmemmap, left.key.granule)
        < (right.key.order ?? 0, right.key.vmemmap, right.key.granule)
    }.map { key, cells in
      let sizes = Dictionary(grouping: cells, by: \.cell.guestBytes)
      let points = sizes.compactMap { size, cells in
        MetricSummary(cells.compactMap(limit)).median.map { PlotSeries.Point(x: Double(size), y: $0) }
      }
      return PlotSeries(
        label: "this machine's floor" + (hasOrders ? key.order.map { ", order \($0)" } ?? "" : ""), style: .limit,
        line: .dotted, width: 1.6, points: points.sorted { $0.x < $1.x })
    }
  }
}
