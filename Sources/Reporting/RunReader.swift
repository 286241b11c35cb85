import Machine
import Records

/// Reads the folder of a run, finished or not, without changing it.
///
/// Only committed repetitions of an unfinished run are read; a torn line and uncommitted rows are ignored.
public struct RunReader: Sendable {
  /// The folder's path.
  public let path: String
  /// meta.json.
  public let meta: RunMeta
  /// The repetitions, in the order they were written.
  public let runs: [RunRecord]
  private let committed: Set<RepetitionKey>

  /// Reads meta.json and runs.csv.
  ///
  /// - Throws: ``UserError`` of kind input, with file and line, if a file is invalid.
  public init(path: String) throws(UserError) {
    self.path = path
    let meta = try RunContents.meta(of: path)
    self.meta = meta
    if meta.finished != nil {
      // Nothing can be lost in a finished run, so the other files, of which lock_holds.csv may be large, aren't read
      // yet.
      runs = try CSVTable(reading: path + "/" + RunRecord.fileName).records(
        RunRecord.self, schema: meta.schemaVersion)
      committed = Set(runs.map(\.key))
    } else {
      let contents = try RunContents(of: path)
      runs = contents.runs
      committed = contents.committed
    }
  }

  /// The rows of zones.csv, lock_holds.csv, events.csv or coverage.csv; empty if the run has no such file.
  ///
  /// - Throws: ``UserError`` of kind input, with file and line, if the file is invalid.
  public func rows<Record: RepetitionRecord>(_ type: Record.Type) throws(UserError) -> [Record] {
    try records(type).filter { committed.contains($0.key) }
  }

  /// The rows of cells.csv as last written; in an unfinished run they may be behind ``runs``.
  ///
  /// - Throws: ``UserError`` of kind input, with file and line, if the file is invalid.
  public func cells() throws(UserError) -> [CellRecord] {
    var cells = try records(CellRecord.self)
    // Written before the verdict: it is in the repetitions.
    if meta.schemaVersion < 4 {
      let runs = Dictionary(grouping: runs, by: \.identity.cellID)
      for index in cells.indices { cells[index].judgeHolds(of: runs[cells[index].cellID] ?? []) }
    }
    return cells
  }

  /// The rows of EXPERIMENT.csv by column name, run_id, cell_id and repetition included, without empty fields. Empty if
  /// the run has no such file.
  ///
  /// - Throws: ``UserError`` of kind input, with file and line, if the file is invalid.
  public func rows(ofExperiment name: String) throws(UserError) -> [[String: String]] {
    let file = path + "/\(name).csv"
    guard FileAccess.exists(file) else { return [] }
    let table = try CSVTable(reading: file)
    guard let keys = try table.keys() else { return [] }
    return zip(table.rows, keys).filter { committed.contains($1) }.map { row, _ in
      Dictionary(zip(table.header, row.fields).filter { !$1.isEmpty }) { first, _ in first }
    }
  }

  private func records<Record: TabularRecord>(_ type: Record.Type) throws(UserError) -> [Record] {
    let file = path + "/" + Record.fileName
    guard FileAccess.exists(file) else { return [] }
    let table = try CSVTable(reading: file)
    return table.header.isEmpty ? [] : try table.records(Record.self, schema: meta.schemaVersion)
  }
}
