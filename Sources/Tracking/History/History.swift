import Foundation
import Machine
import Records
import Reporting

/// Runs of many nights in one SQLite file, each whole or not at all, whenever the program is killed.
///
/// The file is in rollback-journal mode, so that nothing else belongs to it between two imports, and each run is one
/// transaction that is on the disk when its import is reported. Tables, for sqlite3(1) as well: `runs`, and
/// `repetitions` and `cells` with the columns of runs.csv and cells.csv, and one of each experiment's own file
/// (`steady_state` for steady-state.csv); `run` in these is `runs.id`, in place of run_id.
public struct History: Sendable {
  /// What a history is opened for.
  public enum Access: Sendable {
    case reading
    /// The file and its folders are made where they aren't there.
    case writing
  }

  /// The file.
  public let path: String
  let catalogue: Catalogue
  private let database: SQLiteQueue

  /// "hint": tells a history from other SQLite files.
  private static let applicationID: Int64 = 0x6869_6e74

  /// Opens the file.
  ///
  /// - Throws: ``UserError``: input if it isn't there (for reading), is no history or one of a newer program; io
  ///   where the system refuses or another process keeps it.
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
    // Who only reads needs write access all the same where an import was killed: its journal is rolled back first.
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

  /// Every form the file has had, oldest first; a registered one is never changed.
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

  /// One transaction: all of it is kept, or nothing.
  func write<Value>(_ body: (SQLiteDatabase) throws -> Value) throws(UserError) -> Value {
    do { return try database.write(body) } catch { throw UserError(error, path: path) }
  }
}
