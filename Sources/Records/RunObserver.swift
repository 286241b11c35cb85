/// Receives a run's results as they are measured.
public protocol RunObserver: AnyObject {
  /// Called before a repetition. Its own run time isn't measured.
  func beginning()
  /// Called after a repetition. An error ends the run.
  func finished(_ repetition: RepetitionResult) throws
  /// Whether no further repetition is to be started.
  var isCancelled: Bool { get }
  /// `done` of `total` repetitions are done; `label` names the next one.
  func progress(done: Int, total: Int, label: String)
}

extension RunObserver {
  public func beginning() {}
  public var isCancelled: Bool { false }
}

/// The complete results of one repetition.
public struct RepetitionResult: Sendable {
  public var run: RunRecord
  public var zones: [ZoneRecord]
  public var holds: [HoldBucketRecord]
  /// The strategy's holds in order; nil under a load, with which hold k isn't the same work in every repetition.
  public var holdSequence: HoldSequence?
  /// The reason if the outcome is `error`.
  public var failure: String?
  /// The rows of EXPERIMENT.csv.
  public var experiment: ExperimentRows?
  /// The rows of events.csv.
  public var events: [EventCountRecord] = []
  /// The rows of coverage.csv.
  public var coverage: [CoverageRecord] = []

  /// Creates a result.
  public init(
    run: RunRecord, zones: [ZoneRecord], holds: [HoldBucketRecord], holdSequence: HoldSequence?, failure: String? = nil,
    experiment: ExperimentRows? = nil, events: [EventCountRecord] = [], coverage: [CoverageRecord] = []
  ) {
    self.run = run
    self.zones = zones
    self.holds = holds
    self.holdSequence = holdSequence
    self.failure = failure
    self.experiment = experiment
    self.events = events
    self.coverage = coverage
  }
}

/// An experiment's own results of a repetition: rows of `EXPERIMENT.csv`.
public struct ExperimentRows: Hashable, Sendable {
  /// The experiment's name, which is also the file's.
  public var experiment: String
  /// The names of its own columns, after run_id, cell_id and repetition. The same in every repetition.
  public var columns: [String]
  /// The fields of each row, one per column; nil if not measured.
  public var rows: [[String?]]

  /// Creates the rows.
  public init(experiment: String, columns: [String], rows: [[String?]]) {
    self.experiment = experiment
    self.columns = columns
    self.rows = rows
  }
}
