import Records

/// One experiment's data, for the report's figures.
struct ExperimentData {
  let card: ExperimentCard
  let runs: [ReportRun]
  /// The cells that may be drawn, in order.
  let cells: [ReportCell]
  /// The cells with more measured threads than CPUs, shown in tables only.
  let oversubscribed: [ReportCell]
  let styles: VariantStyles
  /// Published migrations, for comparison.
  let published: [PublishedMigration]
  /// Published grids of reporting, for comparison.
  let publishedReporting: [PublishedReporting]
  let labels: [StrategyVariant: String]

  init(
    _ card: ExperimentCard, runs: [ReportRun], cells: [ReportCell], styles: VariantStyles,
    published: [PublishedMigration] = [], publishedReporting: [PublishedReporting] = []
  ) {
    self.card = card
    self.runs = runs
    let own = cells.filter { $0.cell.experiment == card.name }
    self.cells = own.filter { !$0.cell.oversubscribed }
    oversubscribed = own.filter(\.cell.oversubscribed)
    self.styles = styles
    self.published = published
    self.publishedReporting = publishedReporting
    labels = StrategyVariant.labels(own.map(\.variant))
  }

  func label(_ variant: StrategyVariant) -> String { labels[variant] ?? variant.strategy }

  /// The holds of each repetition of the cell, by repetition number.
  func holds(_ cell: ReportCell) -> [Int: [HoldBucketRecord]] {
    let counted = Set(cell.repetitions.map(\.identity.repetition))
    return (runs[cell.run].holds[cell.cell.cellID] ?? [:]).filter { counted.contains($0.key) }
  }

  /// The rows of coverage.csv of each repetition of the cell, by repetition number.
  func coverage(_ cell: ReportCell) -> [Int: [CoverageRecord]] {
    let counted = Set(cell.repetitions.map(\.identity.repetition))
    return (runs[cell.run].coverage[cell.cell.cellID] ?? [:]).filter { counted.contains($0.key) }
  }

  /// The cell's rows of EXPERIMENT.csv.
  func rows(_ cell: ReportCell) -> [[String: String]] {
    let counted = Set(cell.repetitions.map(\.identity.repetition))
    return (runs[cell.run].rows[card.name] ?? []).filter {
      $0["cell_id"] == cell.cell.cellID && $0["repetition"].flatMap { Int($0) }.map(counted.contains) == true
    }
  }

  /// A summary of a column of EXPERIMENT.csv over a cell's rows.
  func summary(_ rows: [[String: String]], _ column: String) -> MetricSummary {
    MetricSummary(rows.compactMap { $0[column] }.compactMap(Double.init))
  }

  /// The strategies of some cells, in their order.
  func variants(_ cells: [ReportCell]) -> [StrategyVariant] {
    var seen: Set<StrategyVariant> = []
    return cells.map(\.variant).filter { seen.insert($0).inserted }
  }
}
