import Bench

/// What a run of one and the same work over and over says of this machine: how much figures differ that should not.
public struct NoiseReport: Equatable, Codable, Sendable {
  /// One metric of one cell.
  public struct Metric: Equatable, Codable, Sendable {
    /// The column's name in runs.csv or cells.csv.
    public var name: String
    public var unit: String
    /// Over all repetitions.
    public var median: Double
    /// Interquartile range over the median: half of all repetitions lie within. Nil for the repeatable maximum, of
    /// which a repetition has none.
    public var spread: Double?
    /// Of the second arm to the first, over the median of all; 0 on a machine without noise.
    public var difference: Double?
    /// By ``NoiseReport/repetitions``: the least relative effect that stands out of the noise; nil if there were too
    /// few repetitions to say.
    public var resolvable: [Double?]
  }

  /// One cell, both arms together.
  public struct Cell: Equatable, Codable, Sendable {
    public var strategy: String
    /// Repetitions that were measured.
    public var repetitions: Int
    /// Those in which the measuring thread was preempted; nil if that isn't told.
    public var preempted: Int?
    public var metrics: [Metric]
  }

  /// Repetitions an arm that ``Metric/resolvable`` is given for.
  public static let repetitions = [5, 10, 20, 40]
  /// Pairs of arms that are drawn for each of them.
  public static let draws = NoiseStatistic.draws

  /// The guest, in words.
  public var guest: String
  /// Length of the run. Seconds.
  public var seconds: Double
  public var seed: UInt64
  public var cells: [Cell]
}
