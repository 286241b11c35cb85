import Records

/// Panels with one row per strategy.
enum DotRows {
  /// The width of the names. Pixels.
  static func margin(_ labels: [String]) -> Double {
    Double(labels.map(\.count).max() ?? 0) * Plot.letterWidth + 24
  }

  /// A mark with its bar in a row, offset from the row's middle; nil if nothing was measured.
  static func mark(
    _ summary: MetricSummary, row: Int, offset: Double = 0, style: MarkStyle, label: String? = nil
  ) -> PlotSeries? {
    guard let median = summary.median else { return nil }
    return PlotSeries(
      label: label, style: style, points: [.init(x: median, y: Double(row) + offset, xSpan: summary.span)])
  }
}
