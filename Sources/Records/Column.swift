/// A column of a CSV file: its name, its meaning, and how a record's value is written and read.
public struct Column<Record: Sendable>: Sendable {
  /// The name in the header line, with the base unit (`_ns`, `_bytes`).
  public let name: String
  /// The unit of the values; empty if they have none.
  public let unit: String
  /// One line for `hintbench list metrics`.
  public let meaning: String
  /// Which way the metric gets better.
  public let direction: MetricDirection
  /// Whether `cells.csv` summarises it and comparisons judge it.
  public let isPrimary: Bool
  /// The schema_version that added it.
  public let since: Int
  /// The field's text; nil if not measured. Numbers are the shortest decimal that parses to the same value, with a
  /// decimal point, without locale and exponent.
  public let value: @Sendable (Record) -> String?
  /// The value as a number; nil if not measured or not a number.
  public let number: @Sendable (Record) -> Double?
  /// Sets the record's value from a field's text, nil for an empty field. Returns false if the text is invalid.
  public let read: @Sendable (_ text: String?, _ record: inout Record) -> Bool

  /// Creates a column for a stored property.
  public init<Value: ColumnValue>(
    _ name: String,
    unit: String = "",
    direction: MetricDirection = .none,
    isPrimary: Bool = false,
    _ path: any WritableKeyPath<Record, Value> & Sendable,
    meaning: String,
    since: Int = 1
  ) {
    self.init(
      name, unit: unit, direction: direction, isPrimary: isPrimary, meaning: meaning, since: since,
      get: { $0[keyPath: path] }, set: { $0[keyPath: path] = $1 })
  }

  /// Creates a column with a getter and a setter.
  public init<Value: ColumnValue>(
    _ name: String,
    unit: String = "",
    direction: MetricDirection = .none,
    isPrimary: Bool = false,
    meaning: String,
    since: Int = 1,
    get: @escaping @Sendable (Record) -> Value,
    set: @escaping @Sendable (_ record: inout Record, _ value: Value) -> Void
  ) {
    self.name = name
    self.unit = unit
    self.meaning = meaning
    self.direction = direction
    self.isPrimary = isPrimary
    self.since = since
    value = { get($0).columnText }
    number = { get($0).columnNumber }
    read = { text, record in
      guard let value = Value(columnText: text) else { return false }
      set(&record, value)
      return true
    }
  }
}

/// Which direction is better for a metric.
public enum MetricDirection: String, Codable, Sendable {
  /// Lower is better: times, holds, misses.
  case lowerIsBetter
  /// Higher is better: coverage, operations a second.
  case higherIsBetter
  /// Neither: settings, identities, and descriptive counts.
  case none

  /// The name in listings.
  public var name: String {
    switch self {
    case .lowerIsBetter: "lower"
    case .higherIsBetter: "higher"
    case .none: ""
    }
  }
}

/// A record that is one row of a CSV file of a run.
public protocol TabularRecord: Sendable {
  /// The file's name in the run folder.
  static var fileName: String { get }
  /// The columns in the file's order.
  static var columns: [Column<Self>] { get }
  /// A record without values, which a reader fills column by column.
  static var blank: Self { get }
}

/// A record of one repetition, or of a part of one.
public protocol RepetitionRecord: TabularRecord {
  /// The repetition it belongs to.
  var key: RepetitionKey { get }
}

extension TabularRecord {
  /// The record's fields in the order of ``columns``; nil if not measured.
  public var fields: [String?] { Self.columns.map { $0.value(self) } }
}
