/// Describes an experiment to the matrix, listings, comparisons and the report.
public struct ExperimentCard: Sendable {
  /// How much of a modelled guest it uses.
  public enum Guest: Sendable {
    /// An allocator with zones, CPUs and a state.
    case modelled
    /// Only how much memory there is.
    case size
  }

  public let name: String
  public let question: String
  public let files: String
  public let guest: Guest
  /// Which strategies it takes; nil: none.
  public let suits: (@Sendable (StrategyCard) -> Bool)?
  /// Description of those strategies.
  public let suited: String
  public let options: [DeclaredOption]
  /// Options that are also flags of `run`, for one release.
  public let flags: [String]
  /// An option and its value with which nothing in the experiment's own file depends on the machine.
  public let exactWith: (option: String, value: String)?
  /// Whether hardware events are counted in its repetitions.
  public let countsEvents: Bool
  /// Whether what it writes to lock_holds.csv is of zone locks.
  public let timesZoneLock: Bool
  /// The metric, of runs.csv or of its own file, that decides whether a cell of it got worse.
  public let decisiveMetric: String
  /// The metric, of runs.csv or of its own file, that says how much was reported: a strategy that reports less isn't
  /// better for being quicker. Not comparable if it fell.
  public let coverageMetric: String
  /// What EXPERIMENT.csv has beside run_id, cell_id and repetition.
  public let columns: [ExperimentColumn]

  public init(
    name: String, question: String, files: String, decisiveMetric: String, coverageMetric: String = "coverage_free",
    guest: Guest = .modelled, suited: String = "every strategy", options: [DeclaredOption] = [], flags: [String] = [],
    exactWith: (option: String, value: String)? = nil, countsEvents: Bool = false, timesZoneLock: Bool = true,
    columns: [ExperimentColumn] = [], suits: (@Sendable (StrategyCard) -> Bool)? = { _ in true }
  ) {
    self.name = name
    self.question = question
    self.files = files
    self.decisiveMetric = decisiveMetric
    self.coverageMetric = coverageMetric
    self.guest = guest
    self.suits = suits
    self.suited = suited
    self.options = options
    self.flags = flags
    self.exactWith = exactWith
    self.countsEvents = countsEvents
    self.timesZoneLock = timesZoneLock
    self.columns = columns
  }

  /// Its name in messages.
  public var owner: String { "experiment '\(name)'" }

  /// Whether strategies take part.
  public var takesStrategies: Bool { suits != nil }

  /// Whether a strategy takes part.
  public func takes(_ strategy: StrategyCard) -> Bool { suits?(strategy) ?? false }

  /// Whether with these values of its options nothing in its own file depends on the machine.
  public func isExact(_ options: OptionValues) -> Bool {
    exactWith.map { options[$0.option] == $0.value } ?? false
  }

  /// Values of the options as a run's files have them: `OPTION=VALUE` with colons between, in the order of the
  /// declaration, without those that are no dimension.
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
  /// Whether it tells rows of one repetition apart: a setting, not a result.
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
  /// The first so many columns are settings: they tell rows apart.
  static var keyColumns: Int { get }
}

extension ExperimentRecord {
  public static var experimentColumns: [ExperimentColumn] {
    columns.enumerated().map { ExperimentColumn($1, isKey: $0 < keyColumns) }
  }
}

extension ExperimentRows {
  public init<Record: ExperimentRecord>(_ experiment: ExperimentCard, _ records: [Record]) {
    self.init(
      experiment: experiment.name, columns: Record.columns.map(\.name), rows: records.map(\.fields))
  }
}
