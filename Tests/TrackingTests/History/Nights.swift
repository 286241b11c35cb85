import Experiments
import Foundation
import Records
import TestSupport

@testable import Tracking

/// Runs for tests, as nights leave them.
enum Nights {
  /// An empty folder for the time of the call.
  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    try withTemporaryFolder(body)
  }

  static func time(night: Int) -> Date { Date(timeIntervalSince1970: 1_770_000_000 + Double(night) * 86400) }

  static func meta(_ runID: String, night: Int, isFinished: Bool = true, cpu: String = "a processor") -> RunMeta {
    RunMeta(
      runID: runID, commandLine: ["hintbench", "run"], config: ["guest": ["8G"]], seed: 7, commit: "c\(night)",
      dirty: false, buildMode: "release", host: ["cpu_model": .string(cpu), "hostname": "vm", "share": 0.5],
      unavailable: [.init(what: "cycles", why: "no counters here")], started: time(night: night),
      finished: isFinished ? time(night: night) + 60 : nil)
  }

  static func record(_ runID: String, cell: String, repetition: Int, night: Int, experiment: String = "scan")
    -> RunRecord
  {
    RunRecord(
      identity: .init(
        runID: runID, cellID: cell, time: time(night: night), commit: "c\(night)", branch: "main", host: "vm",
        experiment: experiment, strategy: "page-reporting:order=9", repetition: repetition, seed: .max),
      guest: .init(
        bytes: 8 << 30, nodes: 1, cpus: 4, zones: 3, granuleOrder: 0, vmemmapPageBytes: 2 << 20, lockKind: "queued",
        pageInit: "none", state: "fresh", listOrder: "ascending", freeFraction: 0.75, bytesFree: 6 << 30, order: 9),
      load: .init(kind: "none", mutators: 0, oversubscribed: false, cache: "cold"),
      found: .init(outcome: .complete, blocksReported: 1536, coverage: 1, coverageFree: 0.99))
  }

  /// A night of `scan` with three repetitions of each cell, whose median guest_cpu_ns is given.
  static func scan(
    _ night: Int, _ medians: [String: Double], runID: String? = nil, instructions: Int? = nil,
    change: (inout TrackedRun) -> Void = { _ in }
  ) -> TrackedRun {
    let runID = runID ?? "night-\(night)"
    var repetitions: [RunRecord] = []
    for repetition in 0..<3 {
      for (cell, median) in medians.sorted(by: { $0.key < $1.key }) {
        var record = record(runID, cell: cell, repetition: repetition, night: night)
        record.speed.guestCPUNs = median * [0.97, 1, 1.05][repetition]
        if let instructions {
          record.counters.instructions = instructions
          record.counters.source = "simulated"
        }
        repetitions.append(record)
      }
    }
    var run = TrackedRun(
      name: runID, meta: meta(runID, night: night), repetitions: repetitions,
      cells: medians.keys.sorted().compactMap { cell in
        CellSummary.record(of: repetitions.filter { $0.identity.cellID == cell })
      }, ownRows: [:])
    change(&run)
    return run
  }

  /// A night of `steady-state` by the virtual clock and the real one: two rows a repetition.
  static func steadyState(_ night: Int, virtual: Double, real: Double) -> TrackedRun {
    var run = scan(night, ["s1": 1000]) { run in
      for index in run.repetitions.indices { run.repetitions[index].identity.experiment = "steady-state" }
      for index in run.cells.indices { run.cells[index].experiment = "steady-state" }
    }
    run.ownRows["steady-state"] = (0..<3).flatMap { repetition in
      [("virtual", virtual), ("real", real)].map { clock, value in
        [
          "run_id": run.meta.runID, "cell_id": "s1", "repetition": String(repetition), "clock": clock,
          "last_ns": value.decimalText ?? "",
        ]
      }
    }
    return run
  }

  /// A night whose every field is something that may stand there, or is empty if that may be.
  static func random(_ runID: String, using random: inout SplitMix64) -> TrackedRun {
    let cells = ["0012345678901234", "ffffffffffffffff", "1234567890123456"]
    let repetitions = cells.flatMap { cell in
      (0..<4).map { repetition in
        fill(record(runID, cell: cell, repetition: repetition, night: 0), using: &random)
      }
    }
    let summaries = cells.compactMap { cell in
      CellSummary.record(of: repetitions.filter { $0.identity.cellID == cell }).map { fill($0, using: &random) }
    }
    let own = repetitions.map { record in
      [
        "run_id": runID, "cell_id": record.identity.cellID, "repetition": String(record.identity.repetition),
        "clock": ["virtual", "1e5", "007", "nan", "-0", "1,5 \"x\"\n"].randomElement(using: &random) ?? "",
        "last_ns": text(using: &random), "later column": text(using: &random),
      ]
    }
    return TrackedRun(
      name: runID, meta: meta(runID, night: 0), repetitions: repetitions, cells: summaries, ownRows: ["scan": own])
  }

  private static func fill<Record: TabularRecord>(_ record: Record, using random: inout SplitMix64) -> Record {
    var record = record
    for column in Record.columns
    where !["run_id", "cell_id", "experiment", "repetition", "time", "outcome"].contains(column.name) {
      for _ in 0..<4 where column.read(text(using: &random), &record) { break }
      if Int.random(in: 0..<4, using: &random) == 0 { _ = column.read(nil, &record) }
    }
    return record
  }

  private static func text(using random: inout SplitMix64) -> String {
    let whole = UInt64.random(in: 0...(.max), using: &random) >> UInt64.random(in: 0..<64, using: &random)
    return switch Int.random(in: 0..<6, using: &random) {
    case 0: String(whole)
    case 1: (Double.random(in: 0..<1, using: &random) * Double(whole)).decimalText ?? "0"
    case 2: (Double.random(in: -1..<1, using: &random) / Double(whole | 1)).decimalText ?? "0"
    case 3: ["true", "false"].randomElement(using: &random) ?? "true"
    case 4: ["18446744073709551615", "0.30000000000000004", "9007199254740993"].randomElement(using: &random) ?? ""
    default: "hôst \"\(whole)\", 'x'\n"
    }
  }
}

extension SplitMix64 {
  /// From a normal distribution with mean 0 and deviation 1.
  mutating func normal() -> Double {
    (-2 * log(Double.random(in: 1e-12..<1, using: &self))).squareRoot()
      * cos(2 * .pi * Double.random(in: 0..<1, using: &self))
  }
}
