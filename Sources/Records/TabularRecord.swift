/// A record that is one row of a CSV file of a run.
public protocol TabularRecord: Sendable {
  /// Name of the file in the run folder.
  static var fileName: String { get }
  /// The columns in the file's order.
  static var columns: [Column<Self>] { get }
  /// A record with nothing in it, for a reader to fill column by column.
  static var blank: Self { get }
}

extension TabularRecord {
  /// The record's fields in the order of ``columns``; nil where not measured.
  public var fields: [String?] { Self.columns.map { $0.value(self) } }
}
