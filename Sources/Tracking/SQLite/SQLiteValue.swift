/// A value as SQLite stores it.
enum SQLiteValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  /// Never written here; its content isn't read.
  case blob
}

/// A value that can be bound to a statement's parameter.
protocol SQLiteBindable {
  var sqliteValue: SQLiteValue { get }
}

extension SQLiteValue: SQLiteBindable {
  var sqliteValue: SQLiteValue { self }
}

extension String: SQLiteBindable {
  var sqliteValue: SQLiteValue { .text(self) }
}

extension Int64: SQLiteBindable {
  var sqliteValue: SQLiteValue { .integer(self) }
}

extension Int: SQLiteBindable {
  var sqliteValue: SQLiteValue { .integer(Int64(self)) }
}

extension Bool: SQLiteBindable {
  var sqliteValue: SQLiteValue { .integer(self ? 1 : 0) }
}

extension Optional: SQLiteBindable where Wrapped: SQLiteBindable {
  var sqliteValue: SQLiteValue { self?.sqliteValue ?? .null }
}

extension String {
  /// The text as a quoted SQL identifier.
  var asSQLName: String { "\"" + replacing("\"", with: "\"\"") + "\"" }
}
