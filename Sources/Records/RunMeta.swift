import Foundation

/// `meta.json`: a run's configuration and machine, and what it couldn't measure.
public struct RunMeta: Codable, Hashable, Sendable {
  /// The schema version that this program writes. It fixes the headers of the CSV files.
  public static let currentSchemaVersion = 11

  /// The schema versions that this program reads.
  public static let readableSchemaVersions = 2...currentSchemaVersion

  /// Something that could not be measured, and why.
  public struct Unavailable: Codable, Hashable, Sendable {
    /// The column, event or figure.
    public var what: String
    /// The reason, and a fix if there is one.
    public var why: String

    /// Creates an entry.
    public init(what: String, why: String) {
      self.what = what
      self.why = why
    }
  }

  /// A repetition that ended in an error.
  public struct Failure: Codable, Hashable, Sendable {
    /// The cell.
    public var cellID: String
    /// The repetition's number within the cell.
    public var repetition: Int
    /// The error.
    public var reason: String

    /// Creates an entry.
    public init(cellID: String, repetition: Int, reason: String) {
      self.cellID = cellID
      self.repetition = repetition
      self.reason = reason
    }

    private enum CodingKeys: String, CodingKey {
      case cellID = "cell_id"
      case repetition, reason
    }
  }

  /// `schema_version`: ``currentSchemaVersion`` if written by this program.
  public var schemaVersion: Int
  /// `run_id`.
  public var runID: String
  /// `command_line`: the exact arguments.
  public var commandLine: [String]
  /// `config`: the whole matrix, from which `--resume` continues.
  public var config: JSONValue
  /// `seed`: the seed from which every repetition's seed is derived.
  public var seed: UInt64
  /// `commit` of the source.
  public var commit: String?
  /// `dirty`: whether the working tree had uncommitted changes.
  public var dirty: Bool?
  /// `build_mode`: release or debug.
  public var buildMode: String
  /// `host`: kernel, CPU, caches, nodes, governor, hypervisor, memory, compiler.
  public var host: JSONValue
  /// `limits`: this machine's floors: the costs of primitive steps.
  public var limits: JSONValue
  /// `counters`: the source of hardware event counts, their overhead, and the simulated caches; nil without counters.
  public var counters: JSONValue?
  /// `unavailable`: what wasn't measured, and why.
  public var unavailable: [Unavailable]
  /// `errors`: the repetitions that failed.
  public var errors: [Failure]
  /// `guests`: the guests as built.
  public var guests: [JSONValue]
  /// `started`: when the run began.
  public var started: Date
  /// `finished`: when its last repetition ended; nil while it runs, and if it was killed.
  public var finished: Date?

  /// Creates the meta of a new run.
  public init(
    runID: String,
    commandLine: [String],
    config: JSONValue,
    seed: UInt64,
    commit: String? = nil,
    dirty: Bool? = nil,
    buildMode: String,
    host: JSONValue = .null,
    limits: JSONValue = .null,
    counters: JSONValue? = nil,
    unavailable: [Unavailable] = [],
    errors: [Failure] = [],
    guests: [JSONValue] = [],
    started: Date,
    finished: Date? = nil
  ) {
    schemaVersion = Self.currentSchemaVersion
    self.runID = runID
    self.commandLine = commandLine
    self.config = config
    self.seed = seed
    self.commit = commit
    self.dirty = dirty
    self.buildMode = buildMode
    self.host = host
    self.limits = limits
    self.counters = counters
    self.unavailable = unavailable
    self.errors = errors
    self.guests = guests
    self.started = started
    self.finished = finished
  }

  private enum CodingKeys: String, CodingKey {
    case schemaVersion = "schema_version"
    case runID = "run_id"
    case commandLine = "command_line"
    case buildMode = "build_mode"
    case config, seed, commit, dirty, host, limits, counters, unavailable, errors, guests, started, finished
  }
}
