import GuestMemory
import Hinting
import Records

/// One question that is put to every cell: how a repetition of it is run, and what it writes.
protocol Experiment: Sendable {
  static var card: ExperimentCard { get }

  /// Guests, states, strategies and loads that are run where nobody says else. `quick`: seconds, not a minute.
  static func groups(quick: Bool) -> [RunConfig.Group]

  /// One repetition of one of its cells.
  ///
  /// - Throws: ``GuestError`` or ``SystemCallError`` where the host has no memory left.
  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult
}

/// What an experiment is, for the matrix and for listings.
public struct ExperimentCard: Sendable {
  public let name: String
  public let question: String
  public let files: String
  /// Which strategies the question makes sense for.
  public let suits: @Sendable (StrategyCard) -> Bool
  /// Those, in words.
  public let suited: String
  /// Loads where none is asked for.
  public let loads: [MutatorLoad]
  /// Whether threads that allocate can run beside it.
  public let takesLoads: Bool
  /// Whether several threads may scan at once.
  public let takesScanners: Bool
  /// How long one measurement lasts where nobody says else; nil where the work decides.
  public let window: TimeSpan?
  /// How many windows a repetition takes, about.
  public let windows: Double
  /// By which clocks it can be run; the first where nobody says else.
  public let clocks: [ExperimentClock]
  /// Whether by the virtual clock nothing in its own file depends on the machine. Where steps last as long as was measured
  /// here, it does.
  public let virtualClockIsExact: Bool
  /// Whether it has a bandwidth and a limit on the downtime.
  public let migrates: Bool
  /// Whether hints go to a host that acts on them, so that a kick may cost a VM exit.
  public let delivers: Bool
  /// Threads it measures beside the mutators: the strategy's own, and others.
  public let threads: Int
  /// Whether hardware events are counted in its repetitions.
  public let countsEvents: Bool
  /// Whether what it writes to lock_holds.csv is of zone locks.
  public let timesZoneLock: Bool
  /// The metric, of runs.csv or of its own file, that decides whether a cell of it got worse.
  public let decisiveMetric: String
  /// The metric, of runs.csv or of its own file, that says how much was reported: a design that reports less isn't better
  /// for being quicker. Not to be compared where it fell.
  public let coverageMetric: String
  /// What EXPERIMENT.csv has beside run_id, cell_id and repetition.
  public let columns: [ExperimentColumn]

  init(
    name: String, question: String, files: String, decisiveMetric: String, coverageMetric: String = "coverage_free",
    suited: String = "every strategy",
    loads: [MutatorLoad] = [.none], window: TimeSpan? = nil, windows: Double = 0, clocks: [ExperimentClock] = [.real],
    virtualClockIsExact: Bool = false, migrates: Bool = false, delivers: Bool = false,
    threads: Int = 1,
    columns: [ExperimentColumn] = [], takesLoads: Bool = true, takesScanners: Bool = false, countsEvents: Bool = false,
    timesZoneLock: Bool = true,
    suits: @escaping @Sendable (StrategyCard) -> Bool = { _ in true }
  ) {
    self.name = name
    self.question = question
    self.files = files
    self.decisiveMetric = decisiveMetric
    self.coverageMetric = coverageMetric
    self.suits = suits
    self.suited = suited
    self.loads = loads
    self.takesLoads = takesLoads
    self.takesScanners = takesScanners
    self.window = window
    self.windows = windows
    self.clocks = clocks
    self.virtualClockIsExact = virtualClockIsExact
    self.migrates = migrates
    self.delivers = delivers
    self.threads = threads
    self.countsEvents = countsEvents
    self.timesZoneLock = timesZoneLock
    self.columns = columns
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

  init<Record>(_ column: Column<Record>, isKey: Bool) {
    name = column.name
    unit = column.unit
    meaning = column.meaning
    direction = column.direction
    isPrimary = column.isPrimary
    self.isKey = isKey
  }
}

/// A record of an experiment's own file.
protocol ExperimentRecord: TabularRecord {
  /// The first so many columns tell rows of one repetition apart.
  static var keyColumns: Int { get }
}

extension ExperimentRecord {
  static var experimentColumns: [ExperimentColumn] {
    columns.enumerated().map { ExperimentColumn($1, isKey: $0 < keyColumns) }
  }
}

extension ExperimentRows {
  init<Record: ExperimentRecord>(_ experiment: ExperimentCard, _ records: [Record]) {
    self.init(
      experiment: experiment.name, columns: Record.columns.map(\.name), rows: records.map(\.fields))
  }
}

/// One repetition of a cell, as its experiment gets it.
struct Repetition {
  let cell: Cell
  /// From 0.
  let number: Int
  let model: ModelledGuest
  /// Who scans, prepared for this guest.
  let team: ScanTeam
  /// With everything in it that is known before anything runs.
  let record: RunRecord

  var guest: Guest { model.guest }
  /// The only scanner's strategy, or the first one's.
  var runner: StrategyRunner { team.members[0].runner }
}
