/// The time until freed memory is reported.
enum SteadyStateFigure: ReportFigure {
  static let name = "steady-state"
  static let title = "How soon freed memory is reported"
  static let caption = """
    Half of the guest becomes free at time 0. Three points are measured for each strategy: when the first GiB, half, \
    and the last of it in the window was reported, the last at the share reached; either of the first two only if \
    every repetition got so far. Marks are medians, bars span the lowest to the highest repetition. The dotted line \
    only joins the points; what lies between them was not recorded. With the virtual clock a strategy's work takes no \
    time: 0 is at the left edge.
    """
  static let source =
    "steady-state.csv: first_gib_ns, half_ns, last_ns, freed_bytes, freed_share_reported, clock"

  static func content(of data: ExperimentData) -> FigureContent? {
    guard data.card.name == "steady-state" else { return nil }
    let clocks = Dictionary(grouping: data.cells) { data.rows($0).first?["clock"] ?? "" }
    var panels: [PlotPanel] = []
    var shown: [ReportCell] = []
    let cells = data.cells.filter { !points($0, data, floor: 1).isEmpty }
    guard !cells.isEmpty else { return nil }
    let common = CellGroups(cells, open: []).common
    for (clock, cells) in clocks.sorted(by: { $0.key < $1.key }) {
      let titled = CellGroups(cells.filter { cell in !points(cell, data, floor: 1).isEmpty }, open: [])
      for group in titled.groups {
        let times = group.cells.flatMap { points($0, data, floor: 0) }
          .flatMap { [$0.x, $0.xSpan?.lowerBound, $0.xSpan?.upperBound].compactMap { $0 } }
        let least = times.filter { $0 > 0 }.min() ?? 1e6
        let hasZero = times.contains { $0 <= 0 }
        let floor = hasZero ? least / 4 : least
        let series = group.cells.map { cell in
          PlotSeries(
            label: data.label(cell.variant), style: data.styles[cell.variant], line: .dotted,
            points: points(cell, data, floor: floor))
        }
        var x = PlotAxis.time("time since the memory became free", times.filter { $0 > 0 } + [floor])
        if hasZero { x.tics = [.init(place: floor, label: "0")] + x.tics.filter { $0.place >= least } }
        var y = PlotAxis.linear("reported share of it", to: 100, unit: " %")
        y.to = 106
        panels.append(
          PlotPanel(
            title: ["\(clock) clock", group.title].filter { !$0.isEmpty && $0 != " clock" }.joined(separator: ", "),
            x: x, y: y, series: series))
        shown += group.cells
      }
    }
    return FigureContent(
      panels: panels, cells: shown, common: common, columns: panels.count == 1 ? 1 : 2, panelHeight: 320)
  }

  /// Share and time of the three points, in order; a time below `floor` is drawn at `floor`.
  private static func points(_ cell: ReportCell, _ data: ExperimentData, floor: Double) -> [PlotSeries.Point] {
    let rows = data.rows(cell)
    let freed = data.summary(rows, "freed_bytes").median ?? 0
    let reached = data.summary(rows, "freed_share_reported")
    let gib = freed > 0 ? Double(1 << 30) / freed * 100 : nil
    var points: [PlotSeries.Point] = []
    for (column, share) in [
      ("first_gib_ns", gib), ("half_ns", 50), ("last_ns", reached.median.map { $0 * 100 }),
    ] {
      // A median over only the repetitions that got this far would be too good.
      let isOfAll = rows.allSatisfy { $0[column].flatMap { Double($0) } != nil }
      guard isOfAll || column == "last_ns" else { continue }
      let time = data.summary(rows, column)
      guard let median = time.median, let share else { continue }
      let span = time.span.map { max($0.lowerBound, floor)...max($0.upperBound, floor) }
      points.append(
        .init(
          x: max(median, floor), y: share, xSpan: span,
          ySpan: column == "last_ns" ? reached.span.map { $0.lowerBound * 100...$0.upperBound * 100 } : nil))
    }
    return points.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
  }
}
