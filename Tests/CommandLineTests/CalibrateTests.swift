import Foundation
import Testing

/// `hintbench calibrate`.
@Suite struct CalibrateTests {
  @Test func aQuickCalibrationPrintsItsTableAndWritesItsFile() throws {
    try Tool.withFolder { folder in
      let result = try Tool.run("calibrate --quick --json ladder.json", in: folder)
      #expect(result.status == 0, "\(result)")
      // Standard error is no terminal: no progress.
      #expect(result.complaints.isEmpty, "\(result)")
      #expect(!result.err.contains("\r") && !result.out.contains("\u{1B}"))
      #expect(result.outLines.first?.contains("CPU") == true)
      #expect(result.outLines.last == "File: ladder.json")
      #expect(result.outLines.contains { $0.hasPrefix("probe in a hold") }, "\(result)")
      #expect(Folder.names(folder) == ["ladder.json"])

      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/ladder.json"))
      let ladder = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      for key in [
        "schema_version", "command_line", "build_mode", "host", "quick", "started", "duration_ns", "rungs",
      ] {
        #expect(ladder[key] != nil, "\(key)")
      }
      let rungs = try #require(ladder["rungs"] as? [[String: Any]])
      #expect(rungs.count > 50)
      for rung in rungs {
        let name = rung["name"] as? String ?? ""
        guard let median = rung["median_ns"] as? Double else {
          // Nothing is missing without a word, in the file or in the table.
          let reason = try #require(rung["unavailable"] as? String, "\(name)")
          #expect(result.out.contains(reason), "\(name)")
          continue
        }
        let lowest = try #require(rung["lowest_ns"] as? Double)
        let highest = try #require(rung["highest_ns"] as? Double)
        #expect(lowest > 0 && lowest <= median && median <= highest, "\(name)")
      }
    }
  }

  @Test(arguments: ["--nope", "--quick=yes", "more", "--json", "--rounds 3"])
  func whatItDoesNotTakeIsBadUsage(_ words: String) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run("calibrate " + words, in: folder)
      #expect(result.status == 64, "\(result)")
      #expect(result.out.isEmpty && result.err.hasPrefix("Error: "), "\(result)")
      #expect(Folder.names(folder).isEmpty)
    }
  }

  @Test func aTimeLimitIsKeptAndMustBeATime() throws {
    try Tool.withFolder { folder in
      let wrong = try Tool.run("calibrate --quick --time-limit 100", in: folder)
      #expect(wrong.status == 64 && wrong.complaints.count == 1 && wrong.err.contains("invalid time '100'"), "\(wrong)")
      let result = try Tool.run("calibrate --quick --time-limit 1ns", in: folder)
      #expect(result.status == 0, "\(result)")
      #expect(result.out.contains("\n0 of ") && result.out.contains("out of time"), "\(result)")
    }
  }

  /// Known before anything is measured.
  @Test(arguments: [("there", 64), ("none/ladder.json", 74), ("there/below", 74), ("/proc/version/x", 74), (".", 64)])
  func aFileThatCannotBeMadeIsRefused(_ out: String, _ status: Int32) throws {
    try Tool.withFolder { folder in
      try Folder.write("mine", to: folder + "/there")
      let before = Folder.contents(folder)
      let result = try Tool.run(["calibrate", "--quick", "--json", out], in: folder)
      #expect(result.status == status, "\(result)")
      #expect(result.out.isEmpty && result.complaints.count == 1, "\(result)")
      #expect(Folder.contents(folder) == before)
    }
  }

  #if DEBUG
    @Test func aDebugBuildRefusesToMeasure() throws {
      try Tool.withFolder { folder in
        let result = try Tool.run(["calibrate", "--quick", "--json", "x"], in: folder, allowDebug: false)
        #expect(result.status == 69, "\(result)")
        #expect(result.out.isEmpty && result.err.contains("HINTBENCH_ALLOW_DEBUG=1"), "\(result)")
        #expect(Folder.names(folder).isEmpty)
      }
    }
  #endif
}
