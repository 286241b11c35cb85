import Experiments

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

  init(_ cell: CellRecord, of run: ReportRun, number: Int) {
    self.cell = cell
    repetitions = (run.runs[cell.cellID] ?? []).filter { $0.found.outcome != .error }
    design = Design(strategy: cell.strategy, order: cell.order)
    let first = run.runs[cell.cellID]?.first
    conditions = Dictionary(
      uniqueKeysWithValues: Condition.allCases.map { ($0, $0.text(cell, first, place: run.place)) })
    self.run = number
  }

  /// At a granule above 0 times are lower bounds.
  var isCoarse: Bool { cell.granuleOrder > 0 }

  /// A figure of its repetitions; nil where none measured it.
  func summary(_ value: (RunRecord) -> Double?) -> MetricSummary { MetricSummary(repetitions.compactMap(value)) }
}
