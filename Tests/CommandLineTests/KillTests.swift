import Foundation
import TestSupport
import Testing

/// A run that is killed at any moment keeps what it finished, and is gone on with.
@Suite struct KillTests {
  private static let words = [
    "run", "--guest", "128M", "--state", "fresh,aged", "--strategy",
    "none,budgeted-resume,pluck-buffer,alloc-max-order,allocator:pages=64",
    "--repetitions", "3", "--cache", "warm", "--counters", "off", "--seed", "5", "--out", "run",
  ]
  private static let repetitions = 30

  private struct Reference: Sendable {
    var names: [String]
    var keys: Set<String>
    var cells: [String]
    var seconds: Double
  }

  /// The same run, left in peace.
  private static let reference = Swift.Result {
    try Tool.withFolder { folder in
      let start = ContinuousClock.now
      let result = try Tool.run(words, in: folder)
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      #expect(result.status == 0, "\(result)")
      let keys = try RunFolderCheck.expectValid(folder + "/run", "undisturbed")
      #expect(keys.count == repetitions)
      return Reference(
        names: Folder.names(folder + "/run"), keys: keys,
        cells: try RunFiles.table(folder + "/run/cells.csv")?.column("cell_id").sorted() ?? [], seconds: seconds)
    }
  }

  @Test(arguments: 1...12) func aKilledRunIsWholeAfterResume(seed: UInt64) throws {
    print("seed \(seed)")
    let reference = try Self.reference.get()
    #expect(reference.names == RunFiles.names)
    var random = SplitMix64(seed: seed)
    try Tool.withFolder { folder in
      let run = folder + "/run"
      // One kill, or two: the second falls on a run that is resumed.
      for round in 0..<(seed.isMultiple(of: 3) ? 2 : 1) {
        let isResumed = round > 0 && FileManager.default.fileExists(atPath: run + "/meta.json")
        if !isResumed { try? FileManager.default.removeItem(atPath: run) }
        let call = try Tool.start(isResumed ? ["run", "--resume", "run"] : Self.words, in: folder)
        if random.chance() {
          usleep(UInt32(random.unit() * reference.seconds * 1e6))
        } else {
          // As rows are being written.
          let rows = Int(random.unit() * Double(Self.repetitions))
          while call.isRunning, try Self.lines(run + "/runs.csv") <= rows { usleep(200) }
          usleep(UInt32(random.unit() * 3000))
        }
        call.kill()
        let killed = try call.end()
        #expect(killed.wasKilled || killed.status == 0, "\(killed)")
      }

      var committed: Set<String> = []
      if FileManager.default.fileExists(atPath: run + "/meta.json") {
        committed = try RunFolderCheck.expectValid(run, "seed \(seed), killed")
        #expect(committed.isSubset(of: reference.keys))
      } else {
        // Nothing was begun: no run to go on with, and nothing in the way of a new one but the folder.
        #expect(Folder.names(run).allSatisfy { $0 == "meta.json.tmp" })
        #expect(try Tool.run(["run", "--resume", "run"], in: folder).status == 65)
        try? FileManager.default.removeItem(atPath: run)
        #expect(try Tool.run(Self.words, in: folder).status == 0)
      }
      print("seed \(seed): killed with \(committed.count) of \(Self.repetitions) repetitions done")
      let resumed = try Tool.run(["run", "--resume", "run"], in: folder)
      #expect(resumed.status == 0, "\(resumed)")
      let all = try RunFolderCheck.expectValid(run, "seed \(seed), resumed")
      #expect(all == reference.keys, "seed \(seed)")
      #expect(Folder.names(run) == reference.names, "seed \(seed)")
      #expect(try RunFiles.table(run + "/cells.csv")?.column("cell_id").sorted() == reference.cells)
      #expect(try RunFiles.meta(run)["finished"] != nil)
      // What every repetition's rows say is there once.
      for name in ["zones.csv", "lock_holds.csv"] {
        let rows = try #require(try RunFiles.table(run + "/" + name)).rows
        #expect(Set(rows).count == rows.count, "seed \(seed): \(name) has a row twice")
      }
      #expect(Folder.names(folder).filter { !$0.hasPrefix("run") }.isEmpty)
    }
  }

  private static func lines(_ path: String) throws -> Int {
    (FileManager.default.contents(atPath: path) ?? Data()).count { $0 == UInt8(ascii: "\n") } - 1
  }
}

extension SplitMix64 {
  fileprivate mutating func unit() -> Double { Double.random(in: 0..<1, using: &self) }
  fileprivate mutating func chance() -> Bool { Bool.random(using: &self) }
}
