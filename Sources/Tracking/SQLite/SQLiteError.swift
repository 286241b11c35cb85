/// What SQLite says of a call that failed.
struct SQLiteError: Error, CustomStringConvertible {
  /// With the extended part, as SQLITE_IOERR_WRITE.
  var extendedCode: Int32
  var message: String
  /// The statement; nil if none was at hand.
  var sql: String?

  /// Without the extended part, as SQLITE_IOERR.
  var code: Int32 { extendedCode & 0xff }

  var description: String { "SQLite error \(extendedCode): \(message)" + (sql.map { " in: \($0)" } ?? "") }
}
