/// Summarises the repetitions of a cell to its row of `cells.csv`.
public enum CellSummary {
  /// Returns the summary of a cell; nil without repetitions.
  ///
  /// Each repetition's value is one sample; samples within a repetition are never pooled. Failed repetitions are
  /// ignored.
  ///
  /// - Parameters:
  ///   - runs: the repetitions of one cell, in any order.
  ///   - limitNsPerBlock: this machine's floor. ns a block.
  ///   - holdLimitNs: the hold limit. ns.
  ///   - lockHoldNsMaxRepeatable: the maximum over holds k of the minimum over repetitions of hold k; nil with
  ///     mutators, since hold k is then not the same work in every repetition. ns.
  ///   - lockHoldNsMaxOwn: the maximum over holds k of the median over repetitions of hold k; nil likewise. ns.
  public static func record(
    of runs: [RunRecord],
    limitNsPerBlock: Double? = nil,
    holdLimitNs: Double? = nil,
    lockHoldNsMaxRepeatable: Double? = nil,
    lockHoldNsMaxOwn: Double? = nil
  ) -> CellRecord? {
    guard let first = runs.first else { return nil }
    let counted = runs.filter { $0.found.outcome != .error }
    var cell = CellRecord()
    cell.runID = first.identity.runID
    cell.cellID = first.identity.cellID
    cell.experiment = first.identity.experiment
    cell.experimentOptions = first.identity.experimentOptions
    cell.strategy = first.identity.strategy
    cell.guestBytes = first.guest.bytes
    cell.nodes = first.guest.nodes
    cell.state = first.guest.state
    cell.listOrder = first.guest.listOrder
    cell.granuleOrder = first.guest.granuleOrder
    cell.vmemmapPageBytes = first.guest.vmemmapPageBytes
    cell.order = first.guest.order
    cell.load = first.load.kind
    cell.mutators = first.load.mutators
    cell.oversubscribed = runs.contains(where: \.load.oversubscribed)
    cell.scanNode = first.load.scanNode
    cell.memoryNode = first.load.memoryNode
    cell.repetitions = counted.count
    let watched = counted.compactMap(\.isPreempted)
    if !watched.isEmpty { cell.preemptedRepetitions = watched.count { $0 } }
    for metric in RunRecord.columns where metric.isPrimary {
      let values = counted.compactMap { metric.number($0) }
      guard !values.isEmpty else { continue }
      cell.metrics[metric.name] = MetricSummary(values)
      let confidence = MedianInterval.rank(count: values.count).confidence
      cell.intervalConfidence = min(cell.intervalConfidence ?? 1, confidence)
    }
    cell.limitNsPerBlock = limitNsPerBlock
    cell.holdLimitNs = holdLimitNs
    cell.lockHoldNsMaxRepeatable = lockHoldNsMaxRepeatable
    if let median = cell[metric: "ns_per_block"].median, let limitNsPerBlock, limitNsPerBlock > 0 {
      cell.nsPerBlockToLimit = median / limitNsPerBlock
    }
    if let holdLimitNs, let lockHoldNsMaxRepeatable {
      cell.withinHoldLimit = lockHoldNsMaxRepeatable <= holdLimitNs
    }
    cell.lockHoldNsMaxOwn = lockHoldNsMaxOwn
    cell.judgeHolds(of: runs)
    return cell
  }
}
