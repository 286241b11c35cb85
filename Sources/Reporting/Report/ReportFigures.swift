/// All figures, in the order of the page. To add one: its file, and a line here.
enum ReportFigures {
  static let all: [any ReportFigure.Type] = [
    HoldDistributionFigure.self,
    HoldBySizeFigure.self,
    CostBySizeFigure.self,
    FrontierFigure.self,
    CoverageFigure.self,
    BystandersFigure.self,
    SteadyStateFigure.self,
    ContiguousFigure.self,
    MigrationFigure.self,
  ]
}
