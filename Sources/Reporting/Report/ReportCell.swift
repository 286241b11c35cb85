import Records

/// A cell with what figures need to know of it.
struct ReportCell {
  let cell: CellRecord
  /// Its repetitions, without those that broke down.
  let repetitions: [RunRecord]
  let design: Design
  /// What the cell's conditions are, in words.
  let conditions: [Condition: String]
  /// Which of the report's runs it is of.
  let run: Int

  /// What names one cell among those of several runs.
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
    design = Design(strategy: cell.strategy, order: cell.order)
    conditions = Dictionary(
      uniqueKeysWithValues: Condition.allCases.map { ($0, $0.text(cell, runs.first, place: place)) })
    self.run = run
  }

  /// At a granule above 0 times are lower bounds.
  var isCoarse: Bool { (cell.granuleOrder ?? 0) > 0 }

  /// A figure of its repetitions; nil if none measured it.
  func summary(_ value: (RunRecord) -> Double?) -> MetricSummary { MetricSummary(repetitions.compactMap(value)) }
}
