import Records
import Reporting

/// A run for comparison and history: its meta and its committed repetitions.
public struct TrackedRun: Sendable {
  /// The name given by the user: the folder, or its name in the history.
  public var name: String
  /// `meta.json`.
  public var meta: RunMeta
  /// `runs.csv`: the committed repetitions, in the order they were written.
  public var repetitions: [RunRecord]
  /// `cells.csv`.
  public var cells: [CellRecord]
  /// The rows of each experiment's own file, by the experiment's name: each by column name, without empty fields.
  public var ownRows: [String: [[String: String]]]

  /// Cells of a run made before schema_version 3 that can't be mapped to today's ids, see ``mapped``.
  public var unmapped: [Unmapped] = []

  /// A cell that keeps its former id.
  public struct Unmapped: Sendable, Hashable {
    public let cellID: String
    public let why: String
  }

  /// The run with today's cell ids as far as they can be determined; itself if it has them already.
  public var mapped: TrackedRun { FormerCells.mapped(self) }

  /// The cells that ``mapped`` couldn't map: one line per reason; empty if there are none.
  public var unmappedLines: [String] {
    Dictionary(grouping: unmapped, by: \.why).sorted { $0.key < $1.key }.map { why, cells in
      "\(name): \(cells.count) of its cells can't be matched with today's: \(why)"
    }
  }

  /// The strategies and experiments the run is interpreted by.
  public let catalogue: Catalogue

  /// Creates a run from its parts.
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

  /// The kernels whose rules its modelled guests followed, sorted. Before there was a choice, in schema_version 6, 6.1.
  var kernels: [String] {
    Set(
      repetitions.filter { !$0.guest.lockKind.isEmpty }.compactMap {
        $0.guest.kernelRules ?? (meta.schemaVersion < 6 ? "6.1" : nil)
      }
    ).sorted()
  }

  /// The number of failed repetitions, which are ignored in all figures.
  public var failed: Int { repetitions.count { $0.found.outcome == .error } }

  /// The share of failed repetitions of some runs; 0...1.
  static func failedShare(_ runs: [TrackedRun]) -> Double {
    let all = runs.reduce(0) { $0 + $1.repetitions.count }
    return all == 0 ? 0 : Double(runs.reduce(0) { $0 + $1.failed }) / Double(all)
  }

  /// Reads a run folder, finished or not.
  ///
  /// - Throws: ``UserError`` of kind input, with file and line, if a file is invalid.
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
