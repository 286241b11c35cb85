/// The largest guest for which each strategy stays within the hold limit.
enum HoldBySizeFigure: ReportFigure {
  static let name = "hold-by-size"
  static let title = "Longest hold against guest size"
  static let caption = """
    The median over repetitions of a session's longest hold, without preempted ones; the bar goes from the lowest to \
    the highest repetition. The black dashed line is the hold limit. A ring marks the smallest measured guest that is \
    beyond it (more than half of all sessions, at 95 % confidence); nothing is inter- or extrapolated. Strategies are \
    offset sideways at each size; of guests of one size each strategy has a row. `allocator` is no strategy: what a \
    process's start and exit do under the lock.
    """
  static let source =
    "cells.csv: lock_hold_ns_max_undisturbed_median, _lowest and _highest, hold_limit_ns, hold_limit_verdict"

  static func content(of data: ExperimentData) -> FigureContent? {
    let cells = data.cells.filter { $0.cell.longestHold.median != nil }
    guard !cells.isEmpty else { return nil }
    if Set(cells.map(\.cell.guestBytes)).count == 1 { return dots(cells, of: data) }
    let sweep = SizeSweep(cells, of: data)
    var content = FigureContent(panels: [], cells: cells, common: sweep.groups.common, panelHeight: 360)
    content.columns = sweep.groups.groups.count == 1 ? 1 : 2
    let width = Plot(name: "", title: "", columns: content.columns, panels: []).panelWidth
    let limits = Set(cells.compactMap(\.cell.holdLimitNs)).sorted()
    let values = cells.flatMap { [$0.cell.longestHold.lowest, $0.cell.longestHold.highest] }
    let y = PlotAxis.time("longest hold", values.compactMap { $0 } + limits)
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

  /// A row for each strategy: of one size, marks above each other would be a knot.
  private static func dots(_ cells: [ReportCell], of data: ExperimentData) -> FigureContent {
    let groups = CellGroups(cells, open: [])
    let variants = data.variants(cells)
    let labels = variants.map(data.label)
    let limits = Set(cells.compactMap(\.cell.holdLimitNs)).sorted()
    let values = cells.flatMap { [$0.cell.longestHold.lowest, $0.cell.longestHold.highest] }
    let x = PlotAxis.time("longest hold", values.compactMap { $0 } + limits)
    let panels = groups.groups.map { group -> PlotPanel in
      var rings: [PlotSeries] = []
      let marks = group.cells.compactMap { cell -> PlotSeries? in
        guard let row = variants.firstIndex(of: cell.variant) else { return nil }
        let mark = DotRows.mark(cell.cell.longestHold, row: row, style: data.styles[cell.variant])
        if cell.cell.holdLimitVerdict == .beyond, let mark {
          rings.append(PlotSeries(label: "beyond the limit", style: .ring, points: mark.points.map(\.bare)))
        }
        return mark
      }
      var panel = PlotPanel(title: group.title, x: x, y: .categories(labels), series: marks + rings)
      for limit in limits { panel.add(.vertical(limit), label: "hold limit \(Figure.time(ns: limit))") }
      return panel
    }
    return FigureContent(
      panels: panels, cells: cells, common: groups.common, columns: panels.count == 1 ? 1 : 2,
      panelHeight: Double(variants.count) * 21 + 10, leftMargin: DotRows.margin(labels),
      tables: [BreakTable(groups, data).content])
  }

  private static func point(_ cell: ReportCell) -> PlotSeries.Point? {
    let hold = cell.cell.longestHold
    return hold.median.map { PlotSeries.Point(x: Double(cell.cell.guestBytes), y: $0, ySpan: hold.span) }
  }

  /// The smallest cell of each strategy that is beyond its limit.
  private static func firstBeyond(_ cells: [ReportCell]) -> Set<ReportCell.Place> {
    let beyond = cells.filter { $0.cell.holdLimitVerdict == .beyond }
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
