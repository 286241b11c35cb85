/// What a pass with ``HoldProbe`` found, for one thread and the phases asked for.
public struct HoldSummary: Sendable {
  /// Acquisitions, those without a sample included.
  public var acquisitions: Int
  /// Acquisitions that found no room in the log. Where it is not 0, every other figure is about the earlier ones only.
  public var dropped: Int
  /// The most list entries looked at in one hold; nil if there is no sample.
  public var itemsPerHoldMax: Int?
  /// Lengths of the holds, the cost of the clock included.
  public var hold: DurationStatistics
  /// Waits for the lock, the cost of acquiring included.
  public var wait: DurationStatistics
  /// How often which length occurred, by phase; only phases that have samples.
  public var histograms: [HoldPhase: HoldHistograms]
  /// The holds' lengths in ticks in the order they happened: what ``RepeatableMaximum`` compares.
  public var holdSequence: [UInt64]

  init(
    samples: UnsafeBufferPointer<HoldSample>, phases: Set<HoldPhase>, nanosecondsPerTick: Double, dropped: Int
  ) {
    var holds: [UInt64] = []
    var waits: [UInt64] = []
    holds.reserveCapacity(samples.count)
    waits.reserveCapacity(samples.count)
    var itemsMax: UInt32?
    var histograms: [HoldPhase: HoldHistograms] = [:]
    for phase in HoldPhase.allCases where phases.contains(phase) {
      // One phase at a time, so that its histograms are local variables and not looked up for each sample.
      var found = HoldHistograms()
      for sample in samples where sample.phase == phase.rawValue {
        found.hold.record(ticks: sample.holdTicks, nanosecondsPerTick: nanosecondsPerTick)
        found.wait.record(ticks: sample.waitTicks, nanosecondsPerTick: nanosecondsPerTick)
        found.irqOff.record(ticks: sample.waitTicks &+ sample.holdTicks, nanosecondsPerTick: nanosecondsPerTick)
      }
      if found.hold.count > 0 { histograms[phase] = found }
    }
    let wanted = HoldPhase.allCases.reduce(into: UInt32(0)) { mask, phase in
      if phases.contains(phase) { mask |= 1 << phase.rawValue }
    }
    for sample in samples where wanted & (1 << sample.phase) != 0 {
      holds.append(sample.holdTicks)
      waits.append(sample.waitTicks)
      itemsMax = max(itemsMax ?? 0, sample.items)
    }
    self.acquisitions = holds.count + dropped
    self.dropped = dropped
    self.itemsPerHoldMax = itemsMax.map(Int.init)
    self.hold = DurationStatistics(ticks: holds, nanosecondsPerTick: nanosecondsPerTick)
    self.wait = DurationStatistics(ticks: waits, nanosecondsPerTick: nanosecondsPerTick)
    self.histograms = histograms
    self.holdSequence = holds
  }
}

/// Holds and waits of one phase.
public struct HoldHistograms: Sendable {
  /// Lengths of the holds.
  public var hold = DurationHistogram()
  /// Waits for the lock.
  public var wait = DurationHistogram()
  /// Wait and hold of each acquisition together: the time a kernel without PREEMPT_RT runs with interrupts off, since
  /// spin_lock_irqsave() waits with them off.
  public var irqOff = DurationHistogram()

  public init() {}

  /// Adds the counts of `other`: another thread's, say.
  public mutating func merge(_ other: HoldHistograms) {
    hold.merge(other.hold)
    wait.merge(other.wait)
    irqOff.merge(other.irqOff)
  }
}
