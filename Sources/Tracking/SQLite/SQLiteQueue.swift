import Foundation

/// A database that several threads may use, one after another.
///
/// `@unchecked Sendable`: the database is only used under the lock.
final class SQLiteQueue: @unchecked Sendable {
  private let database: SQLiteDatabase
  private let lock = NSLock()

  init(_ database: SQLiteDatabase) { self.database = database }

  /// Runs `body` in a read transaction, so that it sees one state of the file.
  func read<Value>(_ body: (SQLiteDatabase) throws -> Value) throws -> Value {
    try lock.withLock { try database.transaction(isWriting: false, body) }
  }

  /// Runs `body` in a write transaction, which is stored completely or not at all.
  func write<Value>(_ body: (SQLiteDatabase) throws -> Value) throws -> Value {
    try lock.withLock { try database.transaction(isWriting: true, body) }
  }

  /// Runs `body` outside a transaction.
  func use<Value>(_ body: (SQLiteDatabase) throws -> Value) throws -> Value { try lock.withLock { try body(database) } }
}
