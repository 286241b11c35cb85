import Foundation
import Records
import Reporting

/// Creates the rows of pairs of cells.
struct ComparisonBuilder {
  /// A cell of base and the cell of new that it is compared with.
  typealias Pair = (base: CellFacts, new: CellFacts)

  private let base: [TrackedRun]
  private let new: [TrackedRun]
  private let sampling: Sampling
  private let thresholds: Thresholds
  private let level: Double
  /// The metrics requested by name; empty: the decisive one of each cell.
  private let asked: [String]
  /// The series of each run by experiment, metric, cell and key.
  private let baseSeries: SeriesIndex
  private let newSeries: SeriesIndex

  init(
    base: [TrackedRun], new: [TrackedRun], experiments: Set<String>, sampling: Sampling, thresholds: Thresholds,
    level: Double, asked: [String]
  ) {
    self.base = base
    self.new = new
    self.sampling = sampling
    self.thresholds = thresholds
    self.level = level
    self.asked = asked
    let named = Set(asked + ["lock_acquisitions"]).union(thresholds.decisive.values.joined()).union(
      thresholds.catalogue.experiments.map(\.coverageMetric))
    baseSeries = SeriesIndex(base, experiments: experiments, named: named, thresholds.catalogue)
    newSeries = SeriesIndex(new, experiments: experiments, named: named, thresholds.catalogue)
  }

  /// The rows of a pair: the requested ones first, then the other primary metrics that both sides have.
  func rows(of pair: Pair, name: String, alsoDeciding: [String] = []) -> [ComparisonRow] {
    let metrics = TrackedMetric.all(of: pair.base.experiment, thresholds.catalogue)
    let isCounted = [(baseSeries, pair.base.cellID), (newSeries, pair.new.cellID)].allSatisfy { index, cell in
      index.keys("instructions", cell).contains {
        index.series("instructions", cell, $0).contains { $0?.isExact == true }
      }
    }
    let decisive = thresholds.decisive(in: pair.base.experiment, isCounted: isCounted)
    let names = asked.isEmpty ? decisive + alsoDeciding.filter { !decisive.contains($0) } : asked
    let first = names.compactMap { name in metrics.first { $0.name == name } }
    let others = metrics.filter { metric in
      metric.isPrimary && !names.contains(metric.name) && !isOtherCount(metric.name, pair)
    }
    let deciding = first.flatMap { rows($0, pair, name, isAsked: true) }
    let measured = deciding.filter { $0.base != nil || $0.new != nil }
    // Of a metric that an experiment only measures at times, such as holds at a granule of 0, there is nothing to say.
    return (asked.isEmpty && !measured.isEmpty ? measured : deciding)
      + others.flatMap { rows($0, pair, name, isAsked: false) }.filter { $0.base != nil && $0.new != nil }
  }

  /// Whether a metric is a quantile of holds and the cells' numbers of holds differ by more than a tenth: the 99th
  /// percentile of 14 holds is their longest, that of 100 leaves it out.
  private func isOtherCount(_ metric: String, _ pair: Pair) -> Bool {
    guard Self.quantilesOfHolds.contains(metric) else { return false }
    func holds(_ index: SeriesIndex, _ cell: String) -> Double? {
      MedianInterval.median(sorted: Self.values("lock_acquisitions", index, cell).sorted())
    }
    guard let one = holds(baseSeries, pair.base.cellID), let other = holds(newSeries, pair.new.cellID) else {
      return false
    }
    return max(one, other) > 1.1 * min(one, other)
  }

  private static let quantilesOfHolds: Set = [
    "lock_hold_ns_p50", "lock_hold_ns_p99", "lock_hold_ns_p999", "lock_wait_ns_p99",
  ]

  private func rows(_ metric: TrackedMetric, _ pair: Pair, _ name: String, isAsked: Bool) -> [ComparisonRow] {
    var keys = baseSeries.keys(metric.name, pair.base.cellID)
    keys += newSeries.keys(metric.name, pair.new.cellID).filter { !keys.contains($0) }
    return (keys.isEmpty ? [""] : keys).map { row(metric, $0, pair, name, isAsked: isAsked) }
  }

  private func row(
    _ metric: TrackedMetric, _ key: String, _ pair: Pair, _ name: String, isAsked: Bool
  ) -> ComparisonRow {
    let baseSeries = baseSeries.series(metric.name, pair.base.cellID, key)
    let newSeries = newSeries.series(metric.name, pair.new.cellID, key)
    let exact = [baseSeries, newSeries].map { side in
      let series = side.compactMap { $0 }
      return !series.isEmpty && series.allSatisfy(\.isExact)
    }
    let isExact = exact == [true, true]
    let samples = sampling.samples(base: baseSeries, new: newSeries)
    // If one side has no values there are no blocks, but the other side's values are still shown.
    func values(_ series: [MetricSeries?]) -> [Double] {
      sampling.samples(base: series, new: series).base
    }
    let sides = samples.blocks.isEmpty ? (values(baseSeries), values(newSeries)) : (samples.base, samples.new)
    let shown = (base: ComparisonRow.Side(sides.0), new: ComparisonRow.Side(sides.1))
    let canDiffer = samples.smallestP < 1 && !isExact
    let change = isExact ? exactChange(shown.base, shown.new) : relative(samples.shift, samples, shown.base)
    func interval(level: Double) -> ClosedRange<Double>? {
      guard canDiffer, let interval = samples.interval(level: level),
        let low = relative(interval.lowerBound, samples, shown.base)?.value,
        let high = relative(interval.upperBound, samples, shown.base)?.value
      else { return nil }
      return low...high
    }
    var row = ComparisonRow(
      cellID: pair.base.cellID, cell: name, experiment: pair.base.experiment, strategy: pair.base.strategy,
      metric: metric, key: key, base: shown.base, new: shown.new, isExact: isExact, isAsked: isAsked,
      change: change?.value, isRelative: change?.isRelative ?? true,
      interval: interval(level: level), sameInterval: isAsked ? interval(level: thresholds.sameLevel) : nil,
      p: canDiffer ? samples.p : nil,
      minimumEffect: thresholds.minimumEffect(of: metric.name, isExact: isExact),
      smallestP: isExact ? nil : samples.smallestP)
    guard isAsked else { return row }
    row.reason = reason(row, pair, exact)
    row.coversLessBy = coversLess(pair)
    return row
  }

  /// The metric by which new reports less memory than base; nil if it doesn't. Nil if strategies are compared: coverage
  /// is then shown beside the decisive metric.
  private func coversLess(_ pair: Pair) -> String? {
    guard pair.base.strategy == pair.new.strategy,
      let metric = thresholds.catalogue.experiment(pair.base.experiment)?.coverageMetric
    else { return nil }
    let before = Self.values(metric, baseSeries, pair.base.cellID)
    let now = Self.values(metric, newSeries, pair.new.cellID)
    return thresholds.coversLess(metric, before: before, now: now) ? metric : nil
  }

  /// A cell's values of a metric: of all runs, repetitions and keys.
  private static func values(_ metric: String, _ index: SeriesIndex, _ cell: String) -> [Double] {
    let series = index.keys(metric, cell).flatMap { index.series(metric, cell, $0) }
    return series.flatMap { $0.map { Array($0.values.values) } ?? [] }
  }

  /// Why a requested row can't have a verdict; nil if it can.
  private func reason(_ row: ComparisonRow, _ pair: Pair, _ exact: [Bool]) -> VerdictReason? {
    if pair.base.isControl || pair.new.isControl { return .control }
    if pair.base.isOversubscribed || pair.new.isOversubscribed { return .oversubscribed }
    switch (row.base, row.new) {
    case (nil, nil): return .notMeasured
    case (nil, _): return .measuredOnlyIn("new")
    case (_, nil): return .measuredOnlyIn("base")
    default: break
    }
    if isOtherCount(row.metric.name, pair) { return .otherNumberOfHolds }
    if exact[0] != exact[1] { return .exactOnlyIn(exact[0] ? "base" : "new") }
    if row.isExact && Set((base + new).map(\.meta.seed)).count > 1 { return .exactWithOtherSeed }
    return row.change == nil ? .nothingToPair : nil
  }

  private func exactChange(_ base: ComparisonRow.Side?, _ new: ComparisonRow.Side?) -> (
    value: Double, isRelative: Bool
  )? {
    guard let base = base?.median, let new = new?.median else { return nil }
    return base == 0 ? (new - base, new == base) : ((new - base) / abs(base), true)
  }

  /// Converts from the test's scale to a share of base, unless base is 0.
  private func relative(
    _ shift: Double?, _ samples: BlockedSamples, _ base: ComparisonRow.Side?
  ) -> (value: Double, isRelative: Bool)? {
    guard let shift, let base else { return nil }
    if samples.isLogarithmic { return (expm1(shift), true) }
    return base.median == 0 ? (shift, false) : (shift / abs(base.median), true)
  }
}
