import Bench

/// The noise of this machine, from running the same work repeatedly (A/A).
public struct NoiseReport: Equatable, Codable, Sendable {
  /// One metric of one cell.
  public struct Metric: Equatable, Codable, Sendable {
    /// The column's name in runs.csv or cells.csv.
    public var name: String
    public var unit: String
    /// The median of all repetitions.
    public var median: Double
    /// The interquartile range over the median. Nil for the repeatable maximum, which has no value per repetition.
    public var spread: Double?
    /// The difference of the second arm from the first, over the median of all repetitions; 0 on a machine without
    /// noise.
    public var difference: Double?
    /// The smallest relative effect that stands out of the noise, by ``NoiseReport/repetitions``; nil if there were too
    /// few repetitions.
    public var resolvable: [Double?]
  }

  /// One cell, both arms combined.
  public struct Cell: Equatable, Codable, Sendable {
    public var strategy: String
    /// The number of repetitions measured.
    public var repetitions: Int
    /// The number of repetitions in which the measuring thread was preempted; nil if unknown.
    public var preempted: Int?
    public var metrics: [Metric]
  }

  /// The repetitions per arm that ``Metric/resolvable`` is given for.
  public static let repetitions = [5, 10, 20, 40]
  /// The number of pairs of arms drawn for each of them.
  public static let draws = NoiseStatistic.draws

  /// The guest's description.
  public var guest: String
  /// The length of the run. Seconds.
  public var seconds: Double
  public var seed: UInt64
  public var cells: [Cell]
}
