import Foundation
import Records

extension History {
  /// All runs, or the newest `limit`, newest first by their start.
  ///
  /// - Throws: ``UserError``.
  public func runs(limit: Int? = nil) throws(UserError) -> [HistoryEntry] {
    try read { db in try entries(in: db, limit: limit) }
  }

  /// Finds a run by its name or run_id, by a unique beginning of one, or by `@1` for the newest, `@2` for the one
  /// before.
  ///
  /// - Throws: ``UserError`` of kind input if no run matches, or several.
  public func entry(named word: String) throws(UserError) -> HistoryEntry {
    try read { db in try entry(named: word, in: db) }
  }

  /// Reads a run, see ``entry(named:)``: the content of the imported folder, under the run's name in the history.
  ///
  /// - Throws: ``UserError`` of kind input if no run matches, or several.
  public func run(named word: String) throws(UserError) -> TrackedRun {
    try read { db in try run(entry(named: word, in: db), in: db) }
  }

  func entries(
    in db: SQLiteDatabase, where condition: String = "1", _ arguments: [any SQLiteBindable] = [], limit: Int? = nil
  ) throws -> [HistoryEntry] {
    let sql = """
      SELECT \(HistoryEntry.columns) FROM runs WHERE \(condition)
      ORDER BY started DESC, id DESC LIMIT \(limit ?? -1)
      """
    return try db.rows(sql, arguments).map(HistoryEntry.init)
  }

  private func entry(named word: String, in db: SQLiteDatabase) throws -> HistoryEntry {
    func refuse(_ what: String) -> UserError {
      UserError(.input, "\(path): \(what); `hintbench history list` shows the runs")
    }
    if word.first == "@" {
      guard let number = Int(word.dropFirst()), number > 0 else {
        throw refuse("invalid run '\(word)': expected @1 (newest), @2, ...")
      }
      let newest = try entries(in: db, limit: number)
      guard newest.count == number, let last = newest.last else {
        throw refuse("there is no run \(word), of \(newest.count)")
      }
      return last
    }
    if let exact = try entries(in: db, where: "name = ?", [word]).first { return exact }
    if let exact = try entries(in: db, where: "run_id = ?", [word]).first { return exact }
    let begun = try entries(
      in: db, where: "substr(name, 1, length(?1)) = ?1 OR substr(run_id, 1, length(?1)) = ?1", [word])
    guard let first = begun.first, !word.isEmpty else { throw refuse("there is no run '\(word)'") }
    guard begun.count == 1 else { throw refuse("'\(word)' is the beginning of \(begun.count) runs' names") }
    return first
  }

  // MARK: A whole run

  /// The columns that every read includes; other columns may be selected.
  static let identityColumns: Set = ["cell_id", "repetition", "experiment", "strategy", "outcome", "counters_source"]

  /// Reads a run with today's cell ids. `columns`: the columns to read beside ``identityColumns``, the others stay
  /// empty; nil: all.
  func run(_ entry: HistoryEntry, only columns: Set<String>? = nil, in db: SQLiteDatabase) throws -> TrackedRun {
    // Mapping a cell to today's id needs all its columns.
    entry.schemaVersion < 3 ? try storedRun(entry, in: db).mapped : try storedRun(entry, only: columns, in: db)
  }

  /// Reads a run as imported.
  func storedRun(_ entry: HistoryEntry, only columns: Set<String>? = nil, in db: SQLiteDatabase) throws -> TrackedRun {
    let meta: RunMeta
    do {
      let text = try db.value("SELECT meta FROM runs WHERE id = ?", [entry.id])?.string ?? ""
      meta = try JSONDecoder.standard.decode(RunMeta.self, from: Data(text.utf8))
    } catch is DecodingError {
      throw UserError(.input, "\(path): the meta of \(entry.name) is damaged; \(History.accepted)")
    }
    let wanted = columns?.union(Self.identityColumns)
    var ownRows: [String: [[String: String]]] = [:]
    for experiment in entry.experiments {
      let table = HistoryTable.own(of: experiment)
      guard try table.exists(in: db) else { continue }
      let found = try table.rows(of: entry.id, only: wanted, in: db)
      if found.rows.isEmpty { continue }
      ownRows[experiment] = found.rows.map { row in
        var fields = ["run_id": entry.runID]
        for (name, field) in zip(found.columns, row) { if let field { fields[name] = field } }
        return fields
      }
    }
    return TrackedRun(
      name: entry.name, meta: meta, repetitions: try records(.repetitions, of: entry, only: wanted, in: db),
      cells: try records(.cells, of: entry, only: wanted, in: db), ownRows: ownRows,
      catalogue: catalogue)
  }

  private func records<Record: TabularRecord>(
    _ table: HistoryTable, of entry: HistoryEntry, only wanted: Set<String>?, in db: SQLiteDatabase
  ) throws -> [Record] {
    let found = try table.rows(of: entry.id, only: wanted, in: db)
    let places = Dictionary(uniqueKeysWithValues: zip(found.columns, found.columns.indices))
    let columns = Record.columns.filter { wanted?.contains($0.name) != false }
    return try found.rows.map { row in
      var record = Record.blank
      for column in columns {
        let field = column.name == "run_id" ? entry.runID : places[column.name].flatMap { row[$0] }
        guard column.read(field, &record) else {
          throw UserError(
            .input, "\(path): \(entry.name) has no \(column.name) that this version can read; import the run again")
        }
      }
      return record
    }
  }
}
