import Foundation
import Records
import Reporting

/// A comparison of runs: what got worse, what got better, and what can't be decided.
///
/// Cells match by `cell_id`. One metric decides in each (``Thresholds/decisive(in:isCounted:)``). The p values of all
/// deciding rows are corrected together (Holm), so that ``Thresholds/alpha`` holds for the whole comparison. See
/// ``ComparisonRow/judged(alpha:family:needed:)`` for the rule of the verdicts.
public struct Comparison: Sendable {
  /// The name of base: its runs, or a strategy.
  public let baseName: String
  public let newName: String
  public let thresholds: Thresholds
  /// The rows by cell, the requested ones first.
  public let rows: [ComparisonRow]
  /// The description of what all cells have in common.
  public let common: [String]
  /// The cells that only one side has.
  public let onlyInBase: [String]
  public let onlyInNew: [String]
  /// Warnings for the reader, one per line.
  public let warnings: [String]
  /// Whether a larger share of new's repetitions failed than of base's.
  public let failsMore: Bool
  /// The number of rows that the p values were corrected over.
  public let family: Int
  let sampling: Sampling

  /// The confidence level of the intervals, before any correction.
  public var level: Double { 1 - thresholds.alpha }

  /// Compares runs of a new build, or a new day, with those of another. Several runs on a side are launches in order,
  /// one sample each. The same even number on both sides counts as interleaved A B B A.
  ///
  /// - Parameter metrics: the metrics that decide, in every cell; empty: each experiment's own.
  /// - Throws: ``UserError`` for an unknown metric, and for a side without a repetition.
  public init(
    base: [TrackedRun], new: [TrackedRun], thresholds: Thresholds, metrics: [String] = []
  ) throws(UserError) {
    let (baseOrder, baseCells) = CellFacts.all(base)
    let (newOrder, newCells) = CellFacts.all(new)
    for (runs, order) in [(base, baseOrder), (new, newOrder)] where order.isEmpty {
      throw UserError(.input, "\(Self.name(runs)): no repetitions; expected a run with at least one")
    }
    let all =
      baseOrder.compactMap { baseCells[$0] } + newOrder.filter { baseCells[$0] == nil }.compactMap { newCells[$0] }
    let experiments = Set(all.map(\.experiment))
    try Self.check(metrics, experiments, thresholds.catalogue)
    let names = CellNames(all, withStrategy: true)
    let sampling = Sampling(base: base.count, new: new.count)
    let builder = ComparisonBuilder(
      base: base, new: new, experiments: experiments, sampling: sampling, thresholds: thresholds,
      level: 1 - thresholds.alpha, asked: metrics)
    let rows = baseOrder.flatMap { id -> [ComparisonRow] in
      guard let one = baseCells[id], let other = newCells[id] else { return [] }
      return builder.rows(of: (one, other), name: names[id])
    }
    // A control that one side lacks is no mismatch: nothing is decided over it.
    func onlyIn(_ order: [String], _ own: [String: CellFacts], without other: [String: CellFacts]) -> [String] {
      order.filter { other[$0] == nil && own[$0]?.isControl == false }.map { names[$0] }
    }
    self.init(
      baseName: Self.name(base), newName: Self.name(new), thresholds: thresholds, rows: rows, common: names.common,
      onlyInBase: onlyIn(baseOrder, baseCells, without: newCells),
      onlyInNew: onlyIn(newOrder, newCells, without: baseCells),
      warnings: RunDifferences.lines(base, new), sampling: sampling,
      failsMore: TrackedRun.failedShare(new) > TrackedRun.failedShare(base))
  }

  init(
    baseName: String, newName: String, thresholds: Thresholds, rows: [ComparisonRow], common: [String],
    onlyInBase: [String], onlyInNew: [String], warnings: [String], sampling: Sampling, failsMore: Bool = false
  ) {
    self.baseName = baseName
    self.newName = newName
    self.thresholds = thresholds
    self.common = common
    self.onlyInBase = onlyInBase
    self.onlyInNew = onlyInNew
    self.warnings = warnings
    self.sampling = sampling
    self.failsMore = failsMore
    // Rows that already have a reason are excluded.
    let deciding = rows.indices.filter { rows[$0].isAsked && rows[$0].reason == nil }
    let tested = deciding.filter { !rows[$0].isExact }
    family = tested.count
    var rows = rows
    for (index, p) in zip(tested, Holm.corrected(tested.map { rows[$0].p ?? 1 })) {
      rows[index].correctedP = rows[index].p == nil ? nil : p
    }
    let needed = sampling.needed(alpha: thresholds.alpha, family: family)
    for index in deciding {
      let (verdict, reason) = rows[index].judged(alpha: thresholds.alpha, family: family, needed: needed)
      let coversLess = verdict == .worse ? nil : rows[index].coversLessBy
      rows[index].verdict = coversLess == nil ? verdict : nil
      rows[index].reason = coversLess.map { .coversLess($0) } ?? reason
    }
    self.rows = rows
  }

  /// The number of rows with this verdict.
  public func count(_ verdict: Verdict) -> Int { rows.count { $0.verdict == verdict } }

  /// Whether one side lacks cells or metrics of the other, or both have nothing in common.
  public var hasMismatch: Bool {
    !onlyInBase.isEmpty || !onlyInNew.isEmpty || rows.contains(where: \.isMismatch) || !rows.contains(where: \.decides)
  }

  /// The exit status: 2 for a regression, 3 for insufficient data or mismatched cells, 4 for an improvement (only if
  /// `strict`), otherwise 0.
  public func exitStatus(strict: Bool) -> Int32 {
    if count(.worse) > 0 { return 2 }
    if count(.notEnoughData) > 0 || hasMismatch || failsMore { return 3 }
    return strict && count(.better) > 0 ? 4 : 0
  }

  static func name(_ runs: [TrackedRun]) -> String {
    runs.count == 1 ? runs[0].name : "\(runs.count) runs (\(runs.first?.name ?? "") ...)"
  }

  /// Checks that these experiments have metrics of these names.
  ///
  /// - Throws: ``UserError`` of kind usage if no experiment has a metric of this name.
  public static func check(_ metrics: [String], _ experiments: Set<String>, _ catalogue: Catalogue)
    throws(UserError)
  {
    let known = experiments.sorted().flatMap { TrackedMetric.all(of: $0, catalogue).map(\.name) }
    for name in metrics where !known.contains(name) {
      throw UserError(
        .usage,
        "unknown metric '\(name)' in \(experiments.sorted().joined(separator: ", ")); "
          + "expected a metric of `hintbench list metrics` that has a direction")
    }
  }
}
