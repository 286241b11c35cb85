import CSQLite
import Foundation
import Records

extension UserError {
  /// Creates an error from SQLite's or the file system's, for the history at this path.
  init(_ error: any Error, path: String) {
    switch error {
    case let error as UserError: self = error
    case let error as SQLiteError: self.init(error, path: path)
    default: self.init(.fault, "\(path): \(error)")
    }
  }

  private init(_ error: SQLiteError, path: String) {
    func make(_ kind: Kind, _ what: String) -> UserError { UserError(kind, "\(path): \(what)") }
    let message = error.message
    self =
      switch error.code {
      case SQLITE_NOTADB: make(.input, "not an SQLite file; \(History.accepted)")
      case SQLITE_CORRUPT: make(.input, "the file is damaged (\(message)); \(History.accepted)")
      case SQLITE_BUSY, SQLITE_LOCKED:
        make(.io, "another process is using the history; wait for it or end it")
      // SQLITE_READONLY_ROLLBACK, a macro that doesn't import.
      case SQLITE_READONLY where error.extendedCode == SQLITE_READONLY | 3 << 8:
        make(.io, "an interrupted import must be rolled back, which needs write access to file and folder")
      case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
        make(.io, "cannot write: \(message); name a file that may be written")
      case SQLITE_CANTOPEN: make(.io, "cannot open: \(message); name a file and folder that may be read")
      case SQLITE_FULL, SQLITE_IOERR:
        make(.io, "cannot write or read: \(message); free some space, the runs imported before are kept")
      default: make(.fault, error.description.replacing("\n", with: " "))
      }
  }
}

extension History {
  /// The end of a message about a file that isn't a history.
  static let accepted = "expected a history made by `hintbench history import`"
}
