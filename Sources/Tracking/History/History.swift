import Foundation
import Machine
import Records
import Reporting

/// Runs of many nights in one SQLite file. Each run is stored completely or not at all, even if the program is killed.
///
/// The file is in rollback-journal mode, so that it is a single file between imports. Each run is one transaction, on
/// disk when its import is reported. Tables, also for use with sqlite3(1): `runs`; `repetitions` and `cells` with the
/// columns of runs.csv and cells.csv; and one for each experiment's own file (`steady_state` for steady-state.csv).
/// Their column `run` is `runs.id`, in place of run_id.
public struct History: Sendable {
  /// The purpose of opening a history.
  public enum Access: Sendable {
    case reading
    /// Writing: the file and its folders are created if missing.
    case writing
  }

  /// The file's path.
  public let path: String
  let catalogue: Catalogue
  private let database: SQLiteQueue

  /// "hint": distinguishes a history from other SQLite files.
  private static let applicationID: Int64 = 0x6869_6e74

  /// Opens the file.
  ///
  /// - Throws: ``UserError``: input if it is missing (for reading), isn't a history, or is from a newer program; io if
  ///   the system refuses or another process has it locked.
  public init(_ path: String, for access: Access, _ catalogue: Catalogue) throws(UserError) {
    self.path = path
    self.catalogue = catalogue
    guard !path.isEmpty else { throw UserError(.usage, "the name of a history can't be empty") }
    guard !FileAccess.isFolder(path) else {
      throw UserError(.input, "\(path): is a folder; \(History.accepted)")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    if access == .writing {
      do { _ = try FileAccess.makeFolders(folder) } catch { throw UserError(error, path: path) }
    } else if !FileAccess.exists(path) {
      throw UserError(.input, "\(path): no such file; create it with `hintbench history import RUN`")
    }
    // Reading needs write access, too, if an import was killed: its journal is rolled back first.
    let isWritable = access == .writing || (Self.mayWrite(path) && Self.mayWrite(folder))
    do {
      let opened = try SQLiteDatabase(path, isReadOnly: !isWritable)
      // The folder is synced, too, so that a committed run survives a power cut.
      if isWritable { try opened.execute("PRAGMA synchronous = EXTRA") }
      database = SQLiteQueue(opened)
      try Self.prepare(database, path, access)
    } catch {
      throw UserError(error, path: path)
    }
  }

  private static func mayWrite(_ path: String) -> Bool { Glibc.access(path, W_OK) == 0 }

  private static func prepare(_ database: SQLiteQueue, _ path: String, _ access: Access) throws {
    let isReady = try database.read { db in
      let id = try db.value("PRAGMA application_id")
      let isEmpty =
        try db.value("SELECT count(*) FROM sqlite_master WHERE tbl_name <> ?", [SQLiteMigrations.table]) == .integer(0)
      guard id == .integer(applicationID) || (id == .integer(0) && isEmpty) else {
        throw UserError(.input, "\(path): SQLite file of another program; \(History.accepted)")
      }
      guard try !forms.isSuperseded(in: db) else {
        throw UserError(.input, "\(path): a newer hintbench made it; use that, or another file")
      }
      return try forms.isComplete(in: db)
    }
    switch access {
    case .writing: try database.use(forms.run)
    case .reading:
      guard isReady else {
        throw UserError(.input, "\(path): nothing has been imported yet; `hintbench history import RUN` does")
      }
    }
  }

  /// Every schema the file has had, oldest first. A registered one never changes.
  private static var forms: SQLiteMigrations {
    SQLiteMigrations(steps: [
      (
        name: "1: runs, repetitions, cells",
        body: { db in
          try db.execute(
            """
            PRAGMA application_id = \(applicationID);
            CREATE TABLE runs (
              id INTEGER PRIMARY KEY,
              run_id TEXT NOT NULL UNIQUE,
              name TEXT NOT NULL UNIQUE,
              started TEXT NOT NULL,
              finished TEXT,
              host TEXT NOT NULL,
              cpu_model TEXT,
              build_mode TEXT NOT NULL,
              "commit" TEXT,
              branch TEXT,
              dirty INTEGER,
              experiments TEXT NOT NULL,
              cells INTEGER NOT NULL,
              repetitions INTEGER NOT NULL,
              schema_version INTEGER NOT NULL,
              command TEXT NOT NULL,
              meta TEXT NOT NULL
            );
            """)
          for table in [HistoryTable.repetitions, .cells] { try table.make(in: db) }
          try db.execute("CREATE INDEX repetitions_by_run ON repetitions(run, cell_id)")
        }
      )
    ])
  }

  func read<Value>(_ body: (SQLiteDatabase) throws -> Value) throws(UserError) -> Value {
    do { return try database.read(body) } catch { throw UserError(error, path: path) }
  }

  /// Runs a transaction, which is stored completely or not at all.
  func write<Value>(_ body: (SQLiteDatabase) throws -> Value) throws(UserError) -> Value {
    do { return try database.write(body) } catch { throw UserError(error, path: path) }
  }
}
