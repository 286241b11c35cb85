/// The schemas an SQLite file has had, oldest first, each created by SQL or code that never changes.
///
/// The file's table `grdb_migrations` lists those it has, named so because GRDB.swift created it originally.
struct SQLiteMigrations {
  static let table = "grdb_migrations"

  let steps: [(name: String, body: (SQLiteDatabase) throws -> Void)]

  private func applied(_ database: SQLiteDatabase) throws -> [String] {
    guard try database.hasTable(Self.table) else { return [] }
    return try database.rows("SELECT identifier FROM \(Self.table)").map { $0.string(0) }
  }

  /// Whether a newer program has migrated the file.
  func isSuperseded(in database: SQLiteDatabase) throws -> Bool {
    try applied(database).contains { name in !steps.contains { $0.name == name } }
  }

  /// Whether the file has the newest schema.
  func isComplete(in database: SQLiteDatabase) throws -> Bool {
    let applied = try applied(database)
    return steps.allSatisfy { applied.contains($0.name) }
  }

  /// Migrates a file to the newest schema, each step completely or not at all.
  func run(on database: SQLiteDatabase) throws {
    try database.transaction(isWriting: true) { database in
      try database.execute("CREATE TABLE IF NOT EXISTS \(Self.table) (identifier TEXT NOT NULL PRIMARY KEY)")
    }
    for step in steps {
      try database.transaction(isWriting: true) { database in
        guard try !applied(database).contains(step.name) else { return }
        try step.body(database)
        try database.execute("INSERT INTO \(Self.table) (identifier) VALUES (?)", [step.name])
      }
    }
  }
}
