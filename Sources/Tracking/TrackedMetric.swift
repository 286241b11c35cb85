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

  /// The column of a repetition's longest hold, without preempted ones; runs made before there was one have
  /// `lock_hold_ns_max` in it.
  public static let longestHold = "lock_hold_ns_max_undisturbed"

  /// The columns that its values are made of.
  var columns: [String] { name == Self.longestHold ? [name, "lock_holds_preempted", "lock_hold_ns_max"] : [name] }

  /// The former headline, kept for a release: it falls with every repetition. A run has one value per cell.
  public static let repeatableHold = TrackedMetric(
    name: "lock_hold_ns_max_repeatable", unit: "ns",
    meaning: "Former headline: the longest hold that every repetition had.",
    direction: .lowerIsBetter, isPrimary: false, source: .cells(\.lockHoldNsMaxRepeatable))

  /// Everything with a direction that a run of this experiment has, in the order of the files.
  public static func all(of experiment: String, _ catalogue: Catalogue) -> [TrackedMetric] {
    let counters: Set = ["cycles", "instructions", "l1d_misses", "l2_misses", "llc_misses", "dtlb_misses"]
    let shared = RunRecord.columns.filter { $0.direction != .none }.map { column in
      let source: Source =
        if counters.contains(column.name) {
          .counter(column.number)
        } else if column.name == longestHold {
          .runs { $0.lock.longestHold }
        } else {
          .runs(column.number)
        }
      return TrackedMetric(
        name: column.name, unit: column.unit, meaning: column.meaning, direction: column.direction,
        isPrimary: column.isPrimary || counters.contains(column.name), source: source)
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
