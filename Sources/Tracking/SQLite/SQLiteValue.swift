/// A value as SQLite stores it.
enum SQLiteValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  /// Nothing here writes one; what is in it isn't read.
  case blob
}

/// What can be bound to a parameter of a statement.
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
  /// As a name in SQL, whatever it is.
  var asSQLName: String { "\"" + replacing("\"", with: "\"\"") + "\"" }
}
