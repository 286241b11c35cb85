/// A figure of the report: which cells it shows of an experiment, how, and what is to be said of it.
///
/// Adding one is its file and a line in ``ReportFigures``.
protocol ReportFigure: Sendable {
  /// Part of its files' names: lower case, dashes.
  static var name: String { get }
  static var title: String { get }
  /// What is drawn, and how to read it.
  static var caption: String { get }
  /// The files and columns the figures come from.
  static var source: String { get }
  /// What there is to draw of an experiment; nil if that makes no sense.
  static func content(of data: ExperimentData) -> FigureContent?
}

/// What a figure has to draw.
struct FigureContent {
  /// The panels, which may be many: they are put on as many plots as that needs.
  var panels: [PlotPanel]
  /// The cells shown.
  var cells: [ReportCell]
  /// What they have in common, in words.
  var common: String
  var columns = 2
  /// Pixels.
  var panelHeight = 300.0
  /// Pixels.
  var leftMargin = 88.0
  /// What belongs beside it.
  var tables: [TableContent] = []
  /// Whether these say more than the plots, and are seen at once.
  var opensTables = false
  /// Panels on one plot at most; a multiple of `columns`.
  var panelsPerPlot = 6
}
