import Foundation
import GRDB
import Reporting

/// What can go wrong with a history; one line.
public struct HistoryError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// The arguments make no sense: 64.
    case usage
    /// A file, or a run in it, isn't what it should be: 65.
    case input
    /// The system refused: 74.
    case io
    /// This program has an error: 70.
    case fault
  }

  public var kind: Kind
  public var description: String

  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// sysexits.h
  public var exitStatus: Int32 {
    switch kind {
    case .usage: 64
    case .input: 65
    case .io: 74
    case .fault: 70
    }
  }
}

extension HistoryError {
  /// What SQLite or the files say, of the history in this file.
  init(_ error: any Error, path: String) {
    switch error {
    case let error as HistoryError: self = error
    case let error as ReportingError:
      self.init(error.kind == .usage ? .usage : error.kind == .input ? .input : .io, error.description)
    case let error as DatabaseError: self.init(error, path: path)
    default: self.init(.fault, "\(path): \(error)")
    }
  }

  private init(_ error: DatabaseError, path: String) {
    func make(_ kind: Kind, _ what: String) -> HistoryError { HistoryError(kind, "\(path): \(what)") }
    let message = error.message ?? "\(error.extendedResultCode)"
    self =
      switch error.resultCode {
      case .SQLITE_NOTADB: make(.input, "it is no SQLite file; \(Self.accepted)")
      case .SQLITE_CORRUPT: make(.input, "the file is damaged (\(message)); \(Self.accepted)")
      case .SQLITE_BUSY, .SQLITE_LOCKED:
        make(.io, "another process is using the history; wait for it or end it")
      case .SQLITE_READONLY where error.extendedResultCode == .SQLITE_READONLY_ROLLBACK:
        make(.io, "an import was cut short, and what it left can't be undone without write access to file and folder")
      case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
        make(.io, "cannot write: \(message); name a file that may be written")
      case .SQLITE_CANTOPEN: make(.io, "cannot open: \(message); name a file and folder that may be read")
      case .SQLITE_FULL, .SQLITE_IOERR:
        make(.io, "cannot write or read: \(message); free some space, the runs imported before are kept")
      default: make(.fault, error.description.replacing("\n", with: " "))
      }
  }

  static let accepted = "a file made by `hintbench history import` is accepted"
}
