import Records
import Reporting

/// A run as comparison and history see it: what it was, and its committed repetitions.
public struct TrackedRun: Sendable {
  /// How the user calls it: the folder, or its name in the history.
  public var name: String
  /// `meta.json`.
  public var meta: RunMeta
  /// `runs.csv`, one a committed repetition of a cell, in the order they were written.
  public var repetitions: [RunRecord]
  /// `cells.csv`.
  public var cells: [CellRecord]
  /// The rows of each experiment's own file, by the experiment's name: a row by column name, without its empty fields.
  public var ownRows: [String: [[String: String]]]

  /// Cells of a run made before schema_version 3 that can't be given today's ids, see ``mapped``.
  public var unmapped: [Unmapped] = []

  /// A cell that keeps the id it had.
  public struct Unmapped: Sendable, Hashable {
    public let cellID: String
    public let why: String
  }

  /// With today's ids of its cells, as far as these can be told; itself if it has them.
  public var mapped: TrackedRun { FormerCells.mapped(self) }

  /// What ``mapped`` couldn't do: a line for each reason; empty if it could all.
  public var unmappedLines: [String] {
    Dictionary(grouping: unmapped, by: \.why).sorted { $0.key < $1.key }.map { why, cells in
      "\(name): \(cells.count) of its cells can't be matched with today's: \(why)"
    }
  }

  /// What there was to run.
  public let catalogue: Catalogue

  /// A run put together from its parts.
  public init(
    name: String, meta: RunMeta, repetitions: [RunRecord], cells: [CellRecord], ownRows: [String: [[String: String]]],
    catalogue: Catalogue
  ) {
    self.catalogue = catalogue
    self.name = name
    self.meta = meta
    self.repetitions = repetitions
    self.cells = cells
    self.ownRows = ownRows
  }

  /// Repetitions that ended in an error: they have no part in any figure.
  public var failed: Int { repetitions.count { $0.found.outcome == .error } }

  /// The part of some runs' repetitions that ended in an error; 0...1.
  static func failedShare(_ runs: [TrackedRun]) -> Double {
    let all = runs.reduce(0) { $0 + $1.repetitions.count }
    return all == 0 ? 0 : Double(runs.reduce(0) { $0 + $1.failed }) / Double(all)
  }

  /// Reads the folder of a run, finished or not.
  ///
  /// - Throws: ``UserError``, of kind input, with file and line, where it isn't what this program writes.
  public init(folder: String, _ catalogue: Catalogue) throws(UserError) {
    let reader = try RunReader(path: folder)
    var ownRows: [String: [[String: String]]] = [:]
    for name in Set(reader.runs.map(\.identity.experiment)) {
      let rows = try reader.rows(ofExperiment: name)
      if !rows.isEmpty { ownRows[name] = rows }
    }
    self.init(
      name: folder, meta: reader.meta, repetitions: reader.runs, cells: try reader.cells(), ownRows: ownRows,
      catalogue: catalogue)
  }
}
