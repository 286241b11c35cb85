import Records

/// A table of the rows of one CSV file, of all runs. Fields are kept by column name, and columns are added as runs
/// bring them: a run of a time before a column has NULL there.
struct HistoryTable {
  let name: String

  static let repetitions = HistoryTable(name: "repetitions")
  static let cells = HistoryTable(name: "cells")

  /// That of an experiment's own file. Nothing needs quotes in SQL: `steady_state`.
  static func own(of experiment: String) -> HistoryTable {
    HistoryTable(name: experiment.replacing("-", with: "_"))
  }

  /// The column that says which run a row is of; `run_id`, which is the same in all its rows, isn't kept.
  private static let run = "run"

  /// Columns that hold text, even where it looks like a number. The others have no type, so that SQLite keeps each
  /// value as it is bound: a 64-bit seed beyond its integers must not become a rounded number.
  private static let text: Set<String> = names(RunRecord.self).union(names(CellRecord.self))

  private static func names<Record: TabularRecord>(_ type: Record.Type) -> Set<String> {
    let isText = Record.columns.filter { column in
      var record = Record.blank
      return !column.read("1", &record) || column.number(record) == nil
    }
    return Set(isText.map(\.name))
  }

  /// Makes the table, if it isn't there, with the columns that all runs have.
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

  /// Adds a run's rows. `columns`: the names of the fields of each row; nil stands for an empty field.
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

  /// A run's rows in the order they were added, with all fields or only some. A column the table lacks is left out.
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

  /// A number where its text can be had back from it, else the text.
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
