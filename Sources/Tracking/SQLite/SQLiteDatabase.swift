import CSQLite

/// An open SQLite file, for one thread at a time. Only as much of SQLite's interface as the history needs.
final class SQLiteDatabase {
  private let handle: OpaquePointer

  /// Opens the file; for writing it is created if missing. Foreign keys are enforced.
  ///
  /// - Parameter patience: how long to wait while another process has the file locked. Milliseconds.
  /// - Throws: ``SQLiteError``.
  init(_ path: String, isReadOnly: Bool = false, patience: Int32 = 5000) throws(SQLiteError) {
    let flags = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let opened else {
      defer { sqlite3_close_v2(opened) }
      throw SQLiteError(
        extendedCode: opened.map { sqlite3_extended_errcode($0) } ?? code,
        message: String(cString: sqlite3_errstr(code)))
    }
    handle = opened
    sqlite3_busy_timeout(handle, patience)
    try execute("PRAGMA foreign_keys = ON")
  }

  deinit { sqlite3_close_v2(handle) }

  private func failure(_ sql: String?) -> SQLiteError {
    SQLiteError(
      extendedCode: sqlite3_extended_errcode(handle), message: String(cString: sqlite3_errmsg(handle)), sql: sql)
  }

  /// Executes one or several statements without parameters.
  ///
  /// - Throws: ``SQLiteError``.
  func execute(_ sql: String) throws(SQLiteError) {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
  }

  /// Executes one statement.
  ///
  /// - Throws: ``SQLiteError``.
  func execute(_ sql: String, _ arguments: [any SQLiteBindable]) throws(SQLiteError) {
    try statement(sql).run(arguments)
  }

  /// Prepares a statement.
  ///
  /// - Throws: ``SQLiteError`` if it is invalid.
  func statement(_ sql: String) throws(SQLiteError) -> Statement {
    var prepared: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &prepared, nil) == SQLITE_OK, let prepared else { throw failure(sql) }
    return Statement(prepared, sql, self)
  }

  /// Returns every row, in order.
  ///
  /// - Throws: ``SQLiteError``.
  func rows(_ sql: String, _ arguments: [any SQLiteBindable] = []) throws(SQLiteError) -> [SQLiteRow] {
    let statement = try statement(sql)
    try statement.bind(arguments)
    var rows: [SQLiteRow] = []
    while let row = try statement.next() { rows.append(row) }
    return rows
  }

  /// Returns the first value of the first row; nil if there is none.
  ///
  /// - Throws: ``SQLiteError``.
  func value(_ sql: String, _ arguments: [any SQLiteBindable] = []) throws(SQLiteError) -> SQLiteValue? {
    try rows(sql, arguments).first?.values.first
  }

  /// The row id of the last inserted row.
  var lastInsertedRowID: Int64 { sqlite3_last_insert_rowid(handle) }

  /// The columns of a table, each with its declared type; empty if there is no such table.
  ///
  /// - Throws: ``SQLiteError``.
  func columns(in table: String) throws(SQLiteError) -> [(name: String, type: String)] {
    try rows("SELECT name, type FROM pragma_table_info(?)", [table]).map { ($0.string(0), $0.string(1)) }
  }

  func hasTable(_ name: String) throws(SQLiteError) -> Bool {
    try value("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", [name]) != .integer(0)
  }

  /// Runs `body` in a transaction, which is stored completely or not at all.
  ///
  /// - Parameter isWriting: locks the file for writing from the start.
  func transaction<Value>(isWriting: Bool, _ body: (SQLiteDatabase) throws -> Value) throws -> Value {
    try execute(isWriting ? "BEGIN IMMEDIATE" : "BEGIN")
    do {
      let value = try body(self)
      try execute("COMMIT")
      return value
    } catch {
      // Some errors have already ended it.
      if sqlite3_get_autocommit(handle) == 0 { try? execute("ROLLBACK") }
      throw error
    }
  }

  /// A prepared statement.
  final class Statement {
    private let handle: OpaquePointer
    private let sql: String
    private let database: SQLiteDatabase
    private let names: [String]

    fileprivate init(_ handle: OpaquePointer, _ sql: String, _ database: SQLiteDatabase) {
      self.handle = handle
      self.sql = sql
      self.database = database
      names = (0..<sqlite3_column_count(handle)).map { String(cString: sqlite3_column_name(handle, $0)) }
    }

    deinit { sqlite3_finalize(handle) }

    /// Binds all parameters and resets the statement.
    func bind(_ arguments: [any SQLiteBindable]) throws(SQLiteError) {
      sqlite3_reset(handle)
      precondition(arguments.count == Int(sqlite3_bind_parameter_count(handle)), "arguments of: \(sql)")
      for (index, argument) in arguments.enumerated() {
        let place = Int32(index + 1)
        let code =
          switch argument.sqliteValue {
          case .null, .blob: sqlite3_bind_null(handle, place)
          case .integer(let number): sqlite3_bind_int64(handle, place, number)
          case .real(let number): sqlite3_bind_double(handle, place, number)
          case .text(let text): hintbench_sqlite_bind_text(handle, place, text, Int32(text.utf8.count))
          }
        guard code == SQLITE_OK else { throw database.failure(sql) }
      }
    }

    /// Returns the next row; nil after the last one.
    func next() throws(SQLiteError) -> SQLiteRow? {
      switch sqlite3_step(handle) {
      case SQLITE_ROW: return SQLiteRow(names: names, values: names.indices.map { value(Int32($0)) })
      case SQLITE_DONE: return nil
      default: throw database.failure(sql)
      }
    }

    /// Executes the statement to its end, ignoring rows.
    func run(_ arguments: [any SQLiteBindable]) throws(SQLiteError) {
      try bind(arguments)
      while try next() != nil {}
      sqlite3_reset(handle)
    }

    private func value(_ column: Int32) -> SQLiteValue {
      switch sqlite3_column_type(handle, column) {
      case SQLITE_INTEGER: return .integer(sqlite3_column_int64(handle, column))
      case SQLITE_FLOAT: return .real(sqlite3_column_double(handle, column))
      case SQLITE_TEXT:
        let bytes = UnsafeRawBufferPointer(
          start: sqlite3_column_text(handle, column), count: Int(sqlite3_column_bytes(handle, column)))
        return .text(String(decoding: bytes, as: UTF8.self))
      case SQLITE_NULL: return .null
      default: return .blob
      }
    }
  }
}

/// A row of a result.
struct SQLiteRow {
  let names: [String]
  let values: [SQLiteValue]

  /// The value of a column; the result must have it.
  subscript(_ name: String) -> SQLiteValue {
    guard let index = names.firstIndex(of: name) else { preconditionFailure("no column \(name) in the result") }
    return values[index]
  }

  /// The text of a column; empty if it isn't text.
  func string(_ index: Int) -> String { values[index].string ?? "" }
}

extension SQLiteValue {
  var string: String? { if case .text(let text) = self { text } else { nil } }
  var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
}

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
