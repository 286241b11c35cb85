import Records

/// Curves over the length of holds: which share of a session's holds, or of its time under the lock, is in longer ones.
struct HoldCurves {
  /// The label of the y axis.
  let y: String
  /// What a bucket counts for.
  let weight: (HoldBucketRecord) -> Double

  /// A panel and a table for each guest and load; nil if no hold was timed.
  func content(
    of data: ExperimentData, table: (CellGroups.Group, ExperimentData) -> TableContent
  ) -> FigureContent? {
    let cells = data.cells.filter { !data.holds($0).isEmpty }
    guard data.card.timesZoneLock, !cells.isEmpty else { return nil }
    let groups = CellGroups(cells, open: [])
    var panels: [PlotPanel] = []
    for group in groups.groups {
      let lines = group.cells.flatMap { series($0, data) }
      let limits = Set(group.cells.compactMap(\.cell.holdLimitNs)).sorted()
      let points = lines.flatMap(\.points)
      var panel = PlotPanel(
        title: group.title, x: .time("length of a hold x", points.map(\.x) + limits),
        y: .share(y, points.map(\.y)), series: lines)
      // A line doesn't end in the air: the longest hold is longer than any other.
      for index in panel.series.indices where !panel.series[index].line.isNone {
        if let last = panel.series[index].points.last {
          panel.series[index].points.append(.init(x: last.x, y: panel.y.from))
        }
      }
      for limit in limits { panel.add(.vertical(limit), label: "hold limit \(Figure.time(ns: limit))") }
      panels.append(panel)
    }
    return FigureContent(
      panels: panels, cells: cells, common: groups.common, panelHeight: 330,
      tables: groups.groups.map { table($0, data) })
  }

  /// A time of a cell's repetitions as in the tables: microseconds, a lower bound at a granule above 0.
  static func times(_ cell: ReportCell, _ value: (RunRecord) -> Double?) -> String {
    Figure.spread(cell.summary(value), per: 1000).map { (cell.isCoarse ? "≥" : "") + $0.median + $0.range }
      ?? Figure.missing
  }

  private func series(_ cell: ReportCell, _ data: ExperimentData) -> [PlotSeries] {
    let repetitions = data.holds(cell).map { number, buckets in
      (number: number, points: self.points(buckets))
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
  func points(_ buckets: [HoldBucketRecord]) -> [PlotSeries.Point] {
    var weights: [Double: Double] = [:]
    for bucket in buckets where bucket.count > 0 { weights[bucket.upperNs, default: 0] += weight(bucket) }
    let all = weights.values.reduce(0, +)
    var longer = all
    return weights.sorted { $0.key < $1.key }.map { upper, weight in
      let point = PlotSeries.Point(x: max(upper, 1), y: longer / all)
      longer -= weight
      return point
    }
  }
}
