import Foundation
import Machine
import Records

/// A run in the report.
struct ReportRun {
  let reader: RunReader
  /// The cells, in the order of cells.csv.
  let cells: [CellRecord]
  /// The repetitions, by cell.
  let runs: [String: [RunRecord]]
  /// The machine; nil if meta.json has it in another form.
  let host: HostFacts?
  /// The holds of each repetition of a cell: lock_holds.csv's `collect` and `hold`.
  let holds: [String: [Int: [HoldBucketRecord]]]
  /// The rows of coverage.csv of each repetition of a cell, as they were written.
  let coverage: [String: [Int: [CoverageRecord]]]
  /// The rows of EXPERIMENT.csv, by experiment.
  let rows: [String: [[String: String]]]

  var meta: RunMeta { reader.meta }

  /// Reads a run.
  ///
  /// - Throws: ``UserError`` of kind input if a file is invalid.
  init(_ path: String, _ catalogue: Catalogue) throws(UserError) {
    let reader = try RunReader(path: path)
    self.reader = reader
    let runs = Dictionary(grouping: reader.runs, by: \.identity.cellID)
    self.runs = runs
    var cells = try reader.cells().filter { runs[$0.cellID] != nil }
    if reader.meta.finished == nil {
      // cells.csv may be outdated or missing. Anything not in runs.csv (floors, the repeatable hold) is then missing.
      let counted = { (id: String) in (runs[id] ?? []).count { $0.found.outcome != .error } }
      let known = Dictionary(cells.map { ($0.cellID, $0) }) { first, _ in first }
      cells = runs.keys.compactMap { id in
        if let cell = known[id], cell.repetitions == counted(id) { return cell }
        return CellSummary.record(of: runs[id] ?? [])
      }.sorted { Self.place($0, catalogue) < Self.place($1, catalogue) }
    }
    self.cells = cells
    host = try? JSONDecoder.standard.decode(HostFacts.self, from: JSONEncoder.standard.encode(reader.meta.host))
    let holds = try reader.rows(HoldBucketRecord.self).filter { $0.phase != .mutator && $0.kind == .hold }
    self.holds = Dictionary(grouping: holds, by: \.cellID).mapValues { Dictionary(grouping: $0, by: \.repetition) }
    coverage = Dictionary(grouping: try reader.rows(CoverageRecord.self), by: \.cellID).mapValues {
      Dictionary(grouping: $0, by: \.repetition)
    }
    var rows: [String: [[String: String]]] = [:]
    for name in Set(cells.map(\.experiment)) { rows[name] = try reader.rows(ofExperiment: name) }
    self.rows = rows
  }

  /// The sort key of a cell.
  private static func place(_ cell: CellRecord, _ catalogue: Catalogue) -> (UInt64, Int, Int, String, String) {
    let states = ["fresh", "aged"]
    let base = cell.strategy.split(separator: ":").first.map(String.init)
    return (
      cell.guestBytes, states.firstIndex(of: cell.state) ?? states.count,
      catalogue.strategies.firstIndex { $0.name == base } ?? .max, cell.strategy, cell.cellID
    )
  }

  /// Machine and program; figures of different ones are never joined by a line.
  var place: String { placeParts.joined(separator: ", ") }

  /// The parts of ``place``.
  var placeParts: [String] {
    let parts: [String?] = [
      host?.hostname, host?.cpuModel, (host?.allowedCPUs?.count).map { $0 == 1 ? "1 CPU" : "\($0) CPUs" },
      host?.kernelRelease.map { "Linux \($0)" }, "commit \(commit)", "\(meta.buildMode) build",
    ]
    return parts.compactMap { $0 }
  }

  /// The shortened commit, marked if the source was modified.
  var commit: String {
    (meta.commit.map { String($0.prefix(12)) } ?? "unknown")
      + (meta.dirty == true ? " with uncommitted changes" : "")
  }

  /// The day it began, in UTC.
  var date: String { String(meta.started.ISO8601Format().prefix(10)) }
}
