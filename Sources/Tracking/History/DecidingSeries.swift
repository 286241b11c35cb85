import Records

/// The metrics that decide over an experiment's cells, and its coverage metric.
struct DecidingMetrics {
  /// The metrics if nothing was counted by simulation.
  let measured: [TrackedMetric]
  /// The metrics if instructions were counted by simulation.
  let counted: [TrackedMetric]
  let coverage: TrackedMetric?

  /// All of them, without duplicates.
  var all: [TrackedMetric] {
    var names: Set<String> = []
    return (measured + counted + (coverage.map { [$0] } ?? [])).filter { names.insert($0.name).inserted }
  }
}

/// A run's series of the metrics that decide, by cell and key.
struct DecidingSeries {
  private struct Place: Hashable {
    var metric: String
    var cell: String
  }

  private var series: [Place: [MetricSeries]] = [:]
  private let counted: Set<String>
  /// The run's seed; exact figures of another seed are of other guests.
  let seed: UInt64

  init(_ run: TrackedRun, _ metrics: [String: DecidingMetrics]) {
    let experiments = Dictionary(run.repetitions.map { ($0.identity.cellID, $0.identity.experiment) }) { first, _ in
      first
    }
    var counted: Set<String> = []
    for (experiment, pair) in metrics {
      for metric in pair.all {
        for found in run.series(of: metric) where experiments[found.cellID] == experiment {
          series[Place(metric: metric.name, cell: found.cellID), default: []].append(found)
          if found.isExact && pair.counted.contains(where: { $0.name == metric.name }) { counted.insert(found.cellID) }
        }
      }
    }
    self.counted = counted
    seed = run.meta.seed
  }

  /// Whether the cell has exact values of the metric for simulated counts.
  func isCounted(_ cell: String) -> Bool { counted.contains(cell) }

  func keys(_ metric: TrackedMetric, _ cell: String) -> [String] {
    (series[Place(metric: metric.name, cell: cell)] ?? []).map(\.key)
  }

  /// The median of the repetitions; nil if there is none.
  func median(_ metric: TrackedMetric, _ cell: String, _ key: String) -> Double? {
    found(metric, cell, key).flatMap { MedianInterval.median(sorted: $0.values.values.sorted()) }
  }

  func isExact(_ metric: TrackedMetric, _ cell: String, _ key: String) -> Bool {
    found(metric, cell, key)?.isExact == true
  }

  /// The median of the repetitions of all keys; nil if there is none.
  func median(_ metric: TrackedMetric, _ cell: String) -> Double? {
    let found = series[Place(metric: metric.name, cell: cell)] ?? []
    return MedianInterval.median(sorted: found.flatMap(\.values.values).sorted())
  }

  private func found(_ metric: TrackedMetric, _ cell: String, _ key: String) -> MetricSeries? {
    series[Place(metric: metric.name, cell: cell)]?.first { $0.key == key }
  }
}

extension TrackedMetric {
  /// The columns needed for these metrics, beside ``History/identityColumns``.
  static func columns(_ metrics: [TrackedMetric], _ catalogue: Catalogue) -> Set<String> {
    let keys = catalogue.experiments.flatMap { $0.columns.filter(\.isKey).map(\.name) }
    return Set(metrics.flatMap(\.columns) + keys)
  }
}
