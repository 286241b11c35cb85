import Records

/// Where the time under the lock is: what a CPU that wants the lock meets.
enum HoldTimeFigure: ReportFigure {
  static let name = "hold-time"
  static let title = "In how long holds the time under the zone lock is spent"
  static let caption = """
    Share of a session's time under the lock, with interrupts off, that is spent in holds longer than a time, both axes \
    logarithmic. A CPU that wants the lock at a random moment meets a hold by this distribution, not by that of the \
    counts: a strategy with a thousand short holds and one long one looks harmless there, and not here. Lines as in \
    the figure above. The table has the mean length of the hold such a CPU meets, and how long it waits for the lock at \
    a random moment of the session, on average, if no other wants it. `allocator` is no strategy.
    """
  static let source =
    "lock_holds.csv: upper_ns times count where kind is hold and phase isn't mutator; runs.csv: "
    + "lock_hold_ns_weighted_mean, lock_arrival_wait_ns"

  static func content(of data: ExperimentData) -> FigureContent? {
    HoldCurves(y: "time in holds longer than x") { Double($0.count) * $0.upperNs }.content(of: data, table: table)
  }

  private static func table(_ group: CellGroups.Group, _ data: ExperimentData) -> TableContent {
    return TableContent(
      caption: (group.title.isEmpty ? "" : group.title + ": ")
        + "what a CPU that wants the lock meets, in µs, median of the repetitions (lowest–highest)",
      titles: ["strategy", "hold met µs", "wait at a random moment µs", "total under the lock µs"],
      rows: group.cells.map { cell in
        [
          data.label(cell.variant), HoldCurves.times(cell) { $0.lock.holdNsWeightedMean },
          HoldCurves.times(cell) { $0.lock.arrivalWaitNs },
          HoldCurves.times(cell) { $0.lock.holdNsTotal },
        ]
      })
  }
}
