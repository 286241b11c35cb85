import Bench
import Delivery
import GuestMemory
import Hinting
import Instruments
import Records

/// The main question: how long does each strategy hold zone->lock, what does it cost, and how much of free memory does
/// it cover?
///
/// A repetition has two passes from the same state: one without a probe for speed, and one with the probe for holds and
/// for what was found.
enum ScanExperiment: Experiment {
  static let card = ExperimentCard(
    name: "scan",
    question: "how long each strategy holds zone->lock, what it costs, and how much of free memory it covers",
    files: "runs.csv, cells.csv, zones.csv, lock_holds.csv, events.csv; scan.csv with several scanners",
    decisiveMetrics: ["guest_cpu_ns", "lock_hold_ns_max_undisturbed"],
    options: [.load([.none]), .mutators, .hostAck, .pageInit(), .cache, .scanners, .placement],
    flags: ["load", "mutators", "host-ack-ns", "page-init", "cache", "scanners", "placement"],
    countsEvents: true, showsAllocator: true, countsAnyPages: true, columns: ScannerRecord.experimentColumns)

  /// Every strategy at 8 and 64 GiB, and at 1 TiB if memory allows, fresh and aged: less than a minute on two cores.
  /// Quick: every strategy on one small guest in both states.
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

  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    2 * cell.restartNanoseconds(host) + 2 * cell.sessionNanoseconds
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    var run = repetition.record
    var events: [EventCountRecord] = []
    let speed = try measureSpeed(repetition, bench, &run, &events)
    let probed = try measureHolds(repetition, bench)
    run.trust.set([speed.disturbance] + probed.disturbances)
    fill(&run, repetition, bench, speed, probed)
    return RepetitionResult(
      run: run, zones: bench.zones(repetition, probed.account, probed.holdsByZone),
      holds: cell.timesHold ? bench.buckets(repetition, probed.holds, probed.bystanders) : [],
      holdSequence: repeatsItself(repetition) ? probed.holds.holdSequence : nil,
      failure: failure(speed.pass.outcome, probed.pass.outcome), experiment: scanners(repetition, bench, speed, probed),
      events: events)
  }

  /// Whether hold k does the same work in every repetition. Several scanners that allocate may interleave differently.
  private static func repeatsItself(_ repetition: Repetition) -> Bool {
    let cell = repetition.cell
    let isAlone = repetition.team.members.count == 1 || cell.strategy.card.effect == .readsOnly
    return cell.load == .none && cell.timesHold && isAlone
  }

  private static func failure(_ outcomes: Outcome...) -> String? {
    for case .error(let reason) in outcomes { return reason }
    return nil
  }

  // MARK: the two passes

  /// The combined results of all threads of the pass without the probe.
  private struct Speed {
    var pass: SpeedPass
    var parts: [ScanTeam.SpeedPart]
    var disturbance: Disturbance
  }

  private static func measureSpeed(
    _ repetition: Repetition, _ bench: Bench, _ run: inout RunRecord, _ events: inout [EventCountRecord]
  ) throws -> Speed {
    let cell = repetition.cell
    repetition.model.reset(order: cell.order, cache: cell.cache, bench.evictor, repetition.team.runners)
    let mutators = try bench.mutators(repetition, repetition.runner, isProbed: false)
    defer { mutators?.end() }
    bench.stop.clear()
    mutators?.run()
    let parts = repetition.team.speedPass(cell, bench)
    mutators?.park()
    if cell.timesHold { run.bystanders.opsPerSecond = mutators?.operationsPerSecond }
    mutators?.giveBack()
    if cell.changesLists { repetition.model.touch() }

    if bench.counterFailure == nil, let refusal = parts.lazy.compactMap(\.refusal).first {
      bench.counterFailure = "\(refusal)"
    }
    // Above granule 0 untimed passes aren't counted either, since most of their work is missing.
    let readings = cell.timesHold ? parts.compactMap(\.reading) : []
    if readings.count == parts.count, let first = readings.first {
      let reading = readings.dropFirst().reduce(first) { $0.adding($1) }
      run.counters = RunRecord.Counters(reading, source: CounterFacts.papi)
      events = bench.events(repetition, reading)
    }
    return Speed(
      pass: SpeedPass(together: parts.map(\.pass)), parts: parts,
      disturbance: Disturbance.together(parts.map(\.disturbance)).beside(mutators?.disturbance))
  }

  private struct Probed {
    var pass: ProbedPass
    var parts: [ScanTeam.ProbedPart]
    var account: SessionAccount
    /// Pages on per-CPU lists at the session's end.
    var perCPUPages: UInt64
    var holds: HoldSummary
    var holdsByZone: [[HoldSample]]
    /// The disturbance of the session, and of giving back.
    var disturbances: [Disturbance]
    /// The mutators' figures; nil without mutators.
    var bystanders: MutatorFigures?
  }

  private static func measureHolds(_ repetition: Repetition, _ bench: Bench) throws -> Probed {
    let cell = repetition.cell
    let guest = repetition.guest
    let team = repetition.team
    repetition.model.reset(order: cell.order, cache: cell.cache, bench.evictor, team.runners)
    let mutators = try bench.mutators(repetition, repetition.runner, isProbed: true)
    defer { mutators?.end() }
    bench.stop.clear()
    mutators?.run()
    // Blocks put back within the session are as stale at its end as blocks that were only named.
    let holdsToTheEnd = cell.strategy.card.effect != .takesBatches
    func accountNow() -> SessionAccount {
      SessionAccount(
        guest, lowestOrder: cell.order, hints: team.members.flatMap(\.hintLog.hints), holdsToTheEnd: holdsToTheEnd)
    }
    var account: SessionAccount?
    var perCPUPages: UInt64 = 0
    let parts = team.probedPass(cell, bench) {
      mutators?.park()
      account = accountNow()
      perCPUPages = guest.core.perCPUPages
      mutators?.run()
    }
    mutators?.park()
    let bystanders = mutators?.figures
    mutators?.giveBack()
    if cell.changesLists { repetition.model.touch() }
    var byZone = [[HoldSample]](repeating: [], count: guest.core.zoneCount)
    for member in team.members {
      for sample in member.holdLog.samples { byZone[Int(sample.zone)].append(sample) }
    }
    return Probed(
      pass: ProbedPass(together: parts.map(\.pass)), parts: parts, account: account ?? accountNow(),
      perCPUPages: perCPUPages,
      holds: HoldLog.summary(of: team.members.map(\.holdLog)), holdsByZone: byZone,
      disturbances: [
        Disturbance.together(parts.map(\.collecting)).beside(mutators?.disturbance),
        Disturbance.together(parts.map(\.returning)),
      ],
      bystanders: bystanders)
  }

  /// The rows of scan.csv: one per scanner if there are several; a single scanner is covered by runs.csv.
  private static func scanners(
    _ repetition: Repetition, _ bench: Bench, _ speed: Speed, _ probed: Probed
  ) -> ExperimentRows? {
    guard repetition.team.members.count > 1 else { return nil }
    let timesHold = repetition.cell.timesHold
    let records = repetition.team.members.enumerated().map { index, member in
      let part = speed.parts[index]
      let holds = member.holdLog.summary()
      let node = member.node ?? 0
      return ScannerRecord(
        node: node, guestCPU: member.place.number, hostCPU: part.hostCPU,
        hostNode: part.hostCPU.flatMap(bench.hostNode(ofCPU:)),
        memoryNode: repetition.model.hostNodes?[node] ?? bench.hostNodes.first?.id,
        scanNs: timesHold ? CycleClock.nanoseconds(fromTicks: part.pass.scanTicks) : nil,
        cpuNs: timesHold ? Double(part.pass.cpuNanoseconds) : nil, lockAcquisitions: holds.acquisitions,
        lockWaitNsMax: timesHold ? holds.wait.max : nil,
        involuntarySwitches: (part.disturbance + probed.parts[index].collecting + probed.parts[index].returning)
          .involuntarySwitches)
    }
    return ExperimentRows(card, records)
  }

  private static func fill(
    _ run: inout RunRecord, _ repetition: Repetition, _ bench: Bench, _ speed: Speed, _ probed: Probed
  ) {
    let cell = repetition.cell
    let total = probed.account.total
    // The pass with the worse outcome decides: under a load the two may end differently.
    let outcome = speed.pass.outcome == .complete ? probed.pass.outcome : speed.pass.outcome
    run.found.outcome = RunOutcome(rawValue: outcome.name) ?? .error
    run.found.blocksFree = total.blocksFree
    run.found.blocksReported = total.blocksReported
    run.found.blocksDuplicate = total.blocksDuplicate
    run.found.blocksMissed = total.blocksMissed
    run.found.blocksStale = total.blocksStale
    run.found.bytesReported = total.bytesReported
    run.found.coverage = total.coverage
    run.found.coverageFree = total.coverageFree
    // Every starting state has empty per-CPU lists.
    run.found.coverageUnused = total.coverageFree
    run.found.bytesPCP = repetition.guest.core.bytes(probed.perCPUPages)
    run.found.restarts = probed.pass.restarts

    run.delivery = RunRecord.Delivery(kicks: speed.pass.kicks, descriptors: speed.pass.descriptors)
    fillSideEffects(&run, cell, probed, repetition.guest)

    let holds = probed.holds
    run.lock = RunRecord.Lock(acquisitions: holds.acquisitions, itemsPerHoldMax: holds.itemsPerHoldMax)
    guard cell.timesHold else { return }
    run.lock = RunRecord.Lock(holds, sessionTicks: probed.pass.sessionTicks)
    fillSpeed(&run, cell, bench, speed, probed)
    if let figures = probed.bystanders { run.bystanders.add(figures) }
    run.trust.measureNoise(hold: holds.hold.p50)
  }

  private static func fillSideEffects(_ run: inout RunRecord, _ cell: Cell, _ probed: Probed, _ guest: Guest) {
    if cell.strategy.card.effect == .readsOnly {
      run.sideEffects.blocksWithheldMax = 0
      run.sideEffects.withheldByteSeconds = 0
      // Under a load this value changes, unseen by a strategy that only reads.
      if cell.load == .none { run.sideEffects.bytesFreeMin = run.guest.bytesFree }
    } else {
      run.sideEffects.setWithheld(pages: probed.pass.pagesWithheldMax, guest.core)
      if cell.timesHold {
        run.sideEffects.withheldByteSeconds = probed.pass.pageSecondsWithheld * Double(guest.core.bytes(1))
      }
      run.sideEffects.bytesFreeMin = guest.core.bytes(probed.pass.freePagesMin)
    }
  }

  private static func fillSpeed(
    _ run: inout RunRecord, _ cell: Cell, _ bench: Bench, _ speed: Speed, _ probed: Probed
  ) {
    let total = probed.account.total
    let nanoseconds = CycleClock.nanoseconds(fromTicks: speed.pass.scanTicks)
    run.speed.scanNs = nanoseconds
    run.speed.guestCPUNs = Double(speed.pass.cpuNanoseconds)
    if cell.strategy.card.effect != .readsOnly {
      run.speed.returnNs = CycleClock.nanoseconds(fromTicks: speed.pass.returnTicks)
    }
    if cell.strategy.card.effect == .takesBuffers && cell.strategy.card.reports {
      run.speed.bufferAllocNs = CycleClock.nanoseconds(fromTicks: speed.pass.bufferAllocTicks)
      run.speed.bufferFreeNs = CycleClock.nanoseconds(fromTicks: speed.pass.bufferFreeTicks)
    }
    func zeroing(_ pages: UInt64) -> Double {
      Double(pages * cell.guest.pageSize.bytes) / Double(4 << 20) * bench.floors.zeroing4MiB.median
    }
    switch cell.pageInit {
    case .none: run.speed.pageInitNs = nil
    case .alloc: run.speed.pageInitNs = zeroing(probed.pass.pagesInitializedAtAlloc)
    case .free: run.speed.pageInitNs = zeroing(probed.pass.pagesReturned)
    }
    guard speed.pass.outcome == probed.pass.outcome else {
      // The time is from one pass and the bytes from the other: under a load one of them may have got no buffer.
      bench.note(
        .init(
          what: "rates of \(cell.strategy.fullName) in some repetitions",
          why: "its two passes ended differently: \(speed.pass.outcome.name) and \(probed.pass.outcome.name)"))
      return
    }
    if total.bytesReported > 0 {
      run.speed.setRates(nanoseconds: nanoseconds, blocks: total.blocksDistinct, bytes: total.bytesReported)
    }
  }
}
