import Foundation

extension RunRecord {
  /// Which repetition of which cell of which run a row is.
  public struct Identity: Hashable, Sendable {
    /// `run_id`: The run this row belongs to.
    public var runID: String
    /// `cell_id`: Hash of every guest, load, placement and option column; comparisons match on it (``CellID``).
    public var cellID: String
    /// `time`: When the repetition was made, ISO 8601 UTC, to the second.
    public var time: Date
    /// `commit`: Commit of the source this was measured with.
    public var commit: String?
    /// `branch`: Branch of the source this was measured with.
    public var branch: String?
    /// `host`: Name of the measuring machine.
    public var host: String
    /// `experiment`: Name of the experiment.
    public var experiment: String
    /// `experiment_options`: Values of the experiment's options, OPTION=VALUE with colons between.
    public var experimentOptions = ""
    /// `strategy`: Full name of the strategy, options included.
    public var strategy: String
    /// `repetition`: Number of the repetition within its cell.
    public var repetition: Int
    /// `seed`: Seed of everything random in the repetition.
    public var seed: UInt64

    /// Values left out are not measured.
    public init(
      runID: String,
      cellID: String,
      time: Date,
      commit: String? = nil,
      branch: String? = nil,
      host: String,
      experiment: String,
      experimentOptions: String = "",
      strategy: String,
      repetition: Int,
      seed: UInt64
    ) {
      self.runID = runID
      self.cellID = cellID
      self.time = time
      self.commit = commit
      self.branch = branch
      self.host = host
      self.experiment = experiment
      self.experimentOptions = experimentOptions
      self.strategy = strategy
      self.repetition = repetition
      self.seed = seed
    }
  }
}
