import Foundation

/// A database that several threads may use, one after another.
///
/// `@unchecked Sendable`: the database is used under the lock only.
final class SQLiteQueue: @unchecked Sendable {
  private let database: SQLiteDatabase
  private let lock = NSLock()

  init(_ database: SQLiteDatabase) { self.database = database }

  /// Runs `body`, which reads, in a transaction, so that it sees one state of the file.
  func read<Value>(_ body: (SQLiteDatabase) throws -> Value) throws -> Value {
    try lock.withLock { try database.transaction(isWriting: false, body) }
  }

  /// Runs `body` in a transaction: all of it is kept, or nothing.
  func write<Value>(_ body: (SQLiteDatabase) throws -> Value) throws -> Value {
    try lock.withLock { try database.transaction(isWriting: true, body) }
  }

  /// Runs `body` outside of a transaction.
  func use<Value>(_ body: (SQLiteDatabase) throws -> Value) throws -> Value { try lock.withLock { try body(database) } }
}
