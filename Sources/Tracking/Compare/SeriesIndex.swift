import Records

/// The series of a side's runs by metric, cell and key.
struct SeriesIndex {
  private struct Place: Hashable {
    var metric: String
    var cell: String
  }

  private let count: Int
  private let keys: [Place: [String]]
  /// For each run a series by key.
  private let series: [Place: [[String: MetricSeries]]]

  /// `named`: metrics to include beside the primary ones.
  init(_ runs: [TrackedRun], experiments: Set<String>, named: Set<String>, _ catalogue: Catalogue) {
    var keys: [Place: [String]] = [:]
    var series: [Place: [[String: MetricSeries]]] = [:]
    for experiment in experiments {
      let metrics = TrackedMetric.all(of: experiment, catalogue).filter { $0.isPrimary || named.contains($0.name) }
      for (number, run) in runs.enumerated() {
        let cells = Set(run.repetitions.filter { $0.identity.experiment == experiment }.map(\.identity.cellID))
        for metric in metrics {
          for found in run.series(of: metric) where cells.contains(found.cellID) {
            let place = Place(metric: metric.name, cell: found.cellID)
            if keys[place]?.contains(found.key) != true { keys[place, default: []].append(found.key) }
            series[place, default: Array(repeating: [:], count: runs.count)][number][found.key] = found
          }
        }
      }
    }
    count = runs.count
    self.keys = keys
    self.series = series
  }

  /// The keys in the order of the files.
  func keys(_ metric: String, _ cell: String) -> [String] { keys[Place(metric: metric, cell: cell)] ?? [] }

  /// A series for each run; nil if it has none.
  func series(_ metric: String, _ cell: String, _ key: String) -> [MetricSeries?] {
    series[Place(metric: metric, cell: cell)]?.map { $0[key] } ?? Array(repeating: nil, count: count)
  }
}
