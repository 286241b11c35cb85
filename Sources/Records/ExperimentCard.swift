/// Describes an experiment to the matrix, listings, comparisons and the report.
public struct ExperimentCard: Sendable {
  /// How much of a modelled guest the experiment uses.
  public enum Guest: Sendable {
    /// The whole model: an allocator with zones, CPUs and a state.
    case modelled
    /// Only the guest's size.
    case size
  }

  public let name: String
  public let question: String
  public let files: String
  public let guest: Guest
  /// Whether the experiment takes a strategy; nil: it takes none.
  public let suits: (@Sendable (StrategyCard) -> Bool)?
  /// A description of those strategies.
  public let suited: String
  public let options: [DeclaredOption]
  /// Options that are also flags of `run`, for one release.
  public let flags: [String]
  /// An option and the value with which nothing in the experiment's own file depends on the machine.
  public let exactWith: (option: String, value: String)?
  /// Whether hardware events are counted in its repetitions.
  public let countsEvents: Bool
  /// Whether its rows of lock_holds.csv are of zone locks.
  public let timesZoneLock: Bool
  /// Whether the row of what the allocator itself does under zone->lock belongs beside the strategies.
  public let showsAllocator: Bool
  /// Whether its guests may have pages of another size than 4 KiB.
  public let countsAnyPages: Bool
  /// The metrics, of runs.csv or of its own file, that decide whether a cell got worse. At least one; the first is the
  /// one that designs of this experiment are ranked by.
  public let decisiveMetrics: [String]
  /// The metric, of runs.csv or of its own file, for how much was reported. If it fell, cells aren't comparable:
  /// reporting less is quicker but not better.
  public let coverageMetric: String
  /// The columns of EXPERIMENT.csv after run_id, cell_id and repetition.
  public let columns: [ExperimentColumn]

  public init(
    name: String, question: String, files: String, decisiveMetrics: [String], coverageMetric: String = "coverage_free",
    guest: Guest = .modelled, suited: String = "every strategy", options: [DeclaredOption] = [], flags: [String] = [],
    exactWith: (option: String, value: String)? = nil, countsEvents: Bool = false, timesZoneLock: Bool = true,
    showsAllocator: Bool = false, countsAnyPages: Bool = false,
    columns: [ExperimentColumn] = [], suits: (@Sendable (StrategyCard) -> Bool)? = { _ in true }
  ) {
    self.name = name
    self.question = question
    self.files = files
    self.decisiveMetrics = decisiveMetrics
    self.coverageMetric = coverageMetric
    self.guest = guest
    self.suits = suits
    self.suited = suited
    self.options = options
    self.flags = flags
    self.exactWith = exactWith
    self.countsEvents = countsEvents
    self.timesZoneLock = timesZoneLock
    self.showsAllocator = showsAllocator
    self.countsAnyPages = countsAnyPages
    self.columns = columns
  }

  /// The name in messages.
  public var owner: String { "experiment '\(name)'" }

  /// Whether the experiment takes strategies.
  public var takesStrategies: Bool { suits != nil }

  /// Whether the experiment takes this strategy.
  public func takes(_ strategy: StrategyCard) -> Bool { suits?(strategy) ?? false }

  /// Whether nothing in its own file depends on the machine with these options.
  public func isExact(_ options: OptionValues) -> Bool {
    exactWith.map { options[$0.option] == $0.value } ?? false
  }

  /// The options as written to a run's files: colon-separated `OPTION=VALUE`, in the order of declaration, without
  /// those that are no dimension.
  public func text(_ values: OptionValues) -> String {
    options.compactMap { option in values[option.name].map { "\(option.name)=\($0)" } }.joined(separator: ":")
  }
}

/// A column of an experiment's own file.
public struct ExperimentColumn: Sendable {
  public let name: String
  public let unit: String
  public let meaning: String
  public let direction: MetricDirection
  public let isPrimary: Bool
  /// Whether it distinguishes the rows of a repetition: a setting, not a result.
  public let isKey: Bool

  public init<Record>(_ column: Column<Record>, isKey: Bool) {
    name = column.name
    unit = column.unit
    meaning = column.meaning
    direction = column.direction
    isPrimary = column.isPrimary
    self.isKey = isKey
  }
}

/// A record of an experiment's own file.
public protocol ExperimentRecord: TabularRecord {
  /// The number of leading columns that are settings, which distinguish rows.
  static var keyColumns: Int { get }
  /// The names of settings among the later columns, added after a schema_version was fixed.
  static var laterKeys: Set<String> { get }
}

extension ExperimentRecord {
  public static var laterKeys: Set<String> { [] }

  public static var experimentColumns: [ExperimentColumn] {
    columns.enumerated().map { ExperimentColumn($1, isKey: $0 < keyColumns || laterKeys.contains($1.name)) }
  }
}

extension ExperimentRows {
  public init<Record: ExperimentRecord>(_ experiment: ExperimentCard, _ records: [Record]) {
    self.init(
      experiment: experiment.name, columns: Record.columns.map(\.name), rows: records.map(\.fields))
  }
}
