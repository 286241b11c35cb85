import Experiments
import Foundation
import Records
import TestSupport

/// Runs for tests, and a folder that goes away.
enum RunFixtures {
  static let meta = RunMeta(
    runID: "r1", commandLine: ["hintbench", "run"], config: ["guest": ["8G"]], seed: 7, commit: "abc", dirty: false,
    buildMode: "release", unavailable: [.init(what: "cycles", why: "no counters here")],
    started: Date(timeIntervalSince1970: 1_700_000_000))

  static func finished(_ meta: RunMeta) -> RunMeta {
    var meta = meta
    meta.finished = Date(timeIntervalSince1970: 1_700_000_060)
    return meta
  }

  static func run(cell: String, repetition: Int) -> RunRecord {
    var run = RunRecord(
      identity: .init(
        runID: "r1", cellID: cell, time: Date(timeIntervalSince1970: 1_700_000_000), commit: "abc",
        // What a name of a branch may hold, to have quotes and a line feed inside a field.
        branch: "topic \"x\",\nsecond line", host: "hôst", experiment: "scan", strategy: "page-reporting:order=9",
        repetition: repetition, seed: .max),
      guest: .init(
        bytes: 8 << 30, nodes: 2, cpus: 4, zones: 3, granuleOrder: 0, vmemmapPageBytes: 2 << 20, lockKind: "queued",
        pageInit: "none", state: "fresh", listOrder: "ascending", freeFraction: 0.75, bytesFree: 6 << 30, order: 9),
      load: .init(kind: "none", mutators: 0, oversubscribed: false, cache: "cold"),
      found: .init(outcome: .complete, blocksReported: 1536, coverage: 1, coverageFree: 0.99))
    run.speed.scanNs = 1.5e6 + Double(repetition) / 3
    return run
  }

  static func zones(of run: RunRecord, count: Int = 2) -> [ZoneRecord] {
    (0..<count).map { node in
      var zone = ZoneRecord()
      zone.runID = "r1"
      zone.cellID = run.identity.cellID
      zone.repetition = run.identity.repetition
      zone.node = node
      zone.zone = "Normal"
      zone.blocksFree = 768
      zone.coverage = 0.5
      return zone
    }
  }

  static func holds(of run: RunRecord, count: Int = 3) -> [HoldBucketRecord] {
    (0..<count).map { bucket in
      HoldBucketRecord(
        runID: "r1", cellID: run.identity.cellID, repetition: run.identity.repetition, phase: .collect, kind: .hold,
        upperNs: Double(100 << bucket), count: bucket + 1)
    }
  }

  static func events(of run: RunRecord) -> [EventCountRecord] {
    ["perf::A", "perf::B:u=1,c=2"].enumerated().map { index, event in
      EventCountRecord(
        runID: "r1", cellID: run.identity.cellID, repetition: run.identity.repetition, event: event,
        count: index == 0 ? 7 : nil)
    }
  }

  static func coverage(of run: RunRecord) -> [CoverageRecord] {
    (0..<3).map {
      CoverageRecord(
        runID: "r1", cellID: run.identity.cellID, repetition: run.identity.repetition, elapsedNs: Double($0) * 1e9,
        freedShareReported: $0 == 0 ? nil : 0.5, bytesPCP: UInt64(3 - $0) << 20)
    }
  }

  static func experiment(of run: RunRecord) -> ExperimentRows {
    ExperimentRows(experiment: "scan", columns: ["extra", "note"], rows: [["1", nil], ["2", "a,b"]])
  }

  /// An empty folder for the time of the call.
  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    try withTemporaryFolder(body)
  }

  static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

  static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  static func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }

  /// Every file under a folder with its content.
  static func snapshot(_ path: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in FileManager.default.enumerator(atPath: path)?.compactMap({ $0 as? String }) ?? [] {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isFolder)
      if !isFolder.boolValue { files[name] = try bytes(path + "/" + name) }
    }
    return files
  }
}
