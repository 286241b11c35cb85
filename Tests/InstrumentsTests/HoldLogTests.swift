import CHost
import Glibc
import Machine
import TestSupport
import Testing

@testable import Instruments

@Suite struct HoldLogTests {
  /// Acquires and releases once.
  private func hold(_ probe: inout some LockProbe, items: Int) {
    probe.willAcquire()
    probe.didAcquire()
    probe.willRelease()
    probe.didRelease(zone: 0, items: items)
  }

  @Test func writesOneSampleAHoldInOrder() throws {
    let log = try HoldLog(capacity: 10)
    var probe = log.probe()
    for items in 0..<7 { hold(&probe, items: items) }
    #expect(log.count == 7)
    #expect((0..<7).map { log[$0].items } == [0, 1, 2, 3, 4, 5, 6])
    #expect((0..<7).allSatisfy { log[$0].phase == HoldPhase.collect.rawValue })
    #expect((0..<7).allSatisfy { log[$0].holdTicks < UInt64.max / 2 && log[$0].waitTicks < UInt64.max / 2 })
  }

  @Test func copiesOfAProbeAreTheSameProbe() throws {
    let log = try HoldLog(capacity: 10)
    var probe = log.probe()
    var copy = probe
    probe.phase = .return
    #expect(copy.phase == .return)
    #expect(log.phase == .return)
    // Even an acquisition begun on one and ended on the other.
    probe.willAcquire()
    copy.didAcquire()
    probe.willRelease()
    copy.didRelease(zone: 0, items: 3)
    hold(&probe, items: 4)
    #expect(log.count == 2)
    #expect(log[0].holdTicks < UInt64.max / 2)
    #expect([log[0].items, log[1].items] == [3, 4])
  }

  @Test func samplesPastTheCapacityAreCountedAndNotWritten() throws {
    let log = try HoldLog(capacity: 3)
    var probe = log.probe()
    for items in 1...3 { hold(&probe, items: items) }
    probe.phase = .mutator
    for _ in 0..<5 { hold(&probe, items: 1000) }
    #expect(log.count == 3)
    #expect(log.dropped == 5)
    #expect([log[0].items, log[1].items, log[2].items] == [1, 2, 3])
    let all = log.summary()
    #expect(all.acquisitions == 8)
    #expect(all.dropped == 5)
    #expect(all.itemsPerHoldMax == 3)
    let collect = log.summary(phases: [.collect])
    #expect(collect.acquisitions == 3)
    #expect(collect.dropped == 0)
    let mutator = log.summary(phases: [.mutator])
    #expect(mutator.acquisitions == 5)
    #expect(mutator.hold.count == 0)
    #expect(mutator.hold.max == nil)
  }

  @Test func aLogWithoutRoomOnlyCounts() throws {
    let log = try HoldLog(capacity: 0)
    var probe = log.probe()
    hold(&probe, items: 1)
    log.prefault(samples: 5)
    #expect(log.count == 0)
    #expect(log.dropped == 1)
  }

  @Test func theEndOfTheMappingIsWritable() throws {
    // Sizes around whole pages: a sample is 24 bytes.
    for capacity in [1, 170, 171, 341, 342, 512] {
      let log = try HoldLog(capacity: capacity)
      var probe = log.probe()
      for items in 0..<(capacity + 1) { hold(&probe, items: items) }
      #expect(log.count == capacity)
      #expect(log[capacity - 1].items == UInt32(capacity - 1))
      #expect(log.dropped == 1)
    }
  }

  @Test func resetForgetsSamplesAndGoesBackToTheFirstPhase() throws {
    let log = try HoldLog(capacity: 1, phase: .mutator)
    var probe = log.probe()
    probe.phase = .return
    hold(&probe, items: 1)
    hold(&probe, items: 1)
    log.reset()
    #expect(log.count == 0)
    #expect(log.dropped == 0)
    #expect(log.capacity == 1)
    #expect(probe.phase == .mutator)
    hold(&probe, items: 9)
    #expect(log[0].items == 9)
  }

  @Test func prefaultKeepsWhatIsThere() throws {
    let log = try HoldLog(capacity: 5000)
    var probe = log.probe()
    for items in 0..<1000 { hold(&probe, items: items) }
    log.prefault(samples: .max)
    log.prefault(samples: -1)
    #expect((0..<1000).allSatisfy { log[$0].items == UInt32($0) })
    #expect(log.count == 1000)
  }

  @Test func moreThanTheAddressSpaceIsAnError() {
    #expect(throws: SystemCallError.self) { try HoldLog(capacity: .max) }
    #expect(throws: SystemCallError.self) { try HoldLog(capacity: 1 << 57) }
  }

  @Test func strangeItemCountsAreClamped() throws {
    let log = try HoldLog(capacity: 2)
    var probe = log.probe()
    hold(&probe, items: -1)
    hold(&probe, items: 1 << 40)
    #expect(log[0].items == 0)
    #expect(log[1].items == .max)
  }

  @Test func aSummaryWithoutSamplesIsEmpty() throws {
    let summary = try HoldLog(capacity: 1).summary()
    #expect(summary.acquisitions == 0)
    #expect(summary.itemsPerHoldMax == nil)
    #expect(summary.holdSequence.lengths.isEmpty)
    #expect(summary.histograms.isEmpty)
    for statistics in [summary.hold, summary.wait] {
      #expect(statistics == DurationStatistics(ticks: [], nanosecondsPerTick: 1))
      #expect(statistics.mean == nil && statistics.total == nil && statistics.p50 == nil && statistics.p999 == nil)
    }
  }

  private static let canTell = {
    chost_watch_preemption()
    return chost_preemption() != UInt8(chost_preemption_unknown.rawValue)
  }()

  /// A signal makes the kernel return to the thread as a preemption does, at a moment that a test can choose.
  @Test(.enabled(if: canTell, "this host's threads have no rseq area"))
  func aHoldThatTheKernelBrokeIntoIsMarked() throws {
    signal(SIGUSR2) { _ in }
    // Threads of Dispatch block most signals.
    var (set, before) = (sigset_t(), sigset_t())
    sigemptyset(&set)
    sigaddset(&set, SIGUSR2)
    pthread_sigmask(SIG_UNBLOCK, &set, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let log = try HoldLog(capacity: 10)
    var probe = log.probe()
    func hold(items: Int, broken: Bool) {
      probe.willAcquire()
      probe.didAcquire()
      if broken { raise(SIGUSR2) }
      probe.willRelease()
      probe.didRelease(zone: 0, items: items)
    }
    // The machine may preempt any of these as well: until it has left them alone.
    repeat {
      log.reset()
      for broken in [false, true, false] { hold(items: 5, broken: broken) }
    } while log.samples.filter { $0.preemption == HoldPreemption.happened.rawValue }.count != 1
    #expect(log[1].preemption == HoldPreemption.happened.rawValue)
    let summary = log.summary(nanosecondsPerTick: 1)
    #expect(summary.preempted == 1)
    #expect(summary.undisturbedMax == Double(max(log[0].holdTicks, log[2].holdTicks)))
  }

  @Test func aPreemptedHoldCountsForNothingUnlessItHadTheMostEntries() throws {
    func summary(_ samples: [(ticks: UInt64, items: UInt32, preemption: HoldPreemption)]) -> HoldSummary {
      samples.map {
        HoldSample(
          waitTicks: 0, holdTicks: $0.ticks, items: $0.items, phase: 0, preemption: $0.preemption.rawValue, zone: 0)
      }.withUnsafeBufferPointer {
        HoldSummary(samples: $0, phases: [.collect], nanosecondsPerTick: 1, dropped: 0)
      }
    }
    let harmless = summary([(900, 4, .happened), (30, 4, .none), (20, 9, .none)])
    #expect(harmless.undisturbedMax == 30)
    #expect(harmless.preempted == 1)
    // The hold with the most entries was preempted: the others say nothing of the longest.
    let largest = summary([(900, 10, .happened), (30, 4, .none)])
    #expect(largest.undisturbedMax == nil)
    #expect(largest.preempted == 1)
    let all = summary([(900, 0, .happened)])
    #expect(all.undisturbedMax == nil)
    // A host that can't tell.
    let unknown = summary([(900, 4, .unknown), (30, 4, .unknown)])
    #expect(unknown.undisturbedMax == 900)
    #expect(unknown.preempted == nil)
    #expect(summary([]).preempted == nil)
  }

  @Test func theWeightedMeanIsWhatARandomMomentMeets() {
    let statistics = DurationStatistics(ticks: [1, 1, 1, 1, 96], nanosecondsPerTick: 2)
    #expect(statistics.mean == 40)
    let expected: Double = 9220.0 / 50
    #expect(statistics.weightedMean == expected)
  }

  @Test func aSummarySeparatesPhases() throws {
    let log = try HoldLog(capacity: 100)
    var probe = log.probe()
    for items in 1...10 { hold(&probe, items: items) }
    probe.phase = .return
    for items in 11...15 { hold(&probe, items: items) }
    let collect = log.summary(phases: [.collect], nanosecondsPerTick: 2)
    #expect(collect.acquisitions == 10)
    #expect(collect.itemsPerHoldMax == 10)
    #expect(collect.holdSequence.lengths == (0..<10).map { log[$0].holdTicks })
    #expect(Set(collect.histograms.keys) == [.collect])
    let both = log.summary(nanosecondsPerTick: 2)
    #expect(both.acquisitions == 15)
    #expect(both.itemsPerHoldMax == 15)
    #expect(both.histograms[.return]?.hold.count == 5)
    #expect(both.histograms[.return]?.wait.count == 5)
    #expect(both.histograms[.return]?.irqOff.count == 5)
    #expect(both.histograms[.mutator] == nil)
  }

  @Test func aSummaryIsExact() throws {
    let log = try HoldLog(capacity: 1000)
    var probe = log.probe()
    for _ in 0..<1000 { hold(&probe, items: 1) }
    let ticks = (0..<1000).map { log[$0].holdTicks }
    let sorted = ticks.sorted()
    let summary = log.summary(nanosecondsPerTick: 0.5)
    #expect(summary.hold.count == 1000)
    #expect(summary.hold.total == Double(ticks.reduce(0, +)) / 2)
    #expect(summary.hold.mean == Double(ticks.reduce(0, +)) / 1000 / 2)
    #expect(summary.hold.p50 == Double(sorted[499]) / 2)
    #expect(summary.hold.p99 == Double(sorted[989]) / 2)
    #expect(summary.hold.p999 == Double(sorted[998]) / 2)
    #expect(summary.hold.max == Double(sorted[999]) / 2)
  }

  @Test func aProbeCanBeUsedByAnotherThread() throws {
    let log = try HoldLog(capacity: 100)
    let probe = log.probe()
    _ = onOwnThread {
      var probe = probe
      for items in 0..<50 {
        probe.willAcquire()
        probe.didAcquire()
        probe.willRelease()
        probe.didRelease(zone: 0, items: items)
      }
      return true
    }
    #expect(log.count == 50)
  }
}
