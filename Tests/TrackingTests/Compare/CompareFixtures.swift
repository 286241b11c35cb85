import Bench
import Experiments
import Foundation
import Records
import TestSupport

@testable import Tracking

/// Runs put together in memory.
enum CompareFixtures {
  /// A cell with its repetitions' guest_cpu_ns; no value, a repetition that didn't measure it.
  struct Cell {
    var id: String
    var strategy = "step-iterator:step=1:restarts=64"
    var bytes: UInt64 = 8 << 30
    var state = "fresh"
    var cpu: [Double?] = []
    var holdP99: [Double?] = []
    /// The longest hold of each repetition.
    var hold: [Double?] = []
    /// How many holds each repetition had.
    var holds: Int?
    var repeatableHold: Double?
    var instructions: Int?
    var isOversubscribed = false
    var order: Int? = 10
    var experiment = "scan"
  }

  static func run(
    _ name: String, _ cells: [Cell], seed: UInt64 = 1, buildMode: String = "release", isFinished: Bool = true,
    host: JSONValue = ["hostname": "vm", "cpu_model": "AMD EPYC"], ownRows: [String: [[String: String]]] = [:]
  ) -> TrackedRun {
    var meta = RunMeta(
      runID: name, commandLine: ["hintbench", "run"], config: [:], seed: seed, buildMode: buildMode, host: host,
      started: Date(timeIntervalSince1970: 1_700_000_000))
    if isFinished { meta.finished = Date(timeIntervalSince1970: 1_700_000_060) }
    var records: [RunRecord] = []
    var summaries: [CellRecord] = []
    for cell in cells {
      let own = (0..<max(cell.cpu.count, cell.holdP99.count, cell.hold.count)).map { repetition -> RunRecord in
        var record = RunRecord(
          identity: .init(
            runID: name, cellID: cell.id, time: Date(timeIntervalSince1970: 1_700_000_000), host: "vm",
            experiment: cell.experiment, strategy: cell.strategy, repetition: repetition, seed: seed),
          guest: .init(
            bytes: cell.bytes, nodes: 1, cpus: 4, zones: 3, granuleOrder: 0, vmemmapPageBytes: 2 << 20,
            lockKind: "queued", pageInit: "none", state: cell.state,
            listOrder: cell.state == "aged" ? "churned" : "ascending", order: cell.order),
          load: .init(kind: "none", mutators: 0, oversubscribed: cell.isOversubscribed, cache: "cold"),
          found: .init(outcome: .complete))
        record.speed.guestCPUNs = repetition < cell.cpu.count ? cell.cpu[repetition] : nil
        record.lock.holdNsP99 = repetition < cell.holdP99.count ? cell.holdP99[repetition] : nil
        record.lock.holdNsMaxUndisturbed = repetition < cell.hold.count ? cell.hold[repetition] : nil
        record.lock.acquisitions = cell.holds
        if let instructions = cell.instructions {
          record.counters.instructions = instructions
          record.counters.source = "simulated"
        }
        return record
      }
      records += own
      if let summary = CellSummary.record(of: own, lockHoldNsMaxRepeatable: cell.repeatableHold) {
        summaries.append(summary)
      }
    }
    return TrackedRun(name: name, meta: meta, repetitions: records, cells: summaries, ownRows: ownRows)
  }

  /// About 1 ms, all different, spread over 1.5 %: the same values for the same number.
  static func values(_ count: Int = 10, times factor: Double = 1, from number: Int = 0) -> [Double?] {
    (0..<count).map { index -> Double? in
      let step = Double((index * 7 + number * 3) % 10)
      return 1e6 * factor * (1 + 0.0015 * step + 1e-6 * Double(number))
    }
  }
}

/// Whether there is a value, and so near to the other.
func isNear(_ value: Double?, _ other: Double, _ tolerance: Double = 1e-12) -> Bool {
  value.map { abs($0 - other) < tolerance } ?? false
}
