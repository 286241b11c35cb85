/// The count of an event that was requested by name, in one repetition: a row of `events.csv`.
public struct EventCountRecord: Hashable, Sendable {
  /// `run_id`.
  public var runID: String
  /// `cell_id`.
  public var cellID: String
  /// `repetition`.
  public var repetition: Int
  /// `event`: PAPI's name.
  public var event: String
  /// `count`.
  public var count: Int?

  /// Creates a record.
  public init(runID: String, cellID: String, repetition: Int, event: String, count: Int?) {
    self.runID = runID
    self.cellID = cellID
    self.repetition = repetition
    self.event = event
    self.count = count
  }
}

extension EventCountRecord: RepetitionRecord {
  /// The record's repetition.
  public var key: RepetitionKey { RepetitionKey(cellID: cellID, repetition: repetition) }

  /// `events.csv`.
  public static var fileName: String { "events.csv" }

  /// A record without values.
  public static var blank: EventCountRecord {
    EventCountRecord(runID: "", cellID: "", repetition: 0, event: "", count: nil)
  }

  /// The columns of `events.csv` in order.
  public static let columns: [Column<EventCountRecord>] = [
    Column("run_id", \.runID, meaning: "The run this row belongs to."),
    Column("cell_id", \.cellID, meaning: "The cell this row belongs to."),
    Column("repetition", \.repetition, meaning: "The repetition this row belongs to."),
    Column("event", \.event, meaning: "The event, as --events named it."),
    Column(
      "count", \.count,
      meaning: "How often it happened in the strategy's thread in user mode, the pass without a probe."),
  ]
}
