import Experiments
import Foundation
import Records
import TestSupport
import Testing

@testable import Tracking

@Suite struct HistoryTests {
  private static func open(_ folder: String, _ access: History.Access = .writing) throws -> History {
    try History(folder + "/history.sqlite", for: access)
  }

  // MARK: what is kept

  /// Numbers beyond SQLite's integers, numbers as text, quotes, line feeds, empty fields: all come back.
  @Test(arguments: 1...20) func aStoredRunIsTheSameRunAgain(seed: UInt64) throws {
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    try Nights.withFolder { folder in
      let first = Nights.random("first", using: &random)
      let second = Nights.random("second", using: &random)
      let history = try Self.open(folder)
      #expect(try history.add(first) == .added)
      #expect(try history.add(second) == .added)
      for (history, run) in [(history, first), (try Self.open(folder, .reading), second), (history, first)] {
        let stored = try history.run(named: run.meta.runID)
        #expect(stored.meta == run.meta)
        #expect(stored.repetitions == run.repetitions)
        #expect(stored.cells == run.cells)
        #expect(stored.ownRows == run.ownRows)
      }
      #expect(try history.damage().isEmpty)
    }
  }

  @Test func columnsAreCalledAsInTheFiles() throws {
    try Nights.withFolder { folder in
      _ = try Self.open(folder).add(Nights.scan(1, ["a": 100.125]))
      do {
        let db = try SQLiteDatabase(folder + "/history.sqlite", isReadOnly: true)
        let names = Set(try db.columns(in: "repetitions").map(\.name))
        #expect(names == Set(RunRecord.columns.map(\.name)).subtracting(["run_id"]).union(["run"]))
        let sums = try db.rows(
          """
          SELECT name || ' ' || round(sum(guest_cpu_ns)) || ' ' || typeof(guest_cpu_ns) || ' ' || typeof(cell_id)
          FROM repetitions JOIN runs ON runs.id = run GROUP BY run
          """
        ).map { $0.string(0) }
        #expect(sums == ["night-1 302.0 real text"])
      }
    }
  }

  /// A run of a time when a column wasn't there, and one with a column that this version doesn't know.
  @Test func columnsMayComeAndGo() throws {
    try Nights.withFolder { folder in
      let history = try Self.open(folder)
      let old = Nights.scan(1, ["a": 100])
      _ = try history.add(old)
      do {
        let db = try SQLiteDatabase(folder + "/history.sqlite")
        try db.execute("ALTER TABLE repetitions DROP COLUMN steal_ns")
        try db.execute("ALTER TABLE repetitions ADD COLUMN of_later")
        try db.execute("UPDATE repetitions SET of_later = 5")
      }
      let again = try Self.open(folder)
      #expect(try again.run(named: "night-1").hasContent(of: old))
      let new = Nights.scan(2, ["a": 100]) { run in
        for index in run.repetitions.indices { run.repetitions[index].trust.stealNs = 4 }
      }
      _ = try again.add(new)
      #expect(try again.run(named: "night-2").hasContent(of: new))
      #expect(try again.run(named: "night-1").hasContent(of: old))
      // What a row can't be without is missed by name.
      do {
        let db = try SQLiteDatabase(folder + "/history.sqlite")
        try db.execute("UPDATE repetitions SET strategy = 'x', mutators = NULL")
      }
      let error = #expect(throws: UserError.self) { try Self.open(folder).run(named: "night-1") }
      #expect(error?.kind == .input && error?.description.contains("mutators") == true)
    }
  }

  // MARK: import

  @Test func theSameRunIsKeptOnce() throws {
    try Nights.withFolder { folder in
      let history = try Self.open(folder)
      let run = Nights.scan(1, ["a": 100, "b": 200])
      #expect(try history.add(run) == .added)
      #expect(try history.add(run) == .alreadyThere)
      #expect(try history.add(run, name: "other") == .alreadyThere)
      #expect(try history.runs().map(\.name) == ["night-1"])
      var other = run
      other.repetitions[0].speed.scanNs = 5
      let error = #expect(throws: UserError.self) { try history.add(other) }
      #expect(error?.exitStatus == 65 && error?.description.contains("other content") == true)
      #expect(try history.run(named: "night-1").hasContent(of: run))
    }
  }

  @Test func aRunThatIsNotFinishedIsTakenOnlyIfAskedForAndReplacedLater() throws {
    try Nights.withFolder { folder in
      let history = try Self.open(folder)
      let whole = Nights.scan(1, ["a": 100, "b": 200])
      func part(_ count: Int) -> TrackedRun {
        var part = whole
        part.meta.finished = nil
        part.repetitions.removeLast(whole.repetitions.count - count)
        return part
      }
      #expect(throws: UserError.self) { try history.add(part(2)) }
      #expect(try history.runs().isEmpty)
      #expect(try history.add(part(2), isPartialAllowed: true) == .added)
      #expect(try history.runs()[0].finished == nil)
      #expect(try history.add(part(4), isPartialAllowed: true) == .replaced)
      #expect(throws: UserError.self) { try history.add(part(3), isPartialAllowed: true) }
      #expect(try history.add(whole) == .replaced)
      #expect(try history.run(named: "@1").hasContent(of: whole))
      #expect(throws: UserError.self) { try history.add(part(4), isPartialAllowed: true) }
      #expect(try history.runs().count == 1)
      #expect(try history.damage().isEmpty)
    }
  }

  @Test func namesAreWordsAndOneRunsEach() throws {
    try Nights.withFolder { folder in
      let history = try Self.open(folder)
      _ = try history.add(Nights.scan(1, ["a": 100]), name: "base")
      for name in ["", "@1", "-x", "a/b", "a b", "a\nb", "base", "\u{7F}"] {
        let error = #expect(throws: UserError.self) { try history.add(Nights.scan(2, ["a": 100]), name: name) }
        #expect(error?.kind == .usage, "\(name)")
      }
      #expect(try history.runs().map(\.name) == ["base"])
      let empty = Nights.scan(3, [:])
      #expect(throws: UserError.self) { try history.add(empty) }
      var mixed = Nights.scan(3, ["a": 100])
      mixed.repetitions[0].identity.runID = "another"
      #expect(throws: UserError.self) { try history.add(mixed) }
    }
  }

  @Test func runsAreFoundByNameBeginningAndAge() throws {
    try Nights.withFolder { folder in
      let history = try Self.open(folder)
      // Imported out of order.
      for night in [2, 1, 3] { _ = try history.add(Nights.scan(night, ["a": 100], runID: "2026010\(night)-x")) }
      _ = try history.add(Nights.scan(4, ["a": 100], runID: "20260104-x"), name: "base")
      #expect(try history.runs().map(\.name) == ["base", "20260103-x", "20260102-x", "20260101-x"])
      #expect(try history.runs(limit: 2).count == 2)
      for (word, runID) in [
        ("@1", "20260104-x"), ("@2", "20260103-x"), ("base", "20260104-x"), ("b", "20260104-x"),
        ("20260104-x", "20260104-x"), ("20260102", "20260102-x"),
      ] { #expect(try history.entry(named: word).runID == runID, "\(word)") }
      for word in ["", "2026", "@0", "@5", "@x", "@", "nothing", "%", "_"] {
        let error = #expect(throws: UserError.self) { try history.entry(named: word) }
        #expect(error?.kind == .input, "\(word)")
      }
    }
  }

  @Test func foldersOfRunsAreFound() throws {
    try Nights.withFolder { folder in
      for name in ["one", "set/base/002", "set/base/001", "set/new/001", "set/deep/er/001", "set/notes"] {
        try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
      }
      for name in ["one", "set/base/002", "set/base/001", "set/new/001", "set/deep/er/001"] {
        try Data().write(to: URL(fileURLWithPath: folder + "/" + name + "/meta.json"))
      }
      #expect(try History.runFolders(at: folder + "/one") == [folder + "/one"])
      #expect(
        try History.runFolders(at: folder + "/set")
          == ["base/001", "base/002", "new/001"].map { folder + "/set/" + $0 })
      #expect(throws: UserError.self) { try History.runFolders(at: folder + "/set/notes") }
      // What isn't there is refused by who reads it.
      #expect(try History.runFolders(at: folder + "/nowhere") == [folder + "/nowhere"])
    }
  }

  // MARK: the file

  @Test func whatIsNoHistoryIsRefusedAndLeftAlone() throws {
    try Nights.withFolder { folder in
      let file = folder + "/history.sqlite"
      func refused(_ what: String, _ access: History.Access, _ said: String) throws {
        let before = try? Data(contentsOf: URL(fileURLWithPath: file))
        let error = #expect(throws: UserError.self, "\(what)") { try History(file, for: access) }
        #expect(error?.exitStatus == 65 && error?.description.contains(said) == true, "\(what): \(error as Any)")
        #expect(error?.description.contains("\n") == false)
        #expect((try? Data(contentsOf: URL(fileURLWithPath: file))) == before, "\(what)")
      }
      try refused("none", .reading, "no such file")
      try Data().write(to: URL(fileURLWithPath: file))
      try refused("an empty file", .reading, "nothing has been imported")
      for access in [History.Access.reading, .writing] {
        try Data(String(repeating: "no database", count: 200).utf8).write(to: URL(fileURLWithPath: file))
        try refused("text", access, "not an SQLite file")
        try FileManager.default.removeItem(atPath: file)
        try SQLiteDatabase(file).execute("CREATE TABLE t (x)")
        try refused("another's", access, "SQLite file of another program")
        try FileManager.default.removeItem(atPath: file)
        _ = try History(file, for: .writing)
        try SQLiteDatabase(file).execute("INSERT INTO grdb_migrations VALUES ('2: of later')")
        try refused("a newer one's", access, "newer")
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
        #expect(throws: UserError.self) { try History(file, for: access) }
        try FileManager.default.removeItem(atPath: file)
      }
    }
  }

  /// A kill while the file was made leaves the table of forms, or an empty file: both are begun anew.
  @Test func aFileThatWasHardlyBegunIsGoneOnWith() throws {
    try Nights.withFolder { folder in
      let file = folder + "/history.sqlite"
      for begin in [
        { try Data().write(to: URL(fileURLWithPath: file)) },
        {
          try SQLiteDatabase(file).execute("CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)")
        },
      ] {
        try begin()
        _ = try History(file, for: .writing).add(Nights.scan(1, ["a": 100]))
        #expect(try History(file, for: .reading).runs().count == 1)
        try FileManager.default.removeItem(atPath: file)
      }
    }
  }

  @Test func nothingIsLeftBesideTheFile() throws {
    try Nights.withFolder { folder in
      let history = try Self.open(folder + "/deep/er")
      _ = try history.add(Nights.scan(1, ["a": 100]))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/deep/er") == ["history.sqlite"])
    }
  }

  @Test func aHistoryThatAnotherKeepsIsAnIOError() throws {
    try Nights.withFolder { folder in
      let history = try Self.open(folder)
      _ = try history.add(Nights.scan(1, ["a": 100]))
      do {
        let db = try SQLiteDatabase(folder + "/history.sqlite")
        try db.execute("BEGIN EXCLUSIVE")
        defer { try? db.execute("ROLLBACK") }
        let error = #expect(throws: UserError.self) { try history.add(Nights.scan(2, ["a": 100])) }
        #expect(error?.exitStatus == 74 && error?.description.contains("another process") == true)
      }
      #expect(try history.add(Nights.scan(2, ["a": 100])) == .added)
    }
  }

  /// What an import leaves that is killed between its last write and its commit: the file half changed, and a journal.
  @Test func aHotJournalIsRolledBackByWhoReads() throws {
    try Nights.withFolder { folder in
      let first = Nights.scan(1, ["a": 100, "b": 200])
      let history = try Self.open(folder)
      _ = try history.add(first)
      let copy = folder + "/copy"
      try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
      do {
        let db = try SQLiteDatabase(folder + "/history.sqlite")
        // So small a cache that the file is changed before the commit.
        try db.execute("PRAGMA cache_size = 1; BEGIN; DELETE FROM repetitions; UPDATE runs SET name = 'changed'")
        try db.execute("CREATE TABLE large (x); INSERT INTO large VALUES (zeroblob(1000000))")
        for name in ["history.sqlite", "history.sqlite-journal"] {
          try FileManager.default.copyItem(atPath: folder + "/" + name, toPath: copy + "/" + name)
        }
        try db.execute("ROLLBACK")
      }
      #expect(
        FileManager.default.contents(atPath: copy + "/history.sqlite")
          != FileManager.default.contents(atPath: folder + "/history.sqlite"), "the copy isn't of a changed file")
      let reader = try Self.open(copy, .reading)
      #expect(try reader.run(named: "night-1").hasContent(of: first))
      #expect(try reader.damage().isEmpty)
    }
  }

  @Test func aDamagedFileIsSaidToBe() throws {
    try Nights.withFolder { folder in
      let file = folder + "/history.sqlite"
      let history = try Self.open(folder)
      for night in 1...5 { _ = try history.add(Nights.scan(night, ["a": 100, "b": 7])) }
      var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      let page = 4096
      for offset in stride(from: page, to: bytes.count, by: 64) { bytes[offset] = 0xFF }
      try bytes.write(to: URL(fileURLWithPath: file))
      let error = #expect(throws: UserError.self) { try Self.open(folder, .reading).run(named: "@1") }
      #expect(error?.exitStatus == 65, "\(error as Any)")
    }
  }
}
