import Records
import Reporting

/// The medians of a history's runs by cell, for exports.
///
/// Covers primary metrics, and the one that decides over each experiment.
public struct HistoryExport: Sendable {
  /// The median of a run's repetitions of a cell.
  struct Point: Sendable {
    let entry: HistoryEntry
    let value: Double
    /// The number of repetitions.
    let count: Int
  }

  /// A metric's values over time, for one cell and key of one machine.
  struct Line: Sendable {
    let metric: TrackedMetric
    /// Whether the values were counted by simulation; values counted by the processor form another line.
    let isExact: Bool
    /// The points in order of time.
    var points: [Point]
  }

  /// A cell and key of one machine.
  struct Subject: Sendable {
    let host: String
    let cellID: String
    let key: String
    let facts: CellFacts
    let guest: RunRecord
    /// The lines, the decisive metric first.
    var lines: [Line]
  }

  /// The subjects in order of first appearance.
  let subjects: [Subject]

  private struct Place: Hashable {
    var machine: [String]
    var cell: String
    var key: String
  }

  /// Exports all runs, oldest first.
  init(_ history: History) throws(UserError) {
    subjects = try history.read { db in
      var order: [Place] = []
      var found: [Place: Subject] = [:]
      for entry in try history.entries(in: db).reversed() {
        let metrics = Dictionary(
          uniqueKeysWithValues: entry.experiments.map { ($0, Self.metrics(of: $0, history.catalogue)) })
        let columns = TrackedMetric.columns(metrics.values.flatMap { $0 }, history.catalogue).union(Self.settings)
        let run = try history.run(entry, only: columns, in: db)
        let facts = CellFacts.all([run]).byID
        let guests = Dictionary(run.repetitions.map { ($0.identity.cellID, $0) }) { first, _ in first }
        for experiment in entry.experiments {
          for metric in metrics[experiment] ?? [] {
            for series in run.series(of: metric) where facts[series.cellID]?.experiment == experiment {
              guard let cell = facts[series.cellID], let guest = guests[series.cellID], !cell.isOversubscribed,
                let value = MedianInterval.median(sorted: series.values.values.sorted())
              else { continue }
              // Figures of another machine or build form another line.
              let place = Place(
                machine: [entry.host, entry.cpuModel ?? "", entry.buildMode], cell: series.cellID, key: series.key)
              if found[place] == nil {
                order.append(place)
                found[place] = Subject(
                  host: entry.host, cellID: series.cellID, key: series.key, facts: cell, guest: guest, lines: [])
              }
              let point = Point(entry: entry, value: value, count: series.values.count)
              if let index = found[place]?.lines.firstIndex(where: {
                $0.metric.name == metric.name && $0.isExact == series.isExact
              }) {
                found[place]?.lines[index].points.append(point)
              } else {
                found[place]?.lines.append(Line(metric: metric, isExact: series.isExact, points: [point]))
              }
            }
          }
        }
      }
      return order.compactMap { found[$0] }
    }
  }

  /// The decisive metric, then the other primary ones.
  private static func metrics(of experiment: String, _ catalogue: Catalogue) -> [TrackedMetric] {
    let decisive = Set([false, true].flatMap { Thresholds(catalogue).decisive(in: experiment, isCounted: $0) })
    let metrics = TrackedMetric.all(of: experiment, catalogue).filter { $0.isPrimary || decisive.contains($0.name) }
    return metrics.filter { decisive.contains($0.name) } + metrics.filter { !decisive.contains($0.name) }
  }

  /// The columns that distinguish cells.
  private static let settings: Set = [
    "guest_bytes", "nodes", "cpus", "granule_order", "vmemmap_page_bytes", "lock_kind", "page_init", "state",
    "list_order", "order", "load", "mutators", "oversubscribed", "cache", "host_ack_ns", "scan_node", "memory_node",
    "experiment_options",
  ]

  /// Every value, one per line: RFC 4180 with a header line.
  public var csv: String {
    let header = [
      "run", "time", "commit", "branch", "host", "experiment", "cell_id", "strategy", "guest_bytes", "nodes", "state",
      "load", "order", "key", "metric", "unit", "median", "repetitions",
    ]
    let rows: [[String?]] = subjects.flatMap { subject in
      subject.lines.flatMap { line in
        line.points.map { (point) -> [String?] in
          [
            point.entry.name, point.entry.started, point.entry.commit, point.entry.branch, subject.host,
            subject.facts.experiment, subject.cellID, subject.facts.strategy, String(subject.guest.guest.bytes),
            subject.guest.guest.nodes.map(String.init), subject.guest.guest.state, subject.guest.load.kind,
            subject.guest.guest.order.map(String.init), subject.key, line.metric.name, line.metric.unit,
            point.value.decimalText, String(point.count),
          ]
        }
      }
    }
    return CSVText.make([header] + rows)
  }
}

extension History {
  /// The medians of all runs.
  ///
  /// - Throws: ``UserError``.
  public func export() throws(UserError) -> HistoryExport { try HistoryExport(self) }
}

/// Formats CSV as text.
enum CSVText {
  /// RFC 4180, with lines ending in a line feed; nil is an empty field.
  static func make(_ lines: [[String?]]) -> String {
    String(decoding: lines.flatMap { CSVWriter.line($0) }, as: UTF8.self)
  }
}
