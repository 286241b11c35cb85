import Foundation
import Glibc
import Testing

/// `run --counters simulated` on the real program, under the real valgrind.
@Suite(.enabled(if: !Tool.isSanitized, "valgrind can't run what a sanitizer was built into"))
struct SimulatedCountsTests {
  private static let words = [
    "run", "--guest", "128M", "--state", "fresh,aged", "--repetitions", "2", "--seed", "3", "--counters", "simulated",
  ]
  private static let columns = ["instructions", "l1d_misses", "llc_misses"]

  private func run(_ more: [String], in folder: String, to out: String) throws -> RunFiles.Table {
    let result = try Tool.run(Self.words + more + ["--out", out], in: folder)
    #expect(result.status == 0, "\(result)")
    return try #require(try RunFiles.table(folder + "/\(out)/runs.csv"))
  }

  /// By cell, what each of its rows has in a column. Without the allocator, whose count varies by less than 0.1 % in a
  /// debug build, though not in a release build.
  private func values(_ column: String, _ table: RunFiles.Table) -> [String: Set<String>] {
    let rows = zip(table.column("strategy"), zip(table.column("cell_id"), table.column(column)))
      .filter { !$0.0.hasPrefix("allocator") }
    return Dictionary(rows.map { ($0.1.0, [$0.1.1]) }) { $0.union($1) }
  }

  @Test func theSameProgramAndSeedGiveTheSameCountTwice() throws {
    try Tool.withFolder { folder in
      let all =
        "none,step-iterator,walk-callback,pluck-buffer,alloc-max-order,bitmap-hinting,page-reporting,allocator:pages=64"
      let first = try run(["--strategy", all], in: folder, to: "first")
      let second = try run(["--strategy", all], in: folder, to: "second")
      // With other cells around it, and in the other state of the caches, a session runs the same instructions.
      let fewer = try run(["--strategy", "pluck-buffer,page-reporting,allocator:pages=64"], in: folder, to: "fewer")
      #expect(first.rows.count == 32)
      let counts = values("instructions", first)
      #expect(counts.count == 14 && counts.values.allSatisfy { $0.count == 1 && $0 != [""] }, "once a cell: \(counts)")
      #expect(values("instructions", second) == counts)
      for (cell, count) in values("instructions", fewer) { #expect(counts[cell] == count) }

      for column in Self.columns { #expect(first.column(column).allSatisfy { Int($0) != nil }, "\(column)") }
      for column in ["cycles", "l2_misses", "dtlb_misses"] {
        #expect(first.column(column).allSatisfy { $0.isEmpty }, "what callgrind can't know: \(column)")
      }
      #expect(Set(first.column("counters_source")) == ["simulated"])

      // No strategy gets by with fewer than the control, which does nothing, nor an allocating one with less than a
      // line a page of what it takes.
      let strategies = first.column("strategy")
      let instructions = first.column("instructions").compactMap { Int($0) }
      let none = zip(strategies, instructions).filter { $0.0 == "none" }.map(\.1)
      #expect(Set(none).count == 1 && instructions.allSatisfy { $0 >= none[0] })
      let misses = first.column("l1d_misses").compactMap { Int($0) }
      let blocks = first.column("blocks_reported").compactMap { Int($0) }
      for index in strategies.indices where strategies[index].hasPrefix("alloc-max-order") {
        #expect(misses[index] >= 1024 * blocks[index] && instructions[index] >= 2048 * blocks[index])
      }

      let counters = try #require(try RunFiles.meta(folder + "/first")["counters"] as? [String: Any])
      #expect(counters["source"] as? String == "simulated")
      #expect((counters["tool"] as? String)?.contains("valgrind-") == true)
      #expect((counters["caches"] as? [String: Any])?.keys.sorted() == ["l1d", "l1i", "llc"])
      let overhead = try #require((counters["overhead"] as? [String: Any])?["instructions"] as? Int)
      #expect((1..<1000).contains(overhead))
    }
  }

  @Test func aResumedRunHasTheCountsOfItsFirstRepetitions() throws {
    try Tool.withFolder { folder in
      let words = ["--strategy", "step-iterator,pluck-buffer,allocator:pages=64"]
      let whole = try run(words, in: folder, to: "run")
      // As if it had been killed after the first repetition.
      let path = folder + "/run/runs.csv"
      let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      try Folder.write(lines.prefix(2).joined(separator: "\n") + "\n", to: path)
      let meta = folder + "/run/meta.json"
      let text = try String(contentsOfFile: meta, encoding: .utf8)
      try Folder.write(text.replacing(#/\n *"finished" : "[^"]*",/#, with: ""), to: meta)
      let result = try Tool.run(["run", "--resume", "run"], in: folder)
      #expect(result.status == 0, "\(result)")
      let resumed = try #require(try RunFiles.table(path))
      #expect(resumed.rows.count == 12)
      for column in Self.columns {
        #expect(values(column, resumed).values.allSatisfy { $0.count == 1 })
      }
      #expect(values("instructions", resumed) == values("instructions", whole))
    }
  }

  @Test func withoutValgrindItIsRefusedBeforeAnythingIsWritten() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(
        Self.words + ["--strategy", "none", "--out", "run"], in: folder, shell: "PATH=/nonexistent exec \"$@\"")
      #expect(result.status == 69, "\(result)")
      #expect(result.complaints.count == 1 && result.complaints[0].contains("apt-get install valgrind"), "\(result)")
      #expect(Folder.names(folder).isEmpty)
    }
  }

  @Test func moreThanValgrindHasAddressesForIsRefused() throws {
    try Tool.withFolder { folder in
      let words = "run --guest 2T --granule 0 --vmemmap 4k --state fresh --strategy none --counters simulated --out run"
      let result = try Tool.run(words, in: folder)
      #expect(result.status == 69, "\(result)")
      #expect(result.complaints.count == 1 && result.complaints[0].contains("expected at most 1T"), "\(result)")
      #expect(Folder.names(folder).isEmpty)
      let coarser = try Tool.run(words.replacing("--granule 0", with: "--granule 1 --dry-run"), in: folder)
      #expect(coarser.status == 0, "half as many struct pages: \(coarser)")
    }
  }

  @Test func theSecondProcessIsNobodyElsesBusiness() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(["count-simulated"], in: folder)
      #expect(result.status == 64 && result.complaints.count == 1, "\(result)")
      #expect(try !Tool.run(["--help"], in: folder).out.contains("count-simulated"))
    }
  }

  /// Killed while valgrind counts, neither process nor file is left.
  @Test func aKillLeavesNothing() throws {
    try Tool.withFolder { folder in
      let temporary = folder + "/tmp"
      try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
      let before = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter { $0.contains("vgdb") }
      let call = try Tool.start(
        ["run", "--guest", "8G", "--counters", "simulated", "--strategy", "alloc-max-order", "--out", "run"],
        in: folder,
        shell: "TMPDIR=\(temporary) exec \"$@\"")
      // The first child only looks whether it works; the second counts.
      var children: Set<Int32> = []
      while call.isRunning, children.count < 2 {
        children.formUnion(Self.children(of: call.process.processIdentifier))
        usleep(1000)
      }
      #expect(children.count == 2, "it started valgrind twice")
      call.kill()
      let killed = try call.end()
      #expect(killed.wasKilled, "\(killed)")
      for child in children {
        while Self.isValgrind(child) { usleep(1000) }
      }
      #expect(Folder.names(temporary).isEmpty)
      let after = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter { $0.contains("vgdb") }
      #expect(after.filter { name in !before.contains(name) && children.contains { name.contains("-\($0)-") } }.isEmpty)
    }
  }

  private static func children(of process: Int32) -> [Int32] {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8) else {
      return []
    }
    return text.split(separator: " ").compactMap { Int32($0) }.filter(isValgrind)
  }

  /// Whether this process runs, and is one that simulates.
  private static func isValgrind(_ process: Int32) -> Bool {
    guard let words = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8) else { return false }
    return words.contains("count-simulated")
  }
}
