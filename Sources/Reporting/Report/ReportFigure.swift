/// A figure of the report: the cells it shows of an experiment, their presentation, and the caption.
///
/// To add one: its file, and a line in ``ReportFigures``.
protocol ReportFigure: Sendable {
  /// A part of its files' names: lower case, dashes.
  static var name: String { get }
  static var title: String { get }
  /// What is drawn, and how to read it.
  static var caption: String { get }
  /// The files and columns that the figures come from.
  static var source: String { get }
  /// The figure's content for an experiment; nil if it doesn't apply.
  static func content(of data: ExperimentData) -> FigureContent?
}

/// The content of a figure.
struct FigureContent {
  /// The panels, split into as many plots as necessary.
  var panels: [PlotPanel]
  /// The cells shown.
  var cells: [ReportCell]
  /// The description of what the cells have in common.
  var common: String
  var columns = 2
  /// The height of a panel. Pixels.
  var panelHeight = 300.0
  /// The space left of each panel. Pixels.
  var leftMargin = 88.0
  /// The tables beside the plots.
  var tables: [TableContent] = []
  /// Whether the tables say more than the plots and are shown open.
  var opensTables = false
  /// The most panels per plot; a multiple of `columns`.
  var panelsPerPlot = 6
}

/// All figures, in the order of the page. To add one: its file, and a line here.
enum ReportFigures {
  static let all: [any ReportFigure.Type] = [
    HoldDistributionFigure.self,
    HoldTimeFigure.self,
    HoldBySizeFigure.self,
    HoldBySeriesFigure.self,
    CostBySizeFigure.self,
    FrontierFigure.self,
    CoverageFigure.self,
    BystandersFigure.self,
    SteadyStateFigure.self,
    CoverageCourseFigure.self,
    FootprintFigure.self,
    ContiguousFigure.self,
    MigrationFigure.self,
  ]
}
