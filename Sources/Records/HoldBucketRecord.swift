/// One bucket of a histogram of holds or waits of a repetition: a row of `lock_holds.csv`.
public struct HoldBucketRecord: Hashable, Sendable {
  /// The thread and its activity.
  public enum Phase: String, CaseIterable, Codable, Sendable, ColumnValue {
    /// The strategy's thread while it collects.
    case collect
    /// The strategy's thread while it gives blocks back.
    case `return`
    /// The mutators.
    case mutator
  }

  /// What was timed.
  public enum Kind: String, CaseIterable, Codable, Sendable, ColumnValue {
    /// From after acquiring to before releasing.
    case hold
    /// From the first try to the acquisition.
    case wait
  }

  /// `run_id`.
  public var runID: String
  /// `cell_id`.
  public var cellID: String
  /// `repetition`.
  public var repetition: Int
  /// `phase`.
  public var phase: Phase
  /// `kind`.
  public var kind: Kind
  /// `upper_ns`: the inclusive upper bound of the bucket. ns.
  public var upperNs: Double
  /// `count`: holds or waits in this bucket only.
  public var count: Int

  /// Creates a record.
  public init(
    runID: String, cellID: String, repetition: Int, phase: Phase, kind: Kind, upperNs: Double, count: Int
  ) {
    self.runID = runID
    self.cellID = cellID
    self.repetition = repetition
    self.phase = phase
    self.kind = kind
    self.upperNs = upperNs
    self.count = count
  }
}

extension HoldBucketRecord: RepetitionRecord {
  /// The record's repetition.
  public var key: RepetitionKey { RepetitionKey(cellID: cellID, repetition: repetition) }

  /// `lock_holds.csv`.
  public static var fileName: String { "lock_holds.csv" }

  /// A record without values.
  public static var blank: HoldBucketRecord {
    HoldBucketRecord(runID: "", cellID: "", repetition: 0, phase: .collect, kind: .hold, upperNs: 0, count: 0)
  }

  /// The columns of `lock_holds.csv` in order.
  public static let columns: [Column<HoldBucketRecord>] = [
    Column("run_id", \.runID, meaning: "The run this row belongs to."),
    Column("cell_id", \.cellID, meaning: "The cell this row belongs to."),
    Column("repetition", \.repetition, meaning: "The repetition this row belongs to."),
    Column("phase", \.phase, meaning: "Whose: collect, return or mutator."),
    Column("kind", \.kind, meaning: "What was timed: hold or wait."),
    Column("upper_ns", unit: "ns", \.upperNs, meaning: "Upper end of the bucket, inclusive."),
    Column("count", \.count, meaning: "Holds or waits in this bucket."),
  ]
}
