import GuestMemory
import Instruments
import Records

extension RunRecord.Bystanders {
  /// Adds the figures of a probed pass's mutators.
  package mutating func add(_ figures: MutatorFigures) {
    add(latencies: figures)
    allocNsMax = figures.allocations.max.map { Double($0) }
    irqoffNsP99 = figures.holds.irqOff.percentile(99)
    irqoffNsP999 = figures.holds.irqOff.percentile(99.9)
    irqoffNsMax = figures.holds.irqOff.max.map { Double($0) }
    waitNsTotal = figures.waitTotal
    allocFailed = figures.failed
  }

  /// Adds how long allocations took, where a sample of them was timed: not the longest.
  package mutating func add(latencies figures: MutatorFigures) {
    allocNsP50 = figures.allocations.percentile(50)
    allocNsP99 = figures.allocations.percentile(99)
    allocNsP999 = figures.allocations.percentile(99.9)
  }
}

extension RunRecord.Counters {
  /// Creates counters from a reading and its source.
  package init(_ reading: CounterReading, source: String) {
    self.init()
    cycles = reading.cycles.map(Int.init)
    instructions = reading.instructions.map(Int.init)
    l1dMisses = reading.l1dMisses.map(Int.init)
    l2Misses = reading.l2Misses.map(Int.init)
    llcMisses = reading.llcMisses.map(Int.init)
    dtlbMisses = reading.dtlbMisses.map(Int.init)
    self.source = source
  }
}

extension RunRecord.Trust {
  /// Sets the disturbance of the repetition, summed over its measured stretches. Does nothing if there are none.
  package mutating func set(_ stretches: [Disturbance]) {
    guard let first = stretches.first else { return }
    let disturbance = stretches.dropFirst().reduce(first, +)
    involuntarySwitches = disturbance.involuntarySwitches
    minorFaults = disturbance.minorFaults
    stealNs = disturbance.stealNanoseconds.map { Double($0) }
    runDelayNs = disturbance.runDelayNanoseconds.map { Double($0) }
  }

  /// Times empty intervals as long as `hold`, the median hold, for about 3 ms. Does nothing if there was no hold.
  package mutating func measureNoise(hold: Double?) {
    guard let hold else { return }
    let noise = NoiseMeter.measure(intervalNanoseconds: hold, budgetNanoseconds: 3e6)
    noiseNsP999 = noise.p999
    noiseNsMax = noise.max
  }
}

extension RunRecord.SideEffects {
  /// Sets `blocks_withheld_max` from the peak number of pages off the lists.
  package mutating func setWithheld(pages: UInt64, _ core: GuestCore) {
    let blockPages: UInt64 = 1 << UInt64(core.highestOrder)
    blocksWithheldMax = Int((pages + blockPages - 1) / blockPages)
  }
}
