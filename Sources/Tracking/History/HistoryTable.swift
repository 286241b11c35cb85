import Records

/// The table for the rows of one CSV file, of all runs. Fields are stored by column name, and columns are added as runs
/// bring them; they are NULL for older runs.
struct HistoryTable {
  let name: String

  static let repetitions = HistoryTable(name: "repetitions")
  static let cells = HistoryTable(name: "cells")

  /// The table of an experiment's own file, with a name that needs no quotes in SQL: `steady_state`.
  static func own(of experiment: String) -> HistoryTable {
    HistoryTable(name: experiment.replacing("-", with: "_"))
  }

  /// The column with a row's run; `run_id`, which is the same in all of a run's rows, isn't stored.
  private static let run = "run"

  /// Columns of text, even if it looks like a number. The others have no type, so that SQLite stores each value as
  /// bound: a 64-bit seed beyond its integers must not be rounded.
  private static let text: Set<String> = names(RunRecord.self).union(names(CellRecord.self))

  private static func names<Record: TabularRecord>(_ type: Record.Type) -> Set<String> {
    let isText = Record.columns.filter { column in
      var record = Record.blank
      return !column.read("1", &record) || column.number(record) == nil
    }
    return Set(isText.map(\.name))
  }

  /// Creates the table, if missing, with the columns that all runs have.
  func make(in db: SQLiteDatabase) throws {
    try db.execute(
      """
      CREATE TABLE IF NOT EXISTS \(name.asSQLName) (
        \(Self.run) INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
        cell_id TEXT
      )
      """)
    if name != Self.repetitions.name {
      let index = (name + "_by_run").asSQLName
      try db.execute(
        "CREATE INDEX IF NOT EXISTS \(index) ON \(name.asSQLName)(\(Self.run))")
    }
  }

  /// Adds a run's rows. `columns`: the names of each row's fields; nil is an empty field.
  func insert(_ rows: [[String?]], columns: [String], run: Int64, in db: SQLiteDatabase) throws {
    try make(in: db)
    var types = try self.types(in: db)
    for column in columns where types[column] == nil {
      guard column != Self.run else { throw UserError(.input, "a column of \(name) can't be called \(column)") }
      let type = Self.text.contains(column) ? "TEXT" : ""
      try db.execute(
        "ALTER TABLE \(name.asSQLName) ADD COLUMN \(column.asSQLName) \(type)")
      types[column] = type
    }
    let names = [Self.run] + columns.map(\.asSQLName)
    let marks = names.map { _ in "?" }.joined(separator: ",")
    let statement = try db.statement(
      "INSERT INTO \(name.asSQLName) (\(names.joined(separator: ","))) VALUES (\(marks))")
    let isText = columns.map { types[$0] == "TEXT" }
    for row in rows {
      let values = zip(row, isText).map { field, isText in
        field.map { isText ? .text($0) : Self.value($0) } ?? SQLiteValue.null
      }
      try statement.run([.integer(run)] + values)
    }
  }

  /// A run's rows in the order they were added, with all or the wanted fields. Columns that the table lacks are left
  /// out.
  func rows(of run: Int64, only wanted: Set<String>? = nil, in db: SQLiteDatabase) throws
    -> (columns: [String], rows: [[String?]])
  {
    let columns = try db.columns(in: name).map(\.name).filter {
      $0 != Self.run && wanted?.contains($0) != false
    }
    let list = columns.map(\.asSQLName).joined(separator: ",")
    let sql = "SELECT \(list) FROM \(name.asSQLName) WHERE \(Self.run) = ? ORDER BY rowid"
    return (columns, try db.rows(sql, [run]).map { $0.values.map(Self.text) })
  }

  func exists(in db: SQLiteDatabase) throws -> Bool { try db.hasTable(name) }

  private func types(in db: SQLiteDatabase) throws -> [String: String] {
    Dictionary(try db.columns(in: name).map { ($0.name, $0.type) }) { first, _ in first }
  }

  /// A number if its text can be restored from it, otherwise the text.
  private static func value(_ field: String) -> SQLiteValue {
    if let number = Int64(field), String(number) == field { return .integer(number) }
    if let number = Double(field), number.decimalText == field { return .real(number) }
    return .text(field)
  }

  private static func text(_ value: SQLiteValue) -> String? {
    switch value {
    case .null, .blob: nil
    case .integer(let number): String(number)
    case .real(let number): number.decimalText
    case .text(let text): text
    }
  }
}
