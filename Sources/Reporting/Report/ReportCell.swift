import Records

/// A cell with the data that figures need.
struct ReportCell {
  let cell: CellRecord
  /// Its repetitions, without failed ones.
  let repetitions: [RunRecord]
  let variant: StrategyVariant
  /// The cell's conditions, as text.
  let conditions: [Condition: String]
  /// The number of its run in the report.
  let run: Int

  /// Identifies a cell among those of several runs.
  struct Place: Hashable {
    let run: Int
    let cellID: String
  }

  var place: Place { Place(run: run, cellID: cell.cellID) }

  /// - Parameters:
  ///   - runs: the cell's repetitions.
  ///   - place: machine and program.
  ///   - run: the number of its run.
  init(_ cell: CellRecord, runs: [RunRecord], place: String, run: Int) {
    self.cell = cell
    repetitions = runs.filter { $0.found.outcome != .error }
    variant = StrategyVariant(strategy: cell.strategy, order: cell.order)
    conditions = Dictionary(
      uniqueKeysWithValues: Condition.allCases.map { ($0, $0.text(cell, runs.first, place: place)) })
    self.run = run
  }

  /// Whether times are lower bounds, as at a granule above 0.
  var isCoarse: Bool { (cell.granuleOrder ?? 0) > 0 }

  /// A summary of a value of its repetitions; nil values if none measured it.
  func summary(_ value: (RunRecord) -> Double?) -> MetricSummary { MetricSummary(repetitions.compactMap(value)) }
}
