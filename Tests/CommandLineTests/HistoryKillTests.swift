import Foundation
import TestSupport
import Testing

@testable import Tracking

/// A history is whole whenever an import is killed.
@Suite struct HistoryKillTests {
  /// HINTBENCH_KILLS: how many; 25 unless told.
  private static let kills = Int(ProcessInfo.processInfo.environment["HINTBENCH_KILLS"] ?? "") ?? 25

  /// Kills fall on any moment of an import of a dozen runs, and now and then on one of its going on. After each a run
  /// is there whole or not at all; in the end all of them are.
  @Test func aKilledImportLeavesWholeRunsOnly() throws {
    let seed: UInt64 = 100
    print("seed \(seed), \(Self.kills) kills")
    var random = SplitMix64(seed: seed)
    try Tool.withFolder { folder in
      let nights = try HistoryRuns.make(12, in: folder)
      let originals = try Dictionary(
        uniqueKeysWithValues: nights.map { ($0, try TrackedRun(folder: folder + "/" + $0, .all)) })
      let file = folder + "/Reports/history.sqlite"
      let words = ["history", "import"] + nights
      func clear() { try? FileManager.default.removeItem(atPath: folder + "/Reports") }
      /// Looks at what is there; returns how many runs.
      func kept(_ comment: String) throws -> Int {
        guard FileManager.default.fileExists(atPath: file) else { return 0 }
        let history: History
        do { history = try History(file, for: .reading, .all) } catch {
          // Before the first table there is nothing in it, which is not a damaged file.
          #expect(error.description.contains("nothing has been imported"), "\(comment): \(error)")
          return 0
        }
        #expect(try history.damage().isEmpty, "\(comment)")
        let runs = try history.runs()
        for run in runs {
          let original = try #require(originals[run.name])
          #expect(try history.run(named: run.name).hasContent(of: original), "\(comment): \(run.name)")
        }
        // In the order of their import, none left out.
        #expect(Array(runs.map(\.name).reversed()) == Array(nights.prefix(runs.count)), "\(comment)")
        return runs.count
      }

      // As long as it takes in peace; twice, since the first call finds nothing in the caches.
      var seconds = 0.0
      for _ in 0..<2 {
        clear()
        let start = ContinuousClock.now
        #expect(try Tool.run(words, in: folder).status == 0)
        seconds = (ContinuousClock.now - start) / .seconds(1)
      }
      #expect(try kept("in peace") == nights.count)

      var counts: [Int: Int] = [:]
      var killed = 0
      var withJournal = 0
      var before = 0
      clear()
      var calls = 0
      while killed < Self.kills && calls < 4 * Self.kills {
        calls += 1
        let call = try Tool.start(words, in: folder)
        usleep(UInt32(Double.random(in: 0..<1, using: &random) * seconds * 1e6))
        call.kill()
        if try call.end().wasKilled {
          killed += 1
        } else {
          // The machine has got faster than it was when this was measured.
          seconds *= 0.9
        }
        let journal = try? FileManager.default.attributesOfItem(atPath: file + "-journal")[.size] as? Int
        if (journal ?? 0) > 0 { withJournal += 1 }
        let now = try kept("kill \(killed)")
        #expect(now >= before, "kill \(killed): a run is gone")
        counts[now, default: 0] += 1
        // Every fourth goes on with what is there.
        if calls.isMultiple(of: 4) && now < nights.count {
          before = now
        } else {
          clear()
          before = 0
        }
      }
      print(
        "\(killed) of \(calls) calls killed, \(withJournal) of them within a transaction; runs kept: "
          + counts.sorted { $0.key < $1.key }.map { "\($0.key) x \($0.value)" }.joined(separator: ", "))
      // The kills have met what they are for.
      #expect(killed == Self.kills)
      #expect(counts.filter { $0.key > 0 && $0.key < nights.count }.map(\.value).reduce(0, +) * 4 > Self.kills)
      let rest = try Tool.run(words, in: folder)
      #expect(rest.status == 0, "\(rest)")
      #expect(try kept("resumed") == nights.count)
      #expect(Folder.names(folder + "/Reports") == ["history.sqlite"])
    }
  }
}
