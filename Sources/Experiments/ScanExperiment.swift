import CHost
import Delivery
import GuestMemory
import Hinting
import Instruments

/// The main question: how long does each design hold zone->lock, and what does it cost to cover how much of free
/// memory?
///
/// A repetition is two passes from the same state: one without a probe for speed, and one with the probe for holds and
/// for what was found.
enum ScanExperiment: Experiment {
  static let card = ExperimentCard(
    name: "scan",
    question: "how long each design holds zone->lock, what it costs, and how much of free memory it covers",
    files: "runs.csv, cells.csv, zones.csv, lock_holds.csv")

  /// Every strategy at 8 and 64 GiB, those whose memory allows it at 1 TiB, fresh and aged: within a minute on two
  /// cores. Quick: every strategy on one small guest in both states.
  static func groups(quick: Bool) -> [RunConfig.Group] {
    var small = RunConfig.Group()
    small.guests = quick ? ["2G"] : ["8G", "64G"]
    small.states = ["fresh", "aged"]
    small.strategies = Strategies.all.map(\.card.name)
    if quick { return [small] }
    var large = small
    large.guests = ["1T"]
    large.strategies = Strategies.all.filter { $0.card.effect == .readsOnly }.map(\.card.name)
    return [small, large]
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    var run = repetition.record
    let speed = try measureSpeed(repetition, bench, &run)
    let probed = try measureHolds(repetition, bench)
    fill(&run, repetition, bench, speed, probed)
    return RepetitionResult(
      run: run, zones: bench.zones(repetition, probed.account, probed.holdsByZone),
      holds: cell.timesHold ? bench.buckets(repetition, probed.holds, probed.bystanders) : [],
      holdSequence: cell.load == .none && cell.timesHold ? probed.holds.holdSequence : nil,
      failure: failure(speed.outcome, probed.pass.outcome))
  }

  private static func failure(_ outcomes: Outcome...) -> String? {
    for case .error(let reason) in outcomes { return reason }
    return nil
  }

  // MARK: the two passes

  private static func measureSpeed(
    _ repetition: Repetition, _ bench: Bench, _ run: inout RunRecord
  ) throws -> SpeedPass {
    let cell = repetition.cell
    let runner = repetition.runner
    repetition.model.reset(order: cell.order, cache: cell.cache, bench.evictor, runner)
    let mutators = try bench.mutators(repetition, runner, isProbed: false)
    defer { mutators?.end() }
    bench.stop.clear()
    mutators?.run()
    let steal = StealClock.nanoseconds()
    var before = ThreadUsage()
    var after = ThreadUsage()
    _ = chost_thread_usage(&before)
    var reading: CounterReading?
    var refusal: CounterError?
    var bracket: StrategyRunner.Bracket?
    if let counters = bench.counters {
      bracket = StrategyRunner.Bracket(
        start: { do throws(CounterError) { try counters.start() } catch { refusal = error } },
        stop: {
          guard refusal == nil else { return }
          do throws(CounterError) { reading = try counters.stop() } catch { refusal = error }
        })
    }
    let pass = runner.speedPass(
      .init(repetition.guest), Session(lowestOrder: cell.order, stop: bench.stop), bracket: bracket)
    _ = chost_thread_usage(&after)
    let stealAfter = StealClock.nanoseconds()
    mutators?.park()
    if cell.timesHold { run.bystanders.opsPerSecond = mutators?.operationsPerSecond }
    mutators?.giveBack()
    if cell.changesLists { repetition.model.touch() }

    run.trust.involuntarySwitches = Int(after.involuntary_switches - before.involuntary_switches)
    if bench.counterFailure == nil, let refusal { bench.counterFailure = "\(refusal)" }
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

  private static func measureHolds(_ repetition: Repetition, _ bench: Bench) throws -> Probed {
    let cell = repetition.cell
    let guest = repetition.guest
    let runner = repetition.runner
    let holdLog = bench.holdLog
    let hintLog = bench.hintLog
    repetition.model.reset(order: cell.order, cache: cell.cache, bench.evictor, runner)
    let mutators = try bench.mutators(repetition, runner, isProbed: true)
    defer { mutators?.end() }
    holdLog.reset()
    hintLog.reset()
    bench.stop.clear()
    mutators?.run()
    // What is put back within the session is as stale at its end as what was only named.
    let holdsToTheEnd = cell.strategy.card.effect != .takesBatches
    func accountNow() -> SessionAccount {
      SessionAccount(guest, lowestOrder: cell.order, hints: hintLog.hints, holdsToTheEnd: holdsToTheEnd)
    }
    var account: SessionAccount?
    let pass = withExtendedLifetime(holdLog) {
      runner.probedPass(
        .init(guest), holdLog.probe(), Session(lowestOrder: cell.order, stop: bench.stop), hintLog
      ) {
        mutators?.park()
        account = accountNow()
        mutators?.run()
      }
    }
    mutators?.park()
    let bystanders = mutators?.figures
    mutators?.giveBack()
    if cell.changesLists { repetition.model.touch() }
    var byZone = [[HoldSample]](repeating: [], count: guest.core.zoneCount)
    for sample in holdLog.samples { byZone[Int(sample.zone)].append(sample) }
    return Probed(
      pass: pass, account: account ?? accountNow(), holds: holdLog.summary(), holdsByZone: byZone,
      bystanders: bystanders)
  }

  private static func fill(
    _ run: inout RunRecord, _ repetition: Repetition, _ bench: Bench, _ speed: SpeedPass, _ probed: Probed
  ) {
    let cell = repetition.cell
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
    fillSideEffects(&run, cell, probed, repetition.guest)

    let holds = probed.holds
    run.lock = RunRecord.Lock(acquisitions: holds.acquisitions, itemsPerHoldMax: holds.itemsPerHoldMax)
    guard cell.timesHold else { return }
    run.lock = RunRecord.Lock(holds)
    fillSpeed(&run, cell, bench, speed, probed)
    if let figures = probed.bystanders { run.bystanders.add(figures) }
    if let median = holds.hold.p50 {
      let noise = NoiseMeter.measure(intervalNanoseconds: median, budgetNanoseconds: 3e6)
      run.trust.noiseNsP999 = noise.p999
      run.trust.noiseNsMax = noise.max
    }
  }

  private static func fillSideEffects(_ run: inout RunRecord, _ cell: Cell, _ probed: Probed, _ guest: Guest) {
    if cell.strategy.card.effect == .readsOnly {
      run.sideEffects.blocksWithheldMax = 0
      run.sideEffects.withheldByteSeconds = 0
      // Under a load it moves, and a design that only reads doesn't see it.
      if cell.load == .none { run.sideEffects.bytesFreeMin = run.guest.bytesFree }
    } else {
      let blockPages: UInt64 = 1 << UInt64(guest.core.highestOrder)
      run.sideEffects.blocksWithheldMax = Int(probed.pass.pagesWithheldMax / blockPages)
      if cell.timesHold { run.sideEffects.withheldByteSeconds = probed.pass.byteSecondsWithheld }
      run.sideEffects.bytesFreeMin = probed.pass.freePagesMin << 12
    }
  }

  private static func fillSpeed(
    _ run: inout RunRecord, _ cell: Cell, _ bench: Bench, _ speed: SpeedPass, _ probed: Probed
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
    case .alloc:
      run.speed.pageInitNs = Double(probed.pass.pagesInitializedAtAlloc) / 1024 * bench.limits.zeroing4MiB.median
    case .free: run.speed.pageInitNs = Double(probed.pass.pagesReturned) / 1024 * bench.limits.zeroing4MiB.median
    }
    if total.bytesReported > 0 {
      run.speed.msPerTiB = nanoseconds / 1e6 * Double(1 << 40) / Double(total.bytesReported)
      run.speed.nsPerBlock = nanoseconds / Double(total.blocksDistinct)
      run.speed.blocksPerSecond = Double(total.blocksDistinct) / (nanoseconds / 1e9)
      run.speed.gibPerSecond = Double(total.bytesReported) / Double(1 << 30) / (nanoseconds / 1e9)
    }
  }
}
