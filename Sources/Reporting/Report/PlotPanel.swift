/// One coordinate system of a plot.
struct PlotPanel: Hashable {
  var title: String
  var x: PlotAxis
  var y: PlotAxis
  var series: [PlotSeries]

  /// A line along a value of an axis, over the whole of the other.
  enum Guide {
    case vertical(Double)
    case horizontal(Double)
  }

  /// Draws a guide under everything else.
  mutating func add(_ guide: Guide, label: String, line: PlotSeries.Line = .dashed) {
    let points: [PlotSeries.Point] =
      switch guide {
      case .vertical(let value): [.init(x: value, y: y.from), .init(x: value, y: y.to)]
      case .horizontal(let value): [.init(x: x.from, y: value), .init(x: x.to, y: value)]
      }
    series.insert(
      PlotSeries(label: label, style: .limit, line: line, width: 1.2, hasMarks: false, points: points), at: 0)
  }
}
