import Records

/// Maps cells of runs made before schema_version 3 to the ids that the same points of the matrix have today.
///
/// Until then an id was a hash of every setting, whether or not the experiment used it, and some experiments measured
/// several points in one repetition, as rows of their own file. A cell's settings are reconstructed from its rows and
/// the run's configuration, and verified by computing the former id from them.
struct FormerCells {
  /// The run with today's ids and, in `unmapped`, the cells that keep their old one, each with the reason.
  static func mapped(_ run: TrackedRun) -> TrackedRun {
    guard run.meta.schemaVersion < 3 else { return run }
    let former = FormerCells(run)
    var mapped = run
    mapped.repetitions = run.repetitions.flatMap(former.repetitions)
    mapped.cells = run.cells.flatMap(former.cells)
    for (experiment, rows) in run.ownRows { mapped.ownRows[experiment] = rows.map { former.row($0, experiment) } }
    mapped.unmapped = former.unmapped
    return mapped
  }

  /// A cell's counterpart today: one point for each key of its own rows.
  private struct Point {
    var id: String
    var options: String
    /// The values of the key columns of the experiment's own file; nil if it has no rows.
    var key: [String?]?
  }

  private var points: [String: [Point]] = [:]
  private var unmapped: [TrackedRun.Unmapped] = []
  private let catalogue: Catalogue

  private init(_ run: TrackedRun) {
    let wanted = FormerSettings(run.meta.config)
    catalogue = run.catalogue
    var taken: Set<String> = []
    for (id, records) in Dictionary(grouping: run.repetitions, by: \.identity.cellID).sorted(by: { $0.key < $1.key }) {
      let rows = (run.ownRows[records[0].identity.experiment] ?? []).filter { $0["cell_id"] == id }
      let found = Self.points(id, records[0], rows, wanted, run.catalogue)
      switch found {
      case .failure(let reason): unmapped.append(.init(cellID: id, why: reason.text))
      case .success(let points) where !taken.isDisjoint(with: points.map(\.id)):
        unmapped.append(.init(cellID: id, why: "another cell of the run is the same point today"))
      case .success(let points):
        taken.formUnion(points.map(\.id))
        self.points[id] = points
      }
    }
  }

  // MARK: rows

  /// The rows of runs.csv of one repetition. Measurements of a repetition as a whole are dropped if it has several
  /// points.
  private func repetitions(_ record: RunRecord) -> [RunRecord] {
    guard let points = points[record.identity.cellID] else { return [record] }
    return points.map { point in
      var mapped = record
      if points.count > 1 {
        mapped = RunRecord.blank
        mapped.identity = record.identity
        mapped.guest = record.guest
        mapped.load = record.load
        mapped.found = RunRecord.Found(outcome: record.found.outcome)
        mapped.trust = record.trust
      }
      mapped.identity.cellID = point.id
      mapped.identity.experimentOptions = point.options
      return mapped
    }
  }

  private func cells(_ cell: CellRecord) -> [CellRecord] {
    guard let points = points[cell.cellID] else { return [cell] }
    return points.map { point in
      var mapped = cell
      if points.count > 1 {
        mapped.metrics = [:]
        mapped.forgetHolds()
      }
      mapped.cellID = point.id
      mapped.experimentOptions = point.options
      return mapped
    }
  }

  private func row(_ row: [String: String], _ experiment: String) -> [String: String] {
    guard let points = row["cell_id"].flatMap({ points[$0] }) else { return row }
    let key = Self.keyColumns(experiment, catalogue).map { row[$0] }
    guard let point = points.first(where: { $0.key == nil || $0.key == key }) else { return row }
    var mapped = row
    mapped["cell_id"] = point.id
    return mapped
  }

  private static func keyColumns(_ experiment: String, _ catalogue: Catalogue) -> [String] {
    catalogue.experiment(experiment)?.columns.filter(\.isKey).map(\.name) ?? []
  }

  // MARK: what a cell was

  private struct Reason: Error { var text: String }

  private static func points(
    _ id: String, _ record: RunRecord, _ rows: [[String: String]], _ wanted: FormerSettings,
    _ catalogue: Catalogue
  ) -> Result<[Point], Reason> {
    guard let card = catalogue.experiment(record.identity.experiment) else {
      return .failure(Reason(text: "there is no experiment \(record.identity.experiment) any more"))
    }
    guard record.guest.state != "captured" || card.name == "scan" else {
      return .failure(Reason(text: "what the capture held isn't in the run's files"))
    }
    // The dimensions and their names are the same, so the id is today's.
    guard card.name != "scan" else { return .success([Point(id: id, options: "", key: nil)]) }
    guard let setting = wanted.candidates(record, rows.first).first(where: { $0.id == id }) else {
      return .failure(Reason(text: "its settings can't be told from the run's files"))
    }
    let columns = keyColumns(card.name, catalogue)
    var keys: [[String?]] = []
    for row in rows {
      let key = columns.map { row[$0] }
      if !keys.contains(key) { keys.append(key) }
    }
    guard !keys.isEmpty else { return .failure(Reason(text: "it has no rows in \(card.name).csv")) }
    var points: [Point] = []
    for key in keys {
      let fields = Dictionary(uniqueKeysWithValues: zip(columns, key)).compactMapValues { $0 }
      guard let options = setting.options(of: card, record, fields) else {
        return .failure(Reason(text: "\(card.name) has no such options any more"))
      }
      var identity = CellIdentity(card, options)
      for (name, value) in setting.guest(card) { identity.set(name, value) }
      points.append(Point(id: identity.id, options: card.text(options), key: key))
    }
    guard Set(points.map(\.id)).count == points.count else {
      return .failure(Reason(text: "several of its rows are the same point today"))
    }
    return .success(points)
  }
}
