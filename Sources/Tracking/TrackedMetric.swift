import Records

/// A number that runs are compared by: a column of `runs.csv` or of an experiment's own file, or a value of `cells.csv`
/// for a whole cell.
public struct TrackedMetric: Sendable {
  /// The column's name.
  public let name: String
  /// The unit of its values; empty if they have none.
  public let unit: String
  /// One line for listings.
  public let meaning: String
  /// Which direction is better.
  public let direction: MetricDirection
  /// Whether it is used by default.
  public let isPrimary: Bool
  let source: Source

  enum Source: Sendable {
    /// runs.csv: one value per repetition.
    case runs(@Sendable (RunRecord) -> Double?)
    /// runs.csv: a counter; its value is exact if the row says that it was simulated.
    case counter(@Sendable (RunRecord) -> Double?)
    /// EXPERIMENT.csv: one value per row, with possibly several rows per repetition, distinguished by key columns.
    case own(experiment: String, keys: [String])
    /// cells.csv: one value for all repetitions.
    case cells(@Sendable (CellRecord) -> Double?)
  }

  /// The repeatable hold. Goals and verdicts use it instead of a repetition's longest hold, which on a shared machine
  /// is mostly noise. A run has one value per cell.
  public static let repeatableHold = TrackedMetric(
    name: "lock_hold_ns_max_repeatable", unit: "ns", meaning: "The longest hold that every repetition had.",
    direction: .lowerIsBetter, isPrimary: true, source: .cells(\.lockHoldNsMaxRepeatable))

  /// Everything with a direction that a run of this experiment has, in the order of the files.
  public static func all(of experiment: String, _ catalogue: Catalogue) -> [TrackedMetric] {
    let counters: Set = ["cycles", "instructions", "l1d_misses", "l2_misses", "llc_misses", "dtlb_misses"]
    let shared = RunRecord.columns.filter { $0.direction != .none }.map { column in
      TrackedMetric(
        name: column.name, unit: column.unit, meaning: column.meaning, direction: column.direction,
        isPrimary: column.isPrimary || counters.contains(column.name),
        source: counters.contains(column.name) ? .counter(column.number) : .runs(column.number))
    }
    let columns = catalogue.experiment(experiment)?.columns ?? []
    let keys = columns.filter(\.isKey).map(\.name)
    let own = columns.filter { $0.direction != .none }.map { column in
      TrackedMetric(
        name: column.name, unit: column.unit, meaning: column.meaning, direction: column.direction,
        isPrimary: column.isPrimary, source: .own(experiment: experiment, keys: keys))
    }
    return shared + [repeatableHold] + own
  }
}
