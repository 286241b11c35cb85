import Records

/// The thresholds of `history check`: ``Thresholds`` with a separate minimum effect for measured metrics.
public enum HistoryThresholds {
  /// - Parameters:
  ///   - file: a checked-in thresholds file; its `minimum_effect` is for launches that take turns, and is ignored.
  ///   - minimumEffect: the smallest change of measured metrics that counts, in percent: 25 or 25%.
  ///   - metric: decides in every cell that has it, instead of each experiment's own.
  /// - Throws: ``UserError``: for an invalid file, or of kind usage for the other arguments.
  public static func make(
    file: String?, minimumEffect: String?, metric: String? = nil, _ catalogue: Catalogue
  ) throws -> Thresholds {
    var made = try file.map { try Thresholds.read($0, catalogue) } ?? Thresholds(catalogue)
    made.minimumEffect = try minimumEffect.map { try Thresholds.effect(percent: $0) } ?? HistoryCheck.minimumEffect
    guard let metric else { return made }
    let experiments = catalogue.experiments.map(\.name)
    try Comparison.check([metric], Set(experiments), catalogue)
    for name in experiments where TrackedMetric.all(of: name, catalogue).contains(where: { $0.name == metric }) {
      made.decisive[name] = [metric]
    }
    return made
  }
}
