import Records

/// The values of one metric in one cell of a run.
public struct MetricSeries: Sendable {
  /// `cell_id`.
  public let cellID: String
  /// The key that distinguishes this row of a repetition from others, such as `range_bytes=2097152`; empty if there is
  /// only one.
  public let key: String
  /// The values by repetition; a metric of the whole cell has one value, of repetition 0.
  public let values: [Int: Double]
  /// Whether the values don't depend on the machine: counted by simulation, or by a virtual clock.
  public let isExact: Bool
}

extension TrackedRun {
  /// The cells with a committed repetition, in the order of their first.
  public var cellIDs: [String] {
    var seen: Set<String> = []
    return repetitions.map(\.identity.cellID).filter { seen.insert($0).inserted }
  }

  /// The values of a metric: a series for each cell that has any, and each key within it. Failed repetitions are left
  /// out.
  public func series(of metric: TrackedMetric) -> [MetricSeries] {
    let kept = repetitions.filter { $0.found.outcome != .error }
    let records = Dictionary(grouping: kept, by: \.identity.cellID)
    return switch metric.source {
    case .runs(let number): byCell(records, exact: { _ in false }, number)
    case .counter(let number): byCell(records, exact: { $0.counters.source == "simulated" }, number)
    case .cells(let number): ofCells(records, number)
    case .own(let experiment, let keys): ofOwnRows(records, metric.name, experiment, keys)
    }
  }

  private func byCell(
    _ records: [String: [RunRecord]], exact: (RunRecord) -> Bool, _ number: (RunRecord) -> Double?
  ) -> [MetricSeries] {
    cellIDs.compactMap { id in
      let rows = (records[id] ?? []).compactMap { row in number(row).map { (row.identity.repetition, $0) } }
      guard !rows.isEmpty else { return nil }
      return MetricSeries(
        cellID: id, key: "", values: Dictionary(rows) { first, _ in first },
        isExact: records[id]?.allSatisfy(exact) == true)
    }
  }

  private func ofCells(_ records: [String: [RunRecord]], _ number: (CellRecord) -> Double?) -> [MetricSeries] {
    cells.compactMap { cell in
      guard records[cell.cellID] != nil, let value = number(cell) else { return nil }
      return MetricSeries(cellID: cell.cellID, key: "", values: [0: value], isExact: false)
    }
  }

  private func ofOwnRows(
    _ records: [String: [RunRecord]], _ name: String, _ experiment: String, _ keys: [String]
  ) -> [MetricSeries] {
    var order: [[String]] = []
    var values: [[String]: [Int: Double]] = [:]
    for row in ownRows[experiment] ?? [] {
      guard let id = row["cell_id"], let repetition = row["repetition"].flatMap({ Int($0) }),
        records[id]?.contains(where: { $0.identity.repetition == repetition }) == true,
        let value = row[name].flatMap({ Double($0) })
      else { continue }
      let place = [id, keys.compactMap { key in row[key].map { "\(key)=\($0)" } }.joined(separator: " ")]
      if values[place] == nil { order.append(place) }
      values[place, default: [:]][repetition] = value
    }
    let exact = catalogue.experiment(experiment)?.exactWith.map { "\($0.option)=\($0.value)" }
    return order.map { place in
      MetricSeries(
        cellID: place[0], key: place[1], values: values[place] ?? [:],
        isExact: exact.map { place[1].split(separator: " ").contains(Substring($0)) } ?? false)
    }
  }
}
