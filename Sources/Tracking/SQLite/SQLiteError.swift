/// A failed SQLite call.
struct SQLiteError: Error, CustomStringConvertible {
  /// The extended result code, such as SQLITE_IOERR_WRITE.
  var extendedCode: Int32
  var message: String
  /// The statement; nil if there was none.
  var sql: String?

  /// The primary result code, such as SQLITE_IOERR.
  var code: Int32 { extendedCode & 0xff }

  var description: String { "SQLite error \(extendedCode): \(message)" + (sql.map { " in: \($0)" } ?? "") }
}
