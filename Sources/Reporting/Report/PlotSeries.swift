import Records

/// Points of a panel that belong together.
struct PlotSeries: Hashable {
  /// What the legend says; nil: nothing.
  var label: String?
  var style: MarkStyle
  var line = Line.none
  /// Width of the line in pixels.
  var width = 1.0
  /// Whether there is a mark at each point.
  var hasMarks = true
  /// Lets what lies below shine through.
  var isFaint = false
  var points: [Point]

  enum Line: Hashable {
    case none, solid, dashed, dotted
    /// From point to point: first along, then up or down.
    case steps
    /// Such steps, dashed.
    case dashedSteps
  }

  struct Point: Hashable {
    var x: Double
    var y: Double
    /// Lowest and highest repetition; nil: no bar.
    var xSpan: ClosedRange<Double>?
    var ySpan: ClosedRange<Double>?
  }
}

extension MetricSummary {
  /// Lowest to highest; nil if they are the same, or nothing was measured.
  var span: ClosedRange<Double>? {
    guard let lowest, let highest, lowest < highest else { return nil }
    return lowest...highest
  }
}
