import Foundation

/// A run of a history, without its figures.
public struct HistoryEntry: Sendable, Equatable, Encodable {
  let id: Int64
  public let runID: String
  /// The name: its run_id, unless it was imported under another name.
  public let name: String
  /// The start. ISO 8601 UTC, to the second.
  public let started: String
  /// The end; nil if the run is unfinished.
  public let finished: String?
  public let host: String
  public let cpuModel: String?
  public let buildMode: String
  public let commit: String?
  public let branch: String?
  /// Whether the source was modified since the commit.
  public let dirty: Bool?
  public let experiments: [String]
  public let cells: Int
  let schemaVersion: Int
  /// The number of committed repetitions of all cells.
  public let repetitions: Int

  enum CodingKeys: String, CodingKey {
    case runID = "run_id"
    case cpuModel = "cpu_model"
    case buildMode = "build_mode"
    case name, started, finished, host, commit, branch, dirty, experiments, cells, repetitions
  }

  /// Whether figures of both are comparable: the same machine, as far as its name and processor tell, and the same way
  /// of building.
  func isComparable(with other: HistoryEntry) -> Bool {
    host == other.host && cpuModel == other.cpuModel && buildMode == other.buildMode
  }

  static let columns = """
    id, run_id, name, started, finished, host, cpu_model, build_mode, "commit", branch, dirty, experiments, cells, \
    repetitions, schema_version
    """

  /// Creates an entry from a row with ``columns``.
  init(_ row: SQLiteRow) {
    func number(_ name: String) -> Int { row[name].integer.flatMap { Int(exactly: $0) } ?? 0 }
    func text(_ name: String) -> String { row[name].string ?? "" }
    id = row["id"].integer ?? 0
    runID = text("run_id")
    name = text("name")
    started = text("started")
    finished = row["finished"].string
    host = text("host")
    cpuModel = row["cpu_model"].string
    buildMode = text("build_mode")
    commit = row["commit"].string
    branch = row["branch"].string
    dirty = row["dirty"].integer.map { $0 != 0 }
    experiments = text("experiments").split(separator: ",").map(String.init)
    cells = number("cells")
    schemaVersion = number("schema_version")
    repetitions = number("repetitions")
  }
}
