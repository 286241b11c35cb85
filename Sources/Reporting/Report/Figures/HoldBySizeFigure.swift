/// The largest guest for which each strategy stays within the hold limit.
enum HoldBySizeFigure: ReportFigure {
  static let name = "hold-by-size"
  static let title = "Longest repeatable hold against guest size"
  static let caption = """
    The longest hold that every repetition had (the max over holds k of the min over repetitions of hold k); the bar \
    goes up to the longest single hold of any repetition (mostly noise on a shared machine). The black dashed line is \
    the hold limit. A ring marks the smallest measured guest that exceeds it; nothing is inter- or extrapolated. \
    Strategies are offset sideways at each size.
    """
  static let source =
    "cells.csv: lock_hold_ns_max_repeatable, lock_hold_ns_max_lowest and _highest, hold_limit_ns, within_hold_limit"

  static func content(of data: ExperimentData) -> FigureContent? {
    let cells = data.cells.filter { $0.cell.lockHoldNsMaxRepeatable != nil }
    guard !cells.isEmpty else { return nil }
    let sweep = SizeSweep(cells, of: data)
    var content = FigureContent(panels: [], cells: cells, common: sweep.groups.common, panelHeight: 360)
    content.columns = sweep.groups.groups.count == 1 ? 1 : 2
    let width = Plot(name: "", title: "", columns: content.columns, panels: []).panelWidth
    let limits = Set(cells.compactMap(\.cell.holdLimitNs)).sorted()
    let values = cells.flatMap { [$0.cell.lockHoldNsMaxRepeatable, $0.cell[metric: "lock_hold_ns_max"].highest] }
    let y = PlotAxis.time("longest repeatable hold", values.compactMap { $0 } + limits)
    let x = sweep.axis(panelWidth: width)
    for group in sweep.groups.groups {
      var panel = PlotPanel(title: group.title, x: x, y: y, series: sweep.series(group, point))
      let broken = firstBeyond(group.cells)
      let rings = sweep.series(group) { cell in broken.contains(cell.place) ? point(cell) : nil }
      for ring in rings {
        panel.series.append(
          PlotSeries(label: "smallest guest beyond the limit", style: .ring, points: ring.points.map(\.bare)))
      }
      for limit in limits { panel.add(.horizontal(limit), label: "hold limit \(Figure.time(ns: limit))") }
      content.panels.append(panel)
    }
    content.tables = [BreakTable(sweep.groups, data).content]
    return content
  }

  private static func point(_ cell: ReportCell) -> PlotSeries.Point? {
    cell.cell.lockHoldNsMaxRepeatable.map { hold in
      let highest = cell.cell[metric: "lock_hold_ns_max"].highest ?? hold
      return PlotSeries.Point(
        x: Double(cell.cell.guestBytes), y: hold, ySpan: highest > hold ? hold...highest : nil)
    }
  }

  /// The smallest cell of each strategy that is beyond its limit.
  private static func firstBeyond(_ cells: [ReportCell]) -> Set<ReportCell.Place> {
    let beyond = cells.filter { $0.cell.withinHoldLimit == false }
    return Set(
      Dictionary(grouping: beyond, by: \.variant).values.compactMap { cells in
        cells.min { $0.cell.guestBytes < $1.cell.guestBytes }?.place
      })
  }
}

extension PlotSeries.Point {
  /// The same point without bars.
  var bare: Self { .init(x: x, y: y) }
}

extension PlotSeries.Line {
  var isNone: Bool { self == .none }
}
