import Records

/// A series of points in a panel.
struct PlotSeries: Hashable {
  /// The legend entry; nil: none.
  var label: String?
  var style: MarkStyle
  var line = Line.none
  /// The line width. Pixels.
  var width = 1.0
  /// Whether points have marks.
  var hasMarks = true
  /// Every so many points has one, from which on; more would hide a line of many points.
  var markStep = 1
  var markFrom = 0
  /// Whether the series is translucent.
  var isFaint = false
  var points: [Point]

  enum Line: Hashable {
    case none, solid, dashed, dotted
    /// Steps between points: first horizontal, then vertical.
    case steps
    /// Such steps, dashed.
    case dashedSteps
  }

  struct Point: Hashable {
    var x: Double
    var y: Double
    /// The lowest and highest repetition; nil: no bar.
    var xSpan: ClosedRange<Double>?
    var ySpan: ClosedRange<Double>?
  }
}

extension MetricSummary {
  /// The lowest to the highest value; nil if they are equal, or nothing was measured.
  var span: ClosedRange<Double>? {
    guard let lowest, let highest, lowest < highest else { return nil }
    return lowest...highest
  }
}
