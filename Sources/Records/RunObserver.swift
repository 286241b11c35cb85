/// Who keeps what a run finds, as it finds it.
public protocol RunObserver: AnyObject {
  /// A repetition is about to begin. Whatever this takes isn't measured.
  func beginning()
  /// A repetition is done. What is thrown ends the run.
  func finished(_ repetition: RepetitionResult) throws
  /// `done` of `total` repetitions; `label` says what comes next.
  func progress(done: Int, total: Int, label: String)
}

extension RunObserver {
  public func beginning() {}
}

/// Everything one repetition of a cell left behind.
public struct RepetitionResult: Sendable {
  public var run: RunRecord
  public var zones: [ZoneRecord]
  public var holds: [HoldBucketRecord]
  /// The strategy's holds in order, in clock ticks; nil under a load, where hold k isn't the same in every repetition.
  public var holdSequence: [UInt64]?
  /// Why the outcome is `error`.
  public var failure: String?
  /// Rows of EXPERIMENT.csv.
  public var experiment: ExperimentRows?
  /// Rows of events.csv.
  public var events: [EventCountRecord] = []

  /// What was measured of a repetition, or why it failed.
  public init(
    run: RunRecord, zones: [ZoneRecord], holds: [HoldBucketRecord], holdSequence: [UInt64]?, failure: String? = nil,
    experiment: ExperimentRows? = nil, events: [EventCountRecord] = []
  ) {
    self.run = run
    self.zones = zones
    self.holds = holds
    self.holdSequence = holdSequence
    self.failure = failure
    self.experiment = experiment
    self.events = events
  }
}
