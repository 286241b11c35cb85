import Records

/// The whole distribution of the holds of each strategy.
enum HoldDistributionFigure: ReportFigure {
  static let name = "hold-distribution"
  static let title = "How long the zone lock is held"
  static let caption = """
    Share of a session's holds that are longer than a time (complementary cumulative distribution), both axes \
    logarithmic: a line ends at the longest hold, at 1/number of holds. Thin lines are single repetitions; the thick \
    one with marks is the repetition whose longest hold is the median of them. Repetitions are never pooled. The \
    probe's clock reads are in each hold, and those of giving blocks back are among them. The black dashed line is the \
    hold limit. `allocator` is no strategy: what a process's start and exit do under the lock.
    """
  static let source =
    "lock_holds.csv: upper_ns and count where kind is hold and phase isn't mutator; the table, runs.csv"

  static func content(of data: ExperimentData) -> FigureContent? {
    HoldCurves(y: "holds longer than x") { Double($0.count) }.content(of: data, table: table)
  }

  private static func table(_ group: CellGroups.Group, _ data: ExperimentData) -> TableContent {
    func counts(_ summary: MetricSummary) -> String {
      guard let median = summary.median else { return Figure.missing }
      return Figure.count(median)
        + (summary.span.map { " (\(Figure.count($0.lowerBound))–\(Figure.count($0.upperBound)))" } ?? "")
    }
    return TableContent(
      caption: (group.title.isEmpty ? "" : group.title + ": ")
        + "holds in µs, median of the repetitions (lowest–highest)",
      titles: ["strategy", "holds", "p50 µs", "p99 µs", "p99.9 µs", "longest µs", "total µs"],
      rows: group.cells.map { cell in
        [
          data.label(cell.variant),
          counts(cell.summary { $0.lock.acquisitions.map { Double($0) } }),
          HoldCurves.times(cell) { $0.lock.holdNsP50 }, HoldCurves.times(cell) { $0.lock.holdNsP99 },
          HoldCurves.times(cell) { $0.lock.holdNsP999 },
          HoldCurves.times(cell) { $0.lock.holdNsMax }, HoldCurves.times(cell) { $0.lock.holdNsTotal },
        ]
      })
  }
}
