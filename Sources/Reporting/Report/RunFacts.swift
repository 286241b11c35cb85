import Foundation
import Machine
import Records

/// The facts about a run for the head of a report: names and values, in order.
struct RunFacts {
  let title: String
  let facts: [(name: String, value: String)]

  init(_ run: ReportRun) {
    let meta = run.meta
    title = "Run \(meta.runID)"
    var facts: [(name: String, value: String)] = []
    func add(_ name: String, _ value: String?) {
      if let value, !value.isEmpty { facts.append((name, value)) }
    }
    add("folder", run.reader.path)
    add("command", meta.commandLine.joined(separator: " "))
    let began = meta.started.ISO8601Format()
    add("time", meta.finished.map { "\(began) to \($0.ISO8601Format())" } ?? "\(began), not finished")
    add("commit", "\(run.commit), \(meta.buildMode) build")
    add("machine", Self.machine(run.host))
    add("kernel", run.host?.kernelRelease.map { "Linux \($0)" })
    add("repetitions", Self.repetitions(run))
    if meta.finished == nil {
      add(
        "not finished",
        """
        values computed at the end of a run are missing or outdated: the longest repeatable hold, this machine's \
        floors, what couldn't be measured
        """)
    }
    add("seed", String(meta.seed))
    let probes: [String: JSONValue] =
      if case .object(let members)? = meta.limits["probe_in_hold_ns"] { members } else { [:] }
    add(
      "the probe in a hold",
      probes.sorted { $0.key < $1.key }.compactMap { kind, cost in
        Self.cost(cost).map { "\($0) (\(kind) lock)" }
      }.joined(separator: ", ") + (probes.isEmpty ? "" : "; included in every hold shown"))
    for item in meta.unavailable { add("not measured", "\(item.what): \(item.why)") }
    if let first = meta.errors.first {
      add("failed", "\(meta.errors.count) repetitions, excluded; first: \(first.reason)")
    }
    self.facts = facts
  }

  private static func machine(_ host: HostFacts?) -> String? {
    guard let host else { return nil }
    let parts: [String?] = [
      host.hostname, host.cpuModel, host.allowedCPUs.map { $0.count == 1 ? "1 CPU" : "\($0.count) CPUs" },
      host.lastLevelCacheBytes.map { "last-level cache \(Figure.bytes(UInt64($0)))" },
      host.memoryBytes.map { "\(Figure.number(Double($0) / Double(1 << 30))) GiB of memory" },
      host.numaNodes.isEmpty ? nil : host.numaNodes.count == 1 ? "1 NUMA node" : "\(host.numaNodes.count) NUMA nodes",
      host.isVirtualMachine == true ? "virtual machine" + (host.hypervisorVendor.map { " (\($0))" } ?? "") : nil,
      host.cpufreqGovernor.map { "governor \($0)" },
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }

  private static func repetitions(_ run: ReportRun) -> String {
    let all = run.runs.values.joined()
    let preempted = all.count { $0.isPreempted == true }
    let oversubscribed = run.cells.count(where: \.oversubscribed)
    let parts: [String?] = [
      "\(all.count) of \(run.cells.count) cells",
      preempted == 0
        ? nil
        : "a measured thread was preempted in \(preempted) of them; they are kept, and marked * in tables",
      oversubscribed == 0
        ? nil : "\(oversubscribed) cells with more measured threads than CPUs (oversubscribed): in tables only",
    ]
    return parts.compactMap { $0 }.joined(separator: "; ")
  }

  /// A cost, as encoded in the run's floors (`limits`).
  private struct Cost: Decodable {
    var median: Double
    var lowest: Double
    var highest: Double
  }

  private static func cost(_ value: JSONValue) -> String? {
    guard let cost = try? JSONDecoder.standard.decode(Cost.self, from: JSONEncoder.standard.encode(value)) else {
      return nil
    }
    return "\(Figure.number(cost.median)) ns (\(Figure.number(cost.lowest))–\(Figure.number(cost.highest)))"
  }
}
