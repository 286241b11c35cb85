import Foundation
import TestSupport
import Testing

@testable import Tracking

/// What Apache Otava, the real program, makes of an exported history.
@Suite struct OtavaTests {
  /// HINTBENCH_OTAVA, which `make unit` sets, or `otava` on PATH.
  private static let program: String? = {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["HINTBENCH_OTAVA"] { return path }
    return (environment["PATH"] ?? "").split(separator: ":").map { $0 + "/otava" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }()

  private static func otava(_ words: [String], in folder: String) throws -> (status: Int32, out: String, err: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(program))
    process.arguments = words
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let (out, err) = (folder + "/out", folder + "/err")
    for file in [out, err] { try Data().write(to: URL(fileURLWithPath: file)) }
    process.standardOutput = FileHandle(forWritingAtPath: out)
    process.standardError = FileHandle(forWritingAtPath: err)
    process.standardInput = FileHandle.nullDevice
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    ended.wait()
    return (
      process.terminationStatus, try String(contentsOfFile: out, encoding: .utf8),
      try String(contentsOfFile: err, encoding: .utf8)
    )
  }

  private struct ChangePoint: Equatable {
    var test: String
    var metric: String
    /// The first run after it.
    var run: String
    var percent: Double
  }

  /// What `--output json` says: a line a test.
  private static func changePoints(_ out: String, _ history: History) throws -> [ChangePoint] {
    let runs = try history.runs()
    var found: [ChangePoint] = []
    for line in out.split(separator: "\n") {
      let tests = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: [[String: Any]]])
      for (test, points) in tests {
        for point in points {
          let time = try #require(point["time"] as? Int)
          let run = runs.first { Int(Date(columnText: $0.started)?.timeIntervalSince1970 ?? 0) == time }
          for change in try #require(point["changes"] as? [[String: Any]]) {
            found.append(
              ChangePoint(
                test: test, metric: try #require(change["metric"] as? String), run: run?.name ?? "?",
                percent: Double("\(change["forward_change_percent"] ?? "")") ?? 0))
          }
        }
      }
    }
    return found
  }

  private static let nights = 40
  private static let changed = 25

  /// Nights until today in two cells: in `aaaaaa` the CPU time grows by half at one of them, in `bbbbbb` nothing
  /// changes. Everything else that is measured scatters in both.
  private static func history(_ folder: String, seed: UInt64, step: Double) throws -> History {
    var random = SplitMix64(seed: seed)
    let history = try History(folder + "/history.sqlite", for: .writing)
    let today = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 - 3600).rounded(.down))
    for night in 1...nights {
      let run = Nights.scan(
        night,
        [
          "aaaaaaaa": 2e6 * exp(random.normal() * 0.03) * (night >= changed ? step : 1),
          "bbbbbbbb": 7e6 * exp(random.normal() * 0.03),
        ]
      ) { run in
        run.meta.started = today - Double(nights - night) * 86400
        for index in run.repetitions.indices {
          run.repetitions[index].speed.msPerTiB = 70 * exp(random.normal() * 0.03)
          run.repetitions[index].lock.holdNsP50 = 500
        }
      }
      _ = try history.add(run)
    }
    return history
  }

  @Test(.enabled(if: program != nil, "no otava here: `make unit` installs it and names it in HINTBENCH_OTAVA"))
  func aPlantedChangePointIsFoundAndNoneInAFlatHistory() throws {
    let seed: UInt64 = 11
    print("seed \(seed)")
    try Nights.withFolder { folder in
      let history = try Self.history(folder, seed: seed, step: 1.5)
      let export = OtavaExport(try history.export())
      let out = folder + "/for otava"
      try export.write(to: out)
      #expect(export.omissions.isEmpty)
      #expect(
        export.tests.map(\.name) == ["scan/page-reporting/8GiB-fresh/aaaaaa", "scan/page-reporting/8GiB-fresh/bbbbbb"])

      let result = try Self.otava(["analyze", "--config-file", "otava.yaml", "--output", "json", "all"], in: out)
      #expect(result.status == 0 && !result.err.contains("ERROR"), "\(result)")
      #expect(result.out.split(separator: "\n").count == 2, "\(result)")
      let found = try Self.changePoints(result.out, history)
      #expect(found.map { "\($0.test) \($0.metric) \($0.run)" } == ["\(export.tests[0].name) guest_cpu_ns night-25"])
      #expect(found.allSatisfy { (40...60).contains($0.percent) }, "\(found)")

      // The command that is printed, and what it says of the direction.
      let hint = export.hint(out)
      let command = try #require(hint.split(separator: "\n").last?.split(separator: ": ").last).description
      #expect(command == "cd '\(out)' && otava analyze --config-file otava.yaml all")
      let all = try Self.otava(
        ["analyze", "--config-file", "otava.yaml", "--output", "regressions_only", "scan"], in: out)
      #expect(all.status == 0, "\(all)")
      #expect(
        all.out.contains("guest_cpu_ns") && all.out.contains("No regressions found in \(export.tests[1].name)"),
        "\(all)")
    }
  }

  @Test(.enabled(if: program != nil, "no otava here: `make unit` installs it and names it in HINTBENCH_OTAVA"))
  func nothingIsFoundInAFlatHistory() throws {
    try Nights.withFolder { folder in
      let history = try Self.history(folder, seed: 12, step: 1)
      let export = OtavaExport(try history.export())
      try export.write(to: folder + "/otava")
      let result = try Self.otava(
        ["analyze", "--config-file", "otava.yaml", "--output", "json", "all"], in: folder + "/otava")
      #expect(result.status == 0 && result.out.split(separator: "\n").count == 2, "\(result)")
      #expect(try Self.changePoints(result.out, history).isEmpty, "\(result)")
    }
  }
}

@Suite struct HistoryExportTests {
  private static func export(_ runs: [TrackedRun]) throws -> HistoryExport {
    try Nights.withFolder { folder in
      let history = try History(folder + "/history.sqlite", for: .writing)
      for run in runs { _ = try history.add(run) }
      return try history.export()
    }
  }

  @Test func theCSVHasAMedianForEachRunCellAndMetric() throws {
    let export = try Self.export([
      Nights.scan(2, ["a": 200]), Nights.scan(1, ["a": 100, "b": 50]), Nights.steadyState(3, virtual: 5, real: 7),
    ])
    let lines = export.csv.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    #expect(lines[0].count == 18 && lines.allSatisfy { $0.count == 18 })
    let found = lines.dropFirst().map { "\($0[0]) \($0[6]) \($0[13]) \($0[14]) \($0[16]) \($0[17])" }
    for line in [
      "night-1 a  guest_cpu_ns 100 3", "night-1 b  guest_cpu_ns 50 3", "night-2 a  guest_cpu_ns 200 3",
      "night-3 s1 clock=virtual last_ns 5 3", "night-3 s1 clock=real last_ns 7 3",
    ] { #expect(found.contains(line), "\(line) in \(found)") }
    #expect(Set(found).count == found.count)
  }

  /// Otava takes no empty field.
  @Test func aMetricThatNotEveryRunHasIsLeftOutByName() throws {
    let runs = (1...4).map { night in
      Nights.scan(night, ["a": 100]) { run in
        for index in run.repetitions.indices where night != 2 { run.repetitions[index].speed.msPerTiB = 70 }
      }
    }
    let export = OtavaExport(try Self.export(runs))
    #expect(export.tests[0].metrics.map(\.name) == ["guest_cpu_ns", "coverage", "coverage_free"])
    #expect(export.omissions.count == 1 && export.omissions[0].contains("ms_per_tib"))
    #expect(export.tests[0].rows.allSatisfy { !$0.contains(nil) && $0.count == 6 })
    #expect(export.tests[0].rows.map { $0[1] } == ["night-1", "night-2", "night-3", "night-4"])
  }

  /// Machines and builds are never in one series, and no two tests write one file.
  @Test func eachMachineIsATestOfItsOwn() throws {
    let runs =
      (1...3).map { Nights.scan($0, ["abcdefgh": 100, "abcdefgx": 100]) }
      + (4...6).map { night in
        Nights.scan(night, ["abcdefgh": 900]) { $0.meta = Nights.meta("night-\(night)", night: night, cpu: "another") }
      }
    let export = OtavaExport(try Self.export(runs))
    #expect(export.tests.count == 3 && export.tests.allSatisfy { $0.rows.count == 3 })
    #expect(Set(export.tests.map(\.name)).count == 3 && Set(export.tests.map(\.file)).count == 3)
    #expect(export.tests.allSatisfy { $0.file == $0.name.replacing("/", with: "_") + ".csv" })
  }

  @Test func anEarlierExportIsReplacedAndAnotherFolderLeftAlone() throws {
    try Nights.withFolder { folder in
      let export = OtavaExport(try Self.export([Nights.scan(1, ["a": 100])]))
      for _ in 0..<2 { try export.write(to: folder + "/out") }
      let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/out").sorted()
      #expect(names == ["otava.yaml", "scan_page-reporting_8GiB-fresh_a.csv"])
      try FileManager.default.createDirectory(atPath: folder + "/mine", withIntermediateDirectories: false)
      try Data().write(to: URL(fileURLWithPath: folder + "/mine/notes"))
      #expect(throws: (any Error).self) { try export.write(to: folder + "/mine") }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/mine") == ["notes"])
    }
  }

  /// By itself Otava looks at the last 365 days.
  @Test func theHintReachesBackToTheOldestRun() throws {
    let export = OtavaExport(try Self.export([Nights.scan(1, ["a": 100]), Nights.scan(2, ["a": 100])]))
    let soon = Nights.time(night: 3)
    #expect(!export.hint("out", now: soon).contains("--since"))
    #expect(export.hint("out", now: soon + 400 * 86400).hasSuffix("all --since \"403 days ago\""))
  }
}
