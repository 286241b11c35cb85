import Records

extension RunRecord.Lock {
  /// Creates the lock figures from a pass's holds. `sessionTicks`: the length of the pass; nil if it isn't known.
  package init(_ holds: HoldSummary, sessionTicks: UInt64? = nil) {
    self.init(acquisitions: holds.acquisitions, itemsPerHoldMax: holds.itemsPerHoldMax)
    holdNsMean = holds.hold.mean
    holdNsP50 = holds.hold.p50
    holdNsP99 = holds.hold.p99
    holdNsP999 = holds.hold.p999
    holdNsMax = holds.hold.max
    holdNsTotal = holds.hold.total
    waitNsP99 = holds.wait.p99
    waitNsMax = holds.wait.max
    holdNsMaxUndisturbed = holds.undisturbedMax
    holdsPreempted = holds.preempted
    holdNsWeightedMean = holds.hold.weightedMean
    guard let total = holds.hold.total, let weightedMean = holds.hold.weightedMean, let sessionTicks, sessionTicks > 0
    else { return }
    // The sum of squares over twice the session: a wait of half the hold, with the probability of meeting it.
    arrivalWaitNs = total * weightedMean / 2 / CycleClock.nanoseconds(fromTicks: sessionTicks)
  }
}

extension HoldBucketRecord {
  /// The rows of one histogram of a repetition.
  package static func rows(
    _ histogram: DurationHistogram, runID: String, _ key: RepetitionKey, _ phase: Phase, _ kind: Kind
  ) -> [HoldBucketRecord] {
    histogram.buckets.map { bucket in
      HoldBucketRecord(
        runID: runID, cellID: key.cellID, repetition: key.repetition, phase: phase, kind: kind,
        upperNs: Double(bucket.upperNanoseconds), count: Int(bucket.count))
    }
  }
}
