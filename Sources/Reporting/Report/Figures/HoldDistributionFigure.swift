import Records

/// The whole distribution of the holds of each strategy.
enum HoldDistributionFigure: ReportFigure {
  static let name = "hold-distribution"
  static let title = "How long the zone lock is held"
  static let caption = """
    Share of a session's holds that are longer than a time (complementary cumulative distribution), both axes \
    logarithmic: a line ends at the longest hold, at 1/number of holds. Thin lines are single repetitions; the thick \
    one with marks is the repetition whose longest hold is the median of them. Repetitions are never pooled. The \
    probe's clock reads are in each hold. The black dashed line is the hold limit.
    """
  static let source = "lock_holds.csv: upper_ns and count where phase is collect and kind is hold; the table, runs.csv"

  static func content(of data: ExperimentData) -> FigureContent? {
    let cells = data.cells.filter { !data.holds($0).isEmpty }
    guard data.card.timesZoneLock, !cells.isEmpty else { return nil }
    let groups = CellGroups(cells, open: [])
    var panels: [PlotPanel] = []
    var tables: [TableContent] = []
    for group in groups.groups {
      let lines = group.cells.flatMap { series($0, data) }
      let limits = Set(group.cells.compactMap(\.cell.holdLimitNs)).sorted()
      let points = lines.flatMap(\.points)
      var panel = PlotPanel(
        title: group.title, x: .time("length of a hold x", points.map(\.x) + limits),
        y: .share("holds longer than x", points.map(\.y)), series: lines)
      // A line doesn't end in the air: the longest hold is longer than any other.
      for index in panel.series.indices where !panel.series[index].line.isNone {
        if let last = panel.series[index].points.last {
          panel.series[index].points.append(.init(x: last.x, y: panel.y.from))
        }
      }
      for limit in limits { panel.add(.vertical(limit), label: "hold limit \(Figure.time(ns: limit))") }
      panels.append(panel)
      tables.append(table(group, data))
    }
    return FigureContent(
      panels: panels, cells: cells, common: groups.common, panelHeight: 330, tables: tables)
  }

  private static func series(_ cell: ReportCell, _ data: ExperimentData) -> [PlotSeries] {
    let repetitions = data.holds(cell).map { number, buckets in
      (number: number, points: Self.points(buckets))
    }.filter { !$0.points.isEmpty }.sorted { left, right in
      let longest = (left.points.last?.x ?? 0, right.points.last?.x ?? 0)
      return longest.0 == longest.1 ? left.number < right.number : longest.0 < longest.1
    }
    guard !repetitions.isEmpty else { return [] }
    let style = data.styles[cell.variant]
    let line = cell.isCoarse ? PlotSeries.Line.dashedSteps : .steps
    let middle = (repetitions.count - 1) / 2
    var series = repetitions.indices.filter { $0 != middle }.map { index in
      PlotSeries(
        style: style, line: line, width: 0.6, hasMarks: false, isFaint: true, points: repetitions[index].points)
    }
    let points = repetitions[middle].points
    series.append(PlotSeries(style: style, line: line, width: 1.6, hasMarks: false, points: points))
    // A mark at each fifth of the line, the ends included.
    let places = Set((0...4).map { $0 * (points.count - 1) / 4 }).sorted()
    series.append(PlotSeries(label: data.label(cell.variant), style: style, points: places.map { points[$0] }))
    return series
  }

  /// The points at which the share of longer holds falls, with the share before each.
  static func points(_ buckets: [HoldBucketRecord]) -> [PlotSeries.Point] {
    let sorted = buckets.filter { $0.count > 0 }.sorted { $0.upperNs < $1.upperNs }
    let all = sorted.reduce(0) { $0 + $1.count }
    var longer = all
    return sorted.map { bucket in
      let point = PlotSeries.Point(x: max(bucket.upperNs, 1), y: Double(longer) / Double(all))
      longer -= bucket.count
      return point
    }
  }

  private static func table(_ group: CellGroups.Group, _ data: ExperimentData) -> TableContent {
    func times(_ cell: ReportCell, _ value: (RunRecord) -> Double?) -> String {
      Figure.spread(cell.summary(value), per: 1000).map { (cell.isCoarse ? "≥" : "") + $0.median + $0.range }
        ?? Figure.missing
    }
    func counts(_ summary: MetricSummary) -> String {
      guard let median = summary.median else { return Figure.missing }
      return Figure.count(median)
        + (summary.span.map { " (\(Figure.count($0.lowerBound))–\(Figure.count($0.upperBound)))" } ?? "")
    }
    return TableContent(
      caption: (group.title.isEmpty ? "" : group.title + ": ")
        + "holds in µs, median of the repetitions (lowest–highest)",
      titles: ["strategy", "holds", "p50 µs", "p99 µs", "p99.9 µs", "longest µs", "total µs"],
      rows: group.cells.map { cell in
        [
          data.label(cell.variant),
          counts(cell.summary { $0.lock.acquisitions.map { Double($0) } }),
          times(cell) { $0.lock.holdNsP50 }, times(cell) { $0.lock.holdNsP99 }, times(cell) { $0.lock.holdNsP999 },
          times(cell) { $0.lock.holdNsMax }, times(cell) { $0.lock.holdNsTotal },
        ]
      })
  }
}
