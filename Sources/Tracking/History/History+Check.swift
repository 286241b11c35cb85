import Records

extension History {
  /// Judges a run by earlier ones on the same machine, built the same way, with the same cells.
  ///
  /// - Parameters:
  ///   - word: the run, see ``entry(named:)``.
  ///   - window: the most earlier runs each cell is judged by; at least 1.
  /// - Throws: ``UserError``.
  public func check(_ word: String = "@1", window: Int = 10, thresholds: Thresholds) throws(UserError)
    -> HistoryCheck
  {
    let entry = try entry(named: word)
    return try read { db in
      let newest = try run(entry, in: db)
      let candidates = try entries(
        in: db, where: "(started, id) < (?, ?)", [entry.started, entry.id]
      ).filter(entry.isComparable)
      let having = try runs(havingCellsOf: newest, among: candidates, in: db)
      // Cells of the latest run with anything in common that this one lacks are lost.
      let latest = candidates.first { candidate in having.values.contains { $0.contains(candidate.id) } }
      let latestRun = try latest.map { try run($0, in: db) }

      var wanted: Set<Int64> = []
      for runs in having.values { wanted.formUnion(runs.prefix(window)) }
      let earlier = candidates.filter { wanted.contains($0.id) }
      let metrics = try deciding(newest.experiments, thresholds)
      let columns = TrackedMetric.columns(metrics.values.flatMap(\.all), catalogue)
      let series = DecidingSeries(newest, metrics)
      let before = try earlier.map { DecidingSeries(try run($0, only: columns, in: db), metrics) }

      let facts = CellFacts.all([newest] + (latestRun.map { [$0] } ?? []))
      let here = newest.cellIDs.compactMap { facts.byID[$0] }
      let names = CellNames(here, withStrategy: true)
      let judged = here.filter { !$0.isControl && !$0.isOversubscribed }
      var rows: [HistoryCheckRow] = []
      for cell in judged {
        guard let pair = metrics[cell.experiment] else { continue }
        let coversLess = pair.coverage.flatMap { metric in
          thresholds.coversLess(
            metric.name, before: before.compactMap { $0.median(metric, cell.cellID) },
            now: series.median(metric, cell.cellID).map { [$0] } ?? [])
            ? "covers less memory than before (\(metric.name)), which may hide a slowdown" : nil
        }
        let isCounted = series.isCounted(cell.cellID) && before.contains { $0.isCounted(cell.cellID) }
        for metric in isCounted ? pair.counted : pair.measured {
          var keys = series.keys(metric, cell.cellID)
          for other in before { keys += other.keys(metric, cell.cellID).filter { !keys.contains($0) } }
          for key in keys {
            let isExact = series.isExact(metric, cell.cellID, key)
            // Simulated counts and measurements aren't comparable, nor are counts of different seeds, whose guests
            // differ.
            let alike =
              series.median(metric, cell.cellID, key) == nil
              ? before
              : before.filter {
                $0.isExact(metric, cell.cellID, key) == isExact && (!isExact || $0.seed == series.seed)
              }
            let values = alike.compactMap { $0.median(metric, cell.cellID, key) }.prefix(window)
            rows.append(
              HistoryCheckRow(
                cellID: cell.cellID, cell: key.isEmpty ? names[cell.cellID] : "\(names[cell.cellID]) \(key)",
                experiment: cell.experiment, strategy: cell.strategy, metric: metric, isExact: isExact,
                earlier: values.reversed(), newest: series.median(metric, cell.cellID, key),
                minimumEffect: thresholds.minimumEffect(of: metric.name, isExact: isExact), coversLess: coversLess))
          }
        }
      }
      let gone = (latestRun?.cellIDs ?? []).filter { !newest.cellIDs.contains($0) }.compactMap { facts.byID[$0] }
      let goneNames = CellNames(gone, withStrategy: true)
      // Of the same experiments, but without a cell in common: for another kernel, perhaps.
      let other =
        try latest == nil
        ? candidates.first { Set($0.experiments) == Set(entry.experiments) }.map { try run($0, in: db) } : nil
      return HistoryCheck(
        run: entry, earlier: earlier, rows: rows, lost: gone.map { goneNames[$0.cellID] }, common: names.common,
        thresholds: thresholds, window: window, failures: RunDifferences.failures(newest),
        difference: other.flatMap { RunDifferences.kernels([$0], [newest]).first },
        failsMore: TrackedRun.failedShare([newest]) > TrackedRun.failedShare(latestRun.map { [$0] } ?? []))
    }
  }

  /// For each cell of the run the candidates that have it, in order.
  private func runs(
    havingCellsOf run: TrackedRun, among candidates: [HistoryEntry], in db: SQLiteDatabase
  ) throws -> [String: [Int64]] {
    let cells = Set(run.cellIDs)
    let places = Dictionary(uniqueKeysWithValues: zip(candidates.map(\.id), candidates.indices))
    var having: [String: [Int64]] = [:]
    let former = candidates.filter { $0.schemaVersion < 3 }
    for row in try db.rows("SELECT DISTINCT run, cell_id FROM repetitions") {
      let (id, cell) = (row["run"].integer ?? 0, row["cell_id"].string ?? "")
      if places[id] != nil && cells.contains(cell) && !former.contains(where: { $0.id == id }) {
        having[cell, default: []].append(id)
      }
    }
    for entry in former {
      for cell in try self.run(entry, in: db).cellIDs where cells.contains(cell) {
        having[cell, default: []].append(entry.id)
      }
    }
    return having.mapValues { runs in runs.sorted { (places[$0] ?? 0) < (places[$1] ?? 0) } }
  }

  private func deciding(
    _ experiments: [String], _ thresholds: Thresholds
  ) throws -> [String: DecidingMetrics] {
    var found: [String: DecidingMetrics] = [:]
    for experiment in experiments {
      let metrics = TrackedMetric.all(of: experiment, catalogue)
      func deciding(isCounted: Bool) throws -> [TrackedMetric] {
        try thresholds.decisive(in: experiment, isCounted: isCounted).map { name in
          guard let metric = metrics.first(where: { $0.name == name }) else {
            throw UserError(.input, "the thresholds' \(name) is no metric of \(experiment)")
          }
          return metric
        }
      }
      let (measured, counted) = (try deciding(isCounted: false), try deciding(isCounted: true))
      // An experiment that this version doesn't know has none.
      if measured.isEmpty || counted.isEmpty { continue }
      let coverage = catalogue.experiment(experiment)?.coverageMetric
      found[experiment] = DecidingMetrics(
        measured: measured, counted: counted, coverage: metrics.first { $0.name == coverage })
    }
    return found
  }
}
