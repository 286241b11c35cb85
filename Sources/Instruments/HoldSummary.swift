import Records

/// The figures of a pass with ``HoldProbe``, for one thread and the chosen phases.
public struct HoldSummary: Sendable {
  /// The number of acquisitions, including those without a sample.
  public var acquisitions: Int
  /// Acquisitions that found no room in the log. If not 0, every other figure covers only the earlier ones.
  public var dropped: Int
  /// The most list entries looked at in one hold; nil without samples.
  public var itemsPerHoldMax: Int?
  /// The lengths of the holds, the clock's cost included.
  public var hold: DurationStatistics
  /// The waits for the lock, the cost of acquiring included.
  public var wait: DurationStatistics
  /// The histograms by phase, for phases with samples.
  public var histograms: [HoldPhase: HoldHistograms]
  /// The holds in order, which ``RepeatableMaximum`` and ``OwnLongestHold`` compare.
  public var holdSequence: HoldSequence
  /// How many holds the thread was preempted, moved or signalled in; nil if the host can't tell.
  public var preempted: Int?
  /// The longest hold without those; of all holds if the host can't tell. Nil without any hold, and if one of those
  /// looked at more entries than every other hold: then a shorter hold says nothing of the longest. Nanoseconds.
  public var undisturbedMax: Double?

  /// The figures of holds that another program timed.
  public init(_ samples: [HoldSample], dropped: Int) {
    self = samples.withUnsafeBufferPointer {
      HoldSummary(
        samples: $0, phases: Set(HoldPhase.allCases), nanosecondsPerTick: CycleClock.nanosecondsPerTick,
        dropped: dropped)
    }
  }

  init(
    samples: UnsafeBufferPointer<HoldSample>, phases: Set<HoldPhase>, nanosecondsPerTick: Double, dropped: Int
  ) {
    var holds: [UInt64] = []
    var waits: [UInt64] = []
    holds.reserveCapacity(samples.count)
    waits.reserveCapacity(samples.count)
    var itemsMax: UInt32?
    var undisturbedMax: UInt64?
    var preempted: [Int] = []
    var isKnown = true
    // Most entries of an undisturbed hold, and of a preempted one; -1 without any.
    var (undisturbedItems, preemptedItems) = (-1, -1)
    var histograms: [HoldPhase: HoldHistograms] = [:]
    for phase in HoldPhase.allCases where phases.contains(phase) {
      // One phase at a time, so that its histograms are local variables instead of a lookup per sample.
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
      if sample.preemption == HoldPreemption.unknown.rawValue { isKnown = false }
      if sample.preemption == HoldPreemption.happened.rawValue {
        preempted.append(holds.count - 1)
        preemptedItems = max(preemptedItems, Int(sample.items))
      } else {
        undisturbedMax = max(undisturbedMax ?? 0, sample.holdTicks)
        undisturbedItems = max(undisturbedItems, Int(sample.items))
      }
    }
    self.acquisitions = holds.count + dropped
    self.dropped = dropped
    self.itemsPerHoldMax = itemsMax.map(Int.init)
    self.hold = DurationStatistics(ticks: holds, nanosecondsPerTick: nanosecondsPerTick)
    self.wait = DurationStatistics(ticks: waits, nanosecondsPerTick: nanosecondsPerTick)
    self.histograms = histograms
    self.holdSequence = HoldSequence(holds, preempted: preempted)
    self.preempted = isKnown && !holds.isEmpty ? preempted.count : nil
    self.undisturbedMax =
      preemptedItems > undisturbedItems ? nil : undisturbedMax.map { Double($0) * nanosecondsPerTick }
  }
}

/// Holds and waits of one phase.
public struct HoldHistograms: Sendable {
  /// Lengths of the holds.
  public var hold = DurationHistogram()
  /// Waits for the lock.
  public var wait = DurationHistogram()
  /// Wait plus hold of each acquisition: the time a kernel without PREEMPT_RT has interrupts off, since
  /// spin_lock_irqsave() waits with interrupts off.
  public var irqOff = DurationHistogram()

  public init() {}

  /// Adds the counts of `other`, such as another thread's.
  public mutating func merge(_ other: HoldHistograms) {
    hold.merge(other.hold)
    wait.merge(other.wait)
    irqOff.merge(other.irqOff)
  }
}
