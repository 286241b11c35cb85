import Records

/// When a difference counts: what a checked-in thresholds file says.
///
/// A difference is a regression only if the statistics and its size both say so: with enough repetitions any two builds
/// differ for certain, but by an irrelevant amount.
public struct Thresholds: Encodable, Sendable {
  /// How often a comparison of two equal builds may call one of its cells worse or better, at most; 0...1. It holds for
  /// all cells together.
  public var alpha = 0.01
  /// The least relative change that counts, for measured metrics that ``metrics`` doesn't name. 0.05 is 5 %.
  public var minimumEffect = 0.05
  /// The same for exact ones, which no noise is in: counted by simulation, or by a virtual clock.
  public var exactMinimumEffect = 0.005
  /// The least relative change of single metrics by name, however they were measured.
  public var metrics: [String: Double] = [:]
  /// The metric that decides, by experiment, where it isn't ``decisive(in:isCounted:)``'s own.
  public var decisive: [String: String] = [:]

  /// A cell is called the same only if its interval keeps within so many minimum effects on either side. Less than 2
  /// could never be met where the spread of launches is near the minimum effect; more says too little.
  public static let sameFactor = 3.0

  /// What there is to judge.
  public let catalogue: Catalogue

  public init(_ catalogue: Catalogue) { self.catalogue = catalogue }

  /// The least relative change of this metric that counts.
  public func minimumEffect(of metric: String, isExact: Bool) -> Double {
    metrics[metric] ?? (isExact ? exactMinimumEffect : minimumEffect)
  }

  /// The least share of what was reported that has to be missing before a strategy isn't held against itself any more:
  /// it may be quicker for that alone. Coverage doesn't scatter as times do, so that ``minimumEffect`` isn't asked.
  func leastCoverageLoss(_ metric: String) -> Double { metrics[metric] ?? 0.05 }

  /// Whether a strategy reports less of the memory than it did, by the medians of this metric; false where one side
  /// has none.
  func coversLess(_ metric: String, before: [Double], now: [Double]) -> Bool {
    guard let before = MedianInterval.median(sorted: before.sorted()),
      let now = MedianInterval.median(sorted: now.sorted())
    else { return false }
    return before - now > before * leastCoverageLoss(metric)
  }

  /// The one metric that decides over a cell of this experiment. `isCounted`: both sides have instructions counted by
  /// simulation.
  public func decisive(in experiment: String, isCounted: Bool) -> String? {
    decisive[experiment]
      ?? (isCounted ? "instructions" : catalogue.experiment(experiment)?.decisiveMetric)
  }

  /// What a file has; the catalogue isn't one of them.
  enum CodingKeys: String, CodingKey, CaseIterable {
    case alpha
    case minimumEffect = "minimum_effect"
    case exactMinimumEffect = "exact_minimum_effect"
    case metrics, decisive
  }
}
