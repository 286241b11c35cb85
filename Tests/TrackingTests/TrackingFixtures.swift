import Experiments
import Records

@testable import Tracking

// What there is to judge is everything this program has.
extension Thresholds {
  init() { self.init(.all) }
}

extension Thresholds: Equatable {
  public static func == (left: Thresholds, right: Thresholds) -> Bool {
    left.alpha == right.alpha && left.minimumEffect == right.minimumEffect
      && left.exactMinimumEffect == right.exactMinimumEffect && left.metrics == right.metrics
      && left.decisive == right.decisive
  }
}

extension TrackedRun {
  init(folder: String) throws { try self.init(folder: folder, .all) }

  init(
    name: String, meta: RunMeta, repetitions: [RunRecord], cells: [CellRecord], ownRows: [String: [[String: String]]]
  ) {
    self.init(name: name, meta: meta, repetitions: repetitions, cells: cells, ownRows: ownRows, catalogue: .all)
  }
}

extension History {
  init(_ path: String, for access: Access) throws(UserError) { try self.init(path, for: access, .all) }
}

extension TrackedMetric {
  static func all(of experiment: String) -> [TrackedMetric] { all(of: experiment, .all) }
}

extension SeriesIndex {
  init(_ runs: [TrackedRun], experiments: Set<String>, named: Set<String>) {
    self.init(runs, experiments: experiments, named: named, .all)
  }
}

extension CellFacts {
  init?(_ records: [RunRecord], place: Int) { self.init(records, place: place, .all) }
}

extension Thresholds {
  static func read(_ path: String) throws(UserError) -> Thresholds { try read(path, .all) }
}

extension HistoryThresholds {
  static func make(file: String?, minimumEffect: String?, metric: String? = nil) throws -> Thresholds {
    try make(file: file, minimumEffect: minimumEffect, metric: metric, .all)
  }
}

extension History {
  /// What SQLite finds wrong with the file; empty if nothing is.
  func damage() throws -> [String] {
    try read { db in
      let found = try db.rows("PRAGMA integrity_check").map { $0.string(0) }
      let orphans = try db.rows("PRAGMA foreign_key_check")
      return (found == ["ok"] ? [] : found) + orphans.map { "\($0.values)" }
    }
  }
}
