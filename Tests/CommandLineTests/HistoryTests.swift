import Foundation
import Testing
import Tracking

/// `hintbench history`, as a user calls it.
@Suite struct HistoryTests {
  @Test func runsAreImportedListedShownCheckedAndExported() throws {
    try Tool.withFolder { folder in
      let nights = try HistoryRuns.make(8, in: folder, lastFactor: 2)
      let added = try Tool.run(["history", "import"] + nights, in: folder)
      #expect(added.status == 0 && added.complaints.isEmpty, "\(added)")
      #expect(added.outLines == nights.map { "\($0): added: scan, 10 cells, 30 repetitions" }, "\(added)")
      #expect(Folder.names(folder + "/Reports") == ["history.sqlite"])
      let again = try Tool.run(["history", "import"] + nights, in: folder)
      #expect(again.status == 0 && again.outLines.allSatisfy { $0.contains("already there") }, "\(again)")

      let list = try Tool.run("history list", in: folder)
      #expect(list.status == 0 && list.outLines.count == 10, "\(list)")
      #expect(list.outLines[2].hasPrefix("night-08"), "\(list)")
      let csv = try Tool.run("history list --format csv --limit 3", in: folder)
      #expect(RunFiles.parse(csv.out).lines.map { $0[0] } == ["name", "night-08", "night-07", "night-06"], "\(csv)")
      let json = try Tool.run("history list --format json", in: folder)
      let objects = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [[String: Any]]
      #expect(objects?.compactMap { $0["name"] as? String } == nights.reversed(), "\(json)")

      let show = try Tool.run("history show @8", in: folder)
      #expect(show.status == 0 && show.out.contains("night-01") && show.out.contains("pluck-buffer"), "\(show)")

      let check = try Tool.run("history check --json check.json", in: folder)
      #expect(check.status == 2, "\(check)")
      // Two controls aren't judged.
      #expect(check.outLines.last == "8 worse, 8 same of 16", "\(check)")
      let found =
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: URL(fileURLWithPath: folder + "/check.json"))) as? [String: Any]
      #expect((found?["rows"] as? [Any])?.count == 16)
      #expect(try Tool.run("history check night-07", in: folder).status == 0)
      #expect(try Tool.run("history check night-05", in: folder).status == 3)
      #expect(try Tool.run("history check --min-effect 150", in: folder).status == 0)

      let export = try Tool.run("history export", in: folder)
      let lines = RunFiles.parse(export.out).lines
      #expect(export.status == 0 && Set(lines.dropFirst().map { $0[0] }) == Set(nights), "\(export.err)")
      #expect(try Tool.run("history export --csv all.csv", in: folder).out.isEmpty)
      #expect(try String(contentsOfFile: folder + "/all.csv", encoding: .utf8) == export.out)
      let otava = try Tool.run("history export --otava for/otava", in: folder)
      #expect(otava.status == 0 && otava.out.contains("cd for/otava && otava analyze"), "\(otava)")
      #expect(Folder.names(folder + "/for/otava").count == 11)
    }
  }

  @Test func aStoredRunIsThatOfTheFolder() throws {
    try Tool.withFolder { folder in
      let words = [
        "run", "interference", "steady-state", "contiguous", "scan", "--guest", "256M", "--strategy",
        "none,page-reporting", "--window", "10ms", "--repetitions", "2", "--counters", "off", "--out", "run",
      ]
      let run = try Tool.run(words, in: folder)
      // The guest has no ZONE_MOVABLE for contiguous: its repetitions fail.
      #expect(run.status == 3, "\(run)")
      let added = try Tool.run("history import run --name base --history deep/h.sqlite", in: folder)
      #expect(added.status == 0, "\(added)")
      let stored = try History(folder + "/deep/h.sqlite", for: .reading, .all).run(named: "base")
      let original = try TrackedRun(folder: folder + "/run", .all)
      #expect(stored.meta == original.meta && stored.repetitions == original.repetitions)
      #expect(stored.cells == original.cells)
      #expect(stored.ownRows == original.ownRows)
      #expect(stored.ownRows.keys.contains("interference") && stored.ownRows.count > 1)
      let show = try Tool.run("history show base --history deep/h.sqlite", in: folder)
      // The tables are those that the run ended with.
      let tables = run.out.split(separator: "\nFiles: ")[0]
      for line in tables.split(separator: "\n") { #expect(show.out.contains(line), "\(line)") }
    }
  }

  @Test func aFolderOfLaunchesIsImportedWhole() throws {
    try Tool.withFolder { folder in
      let nights = try HistoryRuns.make(3, in: folder)
      try FileManager.default.createDirectory(atPath: folder + "/out/base", withIntermediateDirectories: true)
      for (index, night) in nights.enumerated() {
        try FileManager.default.moveItem(atPath: folder + "/" + night, toPath: folder + "/out/base/00\(index)")
      }
      let added = try Tool.run("history import out", in: folder)
      #expect(added.status == 0 && added.outLines.count == 3, "\(added)")
      #expect(try Tool.run("history import out --name x", in: folder).status == 64)
      // A report takes what compare and import take.
      let several = try Tool.run("report out/base", in: folder)
      #expect(several.status == 64 && several.err.contains("--out"), "\(several)")
      let page = try Tool.run("report out --out page", in: folder)
      #expect(page.status == 0 && page.out.contains("page/report.html"), "\(page)")
      // Launches of two builds are no series.
      try FileManager.default.createDirectory(atPath: folder + "/out/new", withIntermediateDirectories: true)
      try FileManager.default.moveItem(atPath: folder + "/out/base/002", toPath: folder + "/out/new/002")
      let both = try Tool.run("history import out", in: folder)
      #expect(both.status == 64 && both.err.contains("out/base or out/new"), "\(both)")
    }
  }

  @Test func whatCannotBeImportedIsNamedInOneLine() throws {
    try Tool.withFolder { folder in
      let nights = try HistoryRuns.make(3, in: folder)
      func refused(_ words: [String], _ status: Int32, _ said: String) throws {
        let result = try Tool.run(["history"] + words, in: folder)
        #expect(result.status == status && result.err.contains(said), "\(result)")
        #expect(status == 64 || result.complaints.count == 1, "\(result)")
      }
      try refused(["import", "nowhere"], 65, "nowhere/meta.json")
      try refused(["list"], 65, "no such file")
      #expect(Folder.names(folder).allSatisfy { !$0.hasPrefix("Reports") })

      var meta = try RunFiles.meta(folder + "/" + nights[1])
      meta["finished"] = nil
      try JSONSerialization.data(withJSONObject: meta).write(
        to: URL(fileURLWithPath: folder + "/" + nights[1] + "/meta.json"))
      // Those before it are kept.
      let mixed = try Tool.run(["history", "import"] + nights, in: folder)
      #expect(mixed.status == 65 && mixed.complaints.count == 1 && mixed.err.contains(nights[1]), "\(mixed)")
      #expect(mixed.outLines.count == 1)
      let partial = try Tool.run(["history", "import", "--partial"] + nights, in: folder)
      #expect(partial.status == 0 && partial.out.contains("unfinished"), "\(partial)")

      try refused(["show", "nothing"], 65, "nothing")
      try refused(["show", "night"], 65, "beginning of 3")
      try refused(["check", "--window", "0"], 64, "window")
      try refused(["list", "--limit", "-1"], 64, "limit")
      try refused(["check", "--min-effect", "x"], 64, "minimum effect")
      try refused(["check", "--thresholds", "nowhere"], 74, "nowhere")
      try refused(["export", "--otava", nights[0]], 64, "something else")
      try refused(["list", "--history", nights[0] + "/runs.csv"], 65, "not an SQLite file")
      try refused(["import", nights[0], "--history", nights[0] + "/runs.csv/x"], 74, "runs.csv")
      try refused(["list", "--history", ""], 64, "empty")
    }
  }

  // MARK: a full device

  /// A limit on the size of files stands for the device.
  @Test func anImportThatFindsNoSpaceLeavesTheHistoryAsItWas() throws {
    try Tool.withFolder { folder in
      let nights = try HistoryRuns.make(6, in: folder)
      let first = try Tool.run(["history", "import", nights[0]], in: folder)
      #expect(first.status == 0, "\(first)")
      let size = try #require(
        try FileManager.default.attributesOfItem(atPath: folder + "/Reports/history.sqlite")[.size] as? Int)
      // sh counts in 512 or in 1024 bytes: some more runs fit, and not all.
      let shell = "trap '' XFSZ; ulimit -f \((size + 20_000) / 512); exec \"$@\""
      let full = try Tool.run(["history", "import"] + nights, in: folder, shell: shell)
      #expect(full.status == 74 && full.complaints.count == 1, "\(full)")
      let history = try History(folder + "/Reports/history.sqlite", for: .reading, .all)
      #expect(try history.damage().isEmpty)
      let kept = try history.runs().count
      #expect(kept >= 1 && kept < nights.count)
      #expect(
        try history.run(named: nights[0]).repetitions == TrackedRun(folder: folder + "/" + nights[0], .all).repetitions)
      let rest = try Tool.run(["history", "import"] + nights, in: folder)
      #expect(rest.status == 0, "\(rest)")
      #expect(try history.runs().count == nights.count)
    }
  }
}
