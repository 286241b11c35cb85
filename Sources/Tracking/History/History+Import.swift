import Foundation
import Machine
import Records
import Reporting

extension History {
  /// The outcome of an import.
  public enum Imported: Sendable, Equatable {
    case added
    /// An unfinished copy of the run was replaced.
    case replaced
    /// The same run was already there.
    case alreadyThere
  }

  /// The run folders of a path: the path itself or, if it isn't one, those below it, by name, such as several launches.
  ///
  /// - Throws: ``UserError`` of kind input if there are none.
  public static func runFolders(at path: String) throws(UserError) -> [String] {
    func isRun(_ path: String) -> Bool { FileAccess.exists(path + "/meta.json") }
    func below(_ path: String, depth: Int) throws(UserError) -> [String] {
      var found: [String] = []
      for name in try FileAccess.names(in: path) {
        let folder = path + "/" + name
        if isRun(folder) {
          found.append(folder)
        } else if depth > 1, FileAccess.isFolder(folder) {
          found += try below(folder, depth: depth - 1)
        }
      }
      return found
    }
    guard !isRun(path), FileAccess.isFolder(path) else { return [path] }
    let found: [String]
    // OUT/base/001 is two deep.
    do { found = try below(path, depth: 2) } catch { throw UserError(error, path: path) }
    guard !found.isEmpty else {
      throw UserError(.input, "\(path): no run found; expected a run folder, or a folder of run folders")
    }
    return found
  }

  /// Adds a run in one transaction, under its run_id unless another name is given.
  ///
  /// A run that is already there stays unchanged; one that was imported unfinished is replaced.
  ///
  /// - Parameter isPartialAllowed: accepts an unfinished run, such as a killed one, and marks it.
  /// - Throws: ``UserError``: usage for an invalid name or one in use; input for a run that is unfinished, has no
  ///   repetition, or is there with different content; io.
  public func add(_ run: TrackedRun, name: String? = nil, isPartialAllowed: Bool = false) throws(UserError)
    -> Imported
  {
    let meta = run.meta
    guard meta.finished != nil || isPartialAllowed else {
      throw UserError(
        .input,
        "\(run.name): the run is unfinished; resume it with `hintbench run --resume`, or import it with --partial"
      )
    }
    guard let first = run.repetitions.first else {
      throw UserError(.input, "\(run.name): no repetition is committed; expected at least one")
    }
    guard run.repetitions.allSatisfy({ $0.identity.runID == meta.runID }),
      run.cells.allSatisfy({ $0.runID == meta.runID })
    else {
      throw UserError(.input, "\(run.name): rows of another run than meta.json's \(meta.runID)")
    }
    if let name { try Self.requireName(name) }
    let metaText = try encoded(meta)

    return try write { db in
      var outcome = Imported.added
      if let entry = try entries(in: db, where: "run_id = ?", [meta.runID]).first {
        let stored = try storedRun(entry, in: db)
        if stored.hasContent(of: run) { return .alreadyThere }
        guard entry.finished == nil, meta.finished != nil || run.repetitions.count > entry.repetitions else {
          throw UserError(
            .input, "\(run.name): the run \(meta.runID) is in the history, as \(entry.name), with other content")
        }
        try db.execute("DELETE FROM runs WHERE id = ?", [entry.id])
        outcome = .replaced
      }
      let called = name ?? meta.runID
      guard try entries(in: db, where: "name = ?", [called]).isEmpty else {
        throw UserError(.usage, "the name \(called) is taken; choose another with --name")
      }
      let facts: [any SQLiteBindable] = [
        meta.runID, called, meta.started.columnText, meta.finished?.columnText, first.identity.host,
        meta.host["cpu_model"].flatMap { if case .string(let text) = $0 { text } else { nil } }, meta.buildMode,
        meta.commit, first.identity.branch, meta.dirty, run.experiments.joined(separator: ","), run.cellIDs.count,
        run.repetitions.count, meta.schemaVersion, meta.commandLine.joined(separator: " "), metaText,
      ]
      try db.execute(
        """
        INSERT INTO runs (run_id, name, started, finished, host, cpu_model, build_mode, "commit", branch, dirty,
          experiments, cells, repetitions, schema_version, command, meta)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """, facts)
      let id = db.lastInsertedRowID
      try insert(run.repetitions, into: .repetitions, run: id, db)
      try insert(run.cells, into: .cells, run: id, db)
      for (experiment, rows) in run.ownRows.sorted(by: { $0.key < $1.key }) {
        let columns = Set(rows.flatMap(\.keys)).subtracting(["run_id"]).sorted()
        try HistoryTable.own(of: experiment).insert(
          rows.map { row in columns.map { row[$0] } }, columns: columns, run: id, in: db)
      }
      return outcome
    }
  }

  /// Checks the name of a run: a word that isn't a path, an option or `@1`.
  private static func requireName(_ name: String) throws(UserError) {
    let isAccepted =
      !name.isEmpty && name.first != "@" && name.first != "-"
      && name.unicodeScalars.allSatisfy { $0 != "/" && $0.value > 0x20 && $0.value != 0x7F }
    guard isAccepted else {
      throw UserError(
        .usage, "invalid run name '\(name)': expected no blanks, no slash, and no leading @ or -")
    }
  }

  private func encoded(_ meta: RunMeta) throws(UserError) -> String {
    let encoder = JSONEncoder.standard
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return String(decoding: try encoder.encode(meta), as: UTF8.self) } catch {
      throw UserError(.fault, "meta.json can't be encoded: \(error)")
    }
  }

  private func insert<Record: TabularRecord>(
    _ records: [Record], into table: HistoryTable, run: Int64, _ db: SQLiteDatabase
  ) throws {
    let columns = Record.columns.filter { $0.name != "run_id" }
    try table.insert(
      records.map { record in columns.map { $0.value(record) } }, columns: columns.map(\.name), run: run, in: db)
  }
}

extension TrackedRun {
  /// The experiments, in the order of their first repetition.
  var experiments: [String] {
    var seen: Set<String> = []
    return repetitions.map(\.identity.experiment).filter { seen.insert($0).inserted }
  }

  /// Whether both are the same run, regardless of name.
  func hasContent(of other: TrackedRun) -> Bool {
    meta == other.meta && repetitions == other.repetitions && cells == other.cells && ownRows == other.ownRows
  }
}
