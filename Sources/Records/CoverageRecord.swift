/// A row of `coverage.csv`: how much of memory that became free the host knew of at one moment after that.
public struct CoverageRecord: Hashable, Sendable {
  /// `run_id`.
  public var runID: String
  /// `cell_id`.
  public var cellID: String
  /// `repetition`.
  public var repetition: Int
  /// `elapsed_ns`: the time since the memory became free. Nanoseconds.
  public var elapsedNs: Double
  /// `freed_share_reported`: 0 to 1; nil if nothing became free.
  public var freedShareReported: Double?
  /// `bytes_pcp`: the memory on the CPUs' per-CPU lists. Bytes.
  public var bytesPCP: UInt64

  /// Creates a record.
  public init(
    runID: String, cellID: String, repetition: Int, elapsedNs: Double, freedShareReported: Double?, bytesPCP: UInt64
  ) {
    self.runID = runID
    self.cellID = cellID
    self.repetition = repetition
    self.elapsedNs = elapsedNs
    self.freedShareReported = freedShareReported
    self.bytesPCP = bytesPCP
  }
}

extension CoverageRecord: RepetitionRecord {
  /// The record's repetition.
  public var key: RepetitionKey { RepetitionKey(cellID: cellID, repetition: repetition) }

  /// `coverage.csv`.
  public static var fileName: String { "coverage.csv" }

  /// A record without values.
  public static var blank: CoverageRecord {
    CoverageRecord(runID: "", cellID: "", repetition: 0, elapsedNs: 0, freedShareReported: nil, bytesPCP: 0)
  }

  /// The columns of `coverage.csv` in order.
  public static let columns: [Column<CoverageRecord>] = [
    Column("run_id", \.runID, meaning: "The run this row belongs to."),
    Column("cell_id", \.cellID, meaning: "The cell this row belongs to."),
    Column("repetition", \.repetition, meaning: "The repetition this row belongs to."),
    Column("elapsed_ns", unit: "ns", \.elapsedNs, meaning: "Time since the memory became free."),
    Column(
      "freed_share_reported", unit: "share", \.freedShareReported,
      meaning: "Share of that memory that had been reported by then."),
    Column(
      "bytes_pcp", unit: "bytes", \.bytesPCP, meaning: "Memory on the CPUs' per-CPU lists then."),
  ]
}
