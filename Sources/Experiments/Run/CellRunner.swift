import CHost
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments

/// Runs repetitions of cells on the calling thread, which it pins.
final class CellRunner {
  private let matrix: Matrix
  private let identity: RunIdentity
  private let evictor: CacheEvictor
  private let limits: MachineLimits
  private let counters: HardwareCounters?
  /// Why counters that were opened gave nothing in some repetition: the first time that happened.
  private(set) var counterFailure: String?
  private let numa: any NumaHost
  private let holdLog: HoldLog
  private let hintLog: HintLog
  private let stop = StopFlag()
  private let hostCPUs: [Int]
  private var runners: [String: StrategyRunner] = [:]

  /// - Throws: what the host refuses: address space, counters that were asked for by name.
  init(
    _ matrix: Matrix, _ identity: RunIdentity, limits: MachineLimits, counters: HardwareCounters?, numa: any NumaHost,
    hostCPUs: [Int], lastLevelCacheBytes: Int?
  ) throws {
    self.matrix = matrix
    self.identity = identity
    self.limits = limits
    self.counters = counters
    self.numa = numa
    self.hostCPUs = hostCPUs
    evictor = try CacheEvictor(lastLevelCacheBytes: lastLevelCacheBytes)
    holdLog = try HoldLog(capacity: 1 << 26)
    hintLog = try HintLog()
  }

  deinit { stop.deallocate() }

  /// Times the plain walk that a cell's cost is held against, once.
  func sampleLimit(_ guest: ModelledGuest, _ key: ModelledGuest.LimitKey) { guest.sampleLimit(key, evictor) }

  /// One repetition: a pass without a probe for speed, and from the same state one with the probe for holds and for
  /// what was found.
  ///
  /// - Throws: ``GuestError`` or ``SystemCallError`` where the host has no memory left.
  func run(_ cell: Cell, repetition: Int, on model: ModelledGuest) throws -> RepetitionResult {
    let guest = model.guest
    var run = record(cell, repetition, model)
    if let failure = Self.refusal(cell, guest) {
      let account = SessionAccount(guest, lowestOrder: cell.order, hints: [])
      run.found = RunRecord.Found(
        outcome: .error, blocksFree: account.total.blocksFree, blocksReported: 0, bytesReported: 0)
      return RepetitionResult(run: run, zones: [], holds: [], holdSequence: nil, failure: failure)
    }
    let runner = try self.runner(cell, guest)
    run.guest.bufferBytes = runner.bufferBytes.map(UInt64.init)

    let speed = try measureSpeed(cell, model, runner, repetition, &run)
    let probed = try measureHolds(cell, model, runner, repetition)
    let figures = probed.bystanders

    fill(&run, cell, speed, probed, figures, guest)
    let result = RepetitionResult(
      run: run, zones: zones(cell, repetition, probed, model),
      holds: Self.timesHold(cell) ? buckets(cell, repetition, probed.holds, figures) : [],
      holdSequence: cell.load == .none && Self.timesHold(cell) ? probed.holds.holdSequence : nil,
      failure: failure(speed.outcome, probed.pass.outcome))
    return result
  }

  /// Whether times mean anything. Above granule 0 the preparation of freed blocks is gone, so that those of designs that
  /// take or return blocks, and of what mutators do, say nothing.
  private static func timesHold(_ cell: Cell) -> Bool {
    cell.guest.granuleOrder == 0 || (cell.strategy.card.effect == .readsOnly && cell.load == .none)
  }

  /// What can't be run on this guest at all, and why.
  private static func refusal(_ cell: Cell, _ guest: Guest) -> String? {
    if !guest.geometry.hasWatermarks && cell.strategy.card.effect != .readsOnly {
      return "\(cell.strategy.card.name) allocates, and without zoneinfo the captured zones' watermarks aren't known"
    }
    return nil
  }

  private func failure(_ outcomes: Outcome...) -> String? {
    for case .error(let reason) in outcomes { return reason }
    return nil
  }

  private func runner(_ cell: Cell, _ guest: Guest) throws -> StrategyRunner {
    // One a cell: its buffers are sized for the guest.
    if let known = runners[cell.id] { return known }
    let runner = cell.strategy.runner()
    try runner.prepare(guest.core, lowestOrder: cell.order)
    runners[cell.id] = runner
    return runner
  }

  /// Forgets what was prepared for guests that are gone.
  func forgetRunners() { runners = [:] }

  private func mutators(
    _ cell: Cell, _ guest: Guest, _ runner: StrategyRunner, _ repetition: Int, isProbed: Bool
  ) throws -> MutatorGroup? {
    guard cell.load != .none else { return nil }
    let others = hostCPUs.count > 1 ? Array(hostCPUs.dropFirst()) : []
    return try MutatorGroup(
      guest, runner, cell.load, count: cell.mutators, hostCPUs: others,
      seed: matrix.config.seed &+ UInt64(repetition) &* 1_000_003, isProbed: isProbed)
  }

  // MARK: the two passes

  private func measureSpeed(
    _ cell: Cell, _ model: ModelledGuest, _ runner: StrategyRunner, _ repetition: Int, _ run: inout RunRecord
  ) throws -> SpeedPass {
    model.reset(order: cell.order, cache: cell.cache, evictor, runner)
    let mutators = try mutators(cell, model.guest, runner, repetition, isProbed: false)
    defer { mutators?.end() }
    stop.clear()
    mutators?.run()
    let steal = StealClock.nanoseconds()
    var before = ThreadUsage()
    var after = ThreadUsage()
    _ = chost_thread_usage(&before)
    var reading: CounterReading?
    var refusal: CounterError?
    var bracket: StrategyRunner.Bracket?
    if let counters {
      bracket = StrategyRunner.Bracket(
        start: { do throws(CounterError) { try counters.start() } catch { refusal = error } },
        stop: {
          guard refusal == nil else { return }
          do throws(CounterError) { reading = try counters.stop() } catch { refusal = error }
        })
    }
    let pass = runner.speedPass(.init(model.guest), Session(lowestOrder: cell.order, stop: stop), bracket: bracket)
    _ = chost_thread_usage(&after)
    let stealAfter = StealClock.nanoseconds()
    mutators?.park()
    run.bystanders.opsPerSecond = mutators?.operationsPerSecond
    mutators?.giveBack()
    if cell.changesLists { model.touch() }

    run.trust.involuntarySwitches = Int(after.involuntary_switches - before.involuntary_switches)
    if counterFailure == nil, let refusal { counterFailure = "\(refusal)" }
    run.trust.minorFaults = Int(after.minor_faults - before.minor_faults)
    if let steal, let stealAfter { run.trust.stealNs = Double(stealAfter - steal) }
    if let reading {
      run.counters = RunRecord.Counters(
        cycles: reading.cycles.map(Int.init), instructions: reading.instructions.map(Int.init),
        l1dMisses: reading.l1dMisses.map(Int.init), l2Misses: reading.l2Misses.map(Int.init),
        llcMisses: reading.llcMisses.map(Int.init), dtlbMisses: reading.dtlbMisses.map(Int.init), source: "papi")
    }
    return pass
  }

  private struct Probed {
    var pass: ProbedPass
    var account: SessionAccount
    var holds: HoldSummary
    var holdsByZone: [[HoldSample]]
    /// Nil without mutators.
    var bystanders: MutatorFigures?
  }

  private func measureHolds(
    _ cell: Cell, _ model: ModelledGuest, _ runner: StrategyRunner, _ repetition: Int
  ) throws -> Probed {
    model.reset(order: cell.order, cache: cell.cache, evictor, runner)
    let guest = model.guest
    let mutators = try mutators(cell, guest, runner, repetition, isProbed: true)
    defer { mutators?.end() }
    holdLog.reset()
    hintLog.reset()
    stop.clear()
    mutators?.run()
    var account: SessionAccount?
    let pass = withExtendedLifetime(holdLog) {
      runner.probedPass(
        .init(guest), holdLog.probe(), Session(lowestOrder: cell.order, stop: stop), hintLog
      ) {
        mutators?.park()
        account = SessionAccount(guest, lowestOrder: cell.order, hints: hintLog.hints)
        mutators?.run()
      }
    }
    mutators?.park()
    let bystanders = mutators?.figures
    mutators?.giveBack()
    if cell.changesLists { model.touch() }
    var byZone = [[HoldSample]](repeating: [], count: guest.core.zoneCount)
    for sample in holdLog.samples { byZone[Int(sample.zone)].append(sample) }
    return Probed(
      pass: pass, account: account ?? SessionAccount(guest, lowestOrder: cell.order, hints: hintLog.hints),
      holds: holdLog.summary(), holdsByZone: byZone, bystanders: bystanders)
  }

  // MARK: records

  private func record(_ cell: Cell, _ repetition: Int, _ model: ModelledGuest) -> RunRecord {
    let guest = model.guest
    let memoryNodes = Set(model.hostNodes ?? numa.nodes.prefix(1).map(\.id))
    let scanCPU = ThreadPlacement.currentCPU
    return RunRecord(
      identity: RunRecord.Identity(
        runID: identity.runID, cellID: cell.id, time: Date(), commit: identity.commit, branch: identity.branch,
        host: identity.host, experiment: cell.experiment, strategy: cell.strategy.fullName, repetition: repetition,
        seed: matrix.config.seed),
      guest: RunRecord.Guest(
        bytes: cell.guest.bytes, nodes: cell.guest.nodes, cpus: cell.guest.cpus, zones: guest.core.zoneCount,
        granuleOrder: cell.guest.granuleOrder, vmemmapPageBytes: Int(cell.guest.vmemmapPage.rawValue),
        lockKind: cell.guest.lockKind.rawValue, pageInit: cell.pageInit.rawValue, state: cell.guest.state.name,
        listOrder: cell.guest.listOrder.rawValue, listAdjacent: model.listAdjacency(fromOrder: cell.order),
        freeFraction: model.census.freeFraction, bytesFree: model.census.freePages << 12, order: cell.order,
        budget: cell.strategy.options["budget"].flatMap { Int($0) } ?? cell.strategy.options["step"].flatMap { Int($0) }
      ),
      load: RunRecord.Load(
        kind: cell.load.rawValue, mutators: cell.mutators, oversubscribed: matrix.oversubscribed,
        cache: cell.cache.rawValue, hostAckNs: 0, scanCPU: scanCPU,
        scanNode: scanCPU.flatMap(hostNode(ofCPU:)), memoryNode: memoryNodes.count == 1 ? memoryNodes.first : nil),
      found: RunRecord.Found(outcome: .complete))
  }

  private func hostNode(ofCPU cpu: Int) -> Int? { numa.nodes.first { $0.cpus.contains(cpu) }?.id }

  private func fill(
    _ run: inout RunRecord, _ cell: Cell, _ speed: SpeedPass, _ probed: Probed, _ figures: MutatorFigures?,
    _ guest: Guest
  ) {
    let total = probed.account.total
    // The pass that found less decides: under a load the two may end differently.
    let outcome = speed.outcome == .complete ? probed.pass.outcome : speed.outcome
    run.found = RunRecord.Found(
      outcome: RunOutcome(rawValue: outcome.name) ?? .error, blocksFree: total.blocksFree,
      blocksReported: total.blocksReported,
      blocksDuplicate: total.blocksDuplicate, blocksMissed: total.blocksMissed, blocksStale: total.blocksStale,
      bytesReported: total.bytesReported, coverage: total.coverage, coverageFree: total.coverageFree,
      restarts: probed.pass.restarts)

    run.delivery = RunRecord.Delivery(kicks: speed.kicks, descriptors: speed.descriptors)
    fillSideEffects(&run, cell, probed, guest)

    let holds = probed.holds
    run.lock = RunRecord.Lock(acquisitions: holds.acquisitions, itemsPerHoldMax: holds.itemsPerHoldMax)
    guard Self.timesHold(cell) else { return }
    run.lock = RunRecord.Lock(
      acquisitions: holds.acquisitions, itemsPerHoldMax: holds.itemsPerHoldMax, holdNsMean: holds.hold.mean,
      holdNsP50: holds.hold.p50, holdNsP99: holds.hold.p99, holdNsP999: holds.hold.p999, holdNsMax: holds.hold.max,
      holdNsTotal: holds.hold.total, waitNsP99: holds.wait.p99, waitNsMax: holds.wait.max)
    fillSpeed(&run, cell, speed, probed)
    if let figures { fillBystanders(&run, figures) }
    if let median = holds.hold.p50 {
      let noise = NoiseMeter.measure(intervalNanoseconds: median, budgetNanoseconds: 3e6)
      run.trust.noiseNsP999 = noise.p999
      run.trust.noiseNsMax = noise.max
    }
  }

  private func fillSideEffects(_ run: inout RunRecord, _ cell: Cell, _ probed: Probed, _ guest: Guest) {
    if cell.strategy.card.effect == .readsOnly {
      run.sideEffects.blocksWithheldMax = 0
      run.sideEffects.withheldByteSeconds = 0
      // Under a load it moves, and a design that only reads doesn't see it.
      if cell.load == .none { run.sideEffects.bytesFreeMin = run.guest.bytesFree }
    } else {
      let blockPages: UInt64 = 1 << UInt64(guest.core.highestOrder)
      run.sideEffects.blocksWithheldMax = Int(probed.pass.pagesWithheldMax / blockPages)
      if Self.timesHold(cell) { run.sideEffects.withheldByteSeconds = probed.pass.byteSecondsWithheld }
      run.sideEffects.bytesFreeMin = probed.pass.freePagesMin << 12
    }
  }

  private func fillBystanders(_ run: inout RunRecord, _ figures: MutatorFigures) {
    run.bystanders.allocNsP50 = figures.allocations.percentile(50)
    run.bystanders.allocNsP99 = figures.allocations.percentile(99)
    run.bystanders.allocNsP999 = figures.allocations.percentile(99.9)
    run.bystanders.allocNsMax = figures.allocations.max.map(Double.init)
    run.bystanders.irqoffNsP99 = figures.holds.irqOff.percentile(99)
    run.bystanders.irqoffNsP999 = figures.holds.irqOff.percentile(99.9)
    run.bystanders.irqoffNsMax = figures.holds.irqOff.max.map(Double.init)
    run.bystanders.waitNsTotal = figures.waitTotal
    run.bystanders.allocFailed = figures.failed
  }

  private func fillSpeed(
    _ run: inout RunRecord, _ cell: Cell, _ speed: SpeedPass, _ probed: Probed
  ) {
    let total = probed.account.total
    let nanoseconds = CycleClock.nanoseconds(fromTicks: speed.scanTicks)
    run.speed.scanNs = nanoseconds
    run.speed.guestCPUNs = Double(speed.cpuNanoseconds)
    if cell.strategy.card.effect != .readsOnly {
      run.speed.returnNs = CycleClock.nanoseconds(fromTicks: speed.returnTicks)
    }
    if cell.strategy.card.effect == .takesBuffers {
      run.speed.bufferAllocNs = CycleClock.nanoseconds(fromTicks: speed.bufferAllocTicks)
      run.speed.bufferFreeNs = CycleClock.nanoseconds(fromTicks: speed.bufferFreeTicks)
    }
    switch cell.pageInit {
    case .none: run.speed.pageInitNs = nil
    case .alloc: run.speed.pageInitNs = Double(probed.pass.pagesInitializedAtAlloc) / 1024 * limits.zeroing4MiB.median
    case .free: run.speed.pageInitNs = Double(probed.pass.pagesReturned) / 1024 * limits.zeroing4MiB.median
    }
    if total.bytesReported > 0 {
      run.speed.msPerTiB = nanoseconds / 1e6 * Double(1 << 40) / Double(total.bytesReported)
      run.speed.nsPerBlock = nanoseconds / Double(total.blocksDistinct)
      run.speed.blocksPerSecond = Double(total.blocksDistinct) / (nanoseconds / 1e9)
      run.speed.gibPerSecond = Double(total.bytesReported) / Double(1 << 30) / (nanoseconds / 1e9)
    }
  }

  private func zones(_ cell: Cell, _ repetition: Int, _ probed: Probed, _ model: ModelledGuest) -> [ZoneRecord] {
    model.guest.core.zones.map { zone in
      let tally = probed.account.zones[zone.index]
      let samples = probed.holdsByZone[zone.index]
      let holds = DurationStatistics(
        ticks: samples.map(\.holdTicks), nanosecondsPerTick: CycleClock.nanosecondsPerTick)
      let timesHold = Self.timesHold(cell)
      var record = ZoneRecord(
        runID: identity.runID, cellID: cell.id, repetition: repetition,
        node: model.guest.geometry.zones[zone.index].nodeID,
        hostNode: model.hostNodes?[zone.node] ?? numa.nodes.first?.id,
        zone: zone.type.name, blocksFree: tally.blocksFree, blocksReported: tally.blocksReported,
        bytesFree: tally.bytesFreeAllOrders, bytesReported: tally.bytesReported, coverage: tally.coverage,
        lockAcquisitions: samples.count, lockHoldNsP50: timesHold ? holds.p50 : nil,
        lockHoldNsP99: timesHold ? holds.p99 : nil, lockHoldNsMax: timesHold ? holds.max : nil,
        lockHoldNsTotal: timesHold ? holds.total : nil)
      if timesHold, tally.blocksDistinct > 0, let total = holds.total {
        record.nsPerBlock = total / Double(tally.blocksDistinct)
      }
      return record
    }
  }

  private func buckets(
    _ cell: Cell, _ repetition: Int, _ holds: HoldSummary, _ figures: MutatorFigures?
  ) -> [HoldBucketRecord] {
    var records: [HoldBucketRecord] = []
    func add(_ phase: HoldBucketRecord.Phase, _ kind: HoldBucketRecord.Kind, _ histogram: DurationHistogram) {
      for bucket in histogram.buckets {
        records.append(
          HoldBucketRecord(
            runID: identity.runID, cellID: cell.id, repetition: repetition, phase: phase, kind: kind,
            upperNs: Double(bucket.upperNanoseconds), count: Int(bucket.count)))
      }
    }
    for (phase, name) in [(HoldPhase.collect, HoldBucketRecord.Phase.collect), (.return, .return)] {
      guard let histograms = holds.histograms[phase] else { continue }
      add(name, .hold, histograms.hold)
      add(name, .wait, histograms.wait)
    }
    if let figures {
      add(.mutator, .hold, figures.holds.hold)
      add(.mutator, .wait, figures.holds.wait)
    }
    return records
  }
}

/// What every row of a run repeats.
public struct RunIdentity: Sendable {
  public var runID: String
  public var host: String
  public var commit: String?
  public var branch: String?

  public init(runID: String, host: String, commit: String?, branch: String?) {
    self.runID = runID
    self.host = host
    self.commit = commit
    self.branch = branch
  }
}
