import Records

/// When a difference counts: the content of a checked-in thresholds file.
///
/// A difference is a regression only if it is both significant and large enough: with enough repetitions any two builds
/// differ significantly, but by irrelevant amounts.
public struct Thresholds: Encodable, Sendable {
  /// The highest probability that a comparison of two equal builds calls any of its cells worse or better; 0...1. It
  /// holds for all cells together.
  public var alpha = 0.01
  /// The smallest relative change that counts, for measured metrics not in ``metrics``. 0.05 is 5 %.
  public var minimumEffect = 0.05
  /// The same for exact metrics, which have no noise: counted by simulation, or by a virtual clock.
  public var exactMinimumEffect = 0.005
  /// The smallest relative change of single metrics by name, measured or exact.
  public var metrics: [String: Double] = [:]
  /// The metrics that decide, by experiment, if they aren't ``decisive(in:isCounted:)``'s own.
  public var decisive: [String: [String]] = [:]

  /// The level of the interval that has to lie within the minimum effect for a cell to be called the same: two one-sided
  /// tests at 5 % (Schuirmann, 1987). A cell that changed by the minimum effect or more is called the same in at most one
  /// comparison of twenty.
  var sameLevel = standardSameLevel

  /// The level without ``SequentialRule``.
  static let standardSameLevel = 0.9

  /// The experiments and metrics that can be judged.
  public let catalogue: Catalogue

  public init(_ catalogue: Catalogue) { self.catalogue = catalogue }

  /// The smallest relative change of this metric that counts.
  public func minimumEffect(of metric: String, isExact: Bool) -> Double {
    metrics[metric] ?? (isExact ? exactMinimumEffect : minimumEffect)
  }

  /// The smallest loss of coverage that makes a strategy incomparable with its earlier self, since reporting less may
  /// alone make it quicker. Coverage doesn't scatter like times, so ``minimumEffect`` isn't used.
  func leastCoverageLoss(_ metric: String) -> Double { metrics[metric] ?? 0.05 }

  /// Whether a strategy reports less memory than before, by the medians of this metric; false if one side has none.
  func coversLess(_ metric: String, before: [Double], now: [Double]) -> Bool {
    guard let before = MedianInterval.median(sorted: before.sorted()),
      let now = MedianInterval.median(sorted: now.sorted())
    else { return false }
    return before - now > before * leastCoverageLoss(metric)
  }

  /// The metrics that decide over a cell of this experiment. `isCounted`: both sides have instructions counted by
  /// simulation.
  public func decisive(in experiment: String, isCounted: Bool) -> [String] {
    decisive[experiment]
      ?? (isCounted ? ["instructions"] : catalogue.experiment(experiment)?.decisiveMetrics ?? [])
  }

  /// The keys of a file, which doesn't contain the catalogue.
  enum CodingKeys: String, CodingKey, CaseIterable {
    case alpha
    case minimumEffect = "minimum_effect"
    case exactMinimumEffect = "exact_minimum_effect"
    case metrics, decisive
  }
}
