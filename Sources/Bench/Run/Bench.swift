import CHost
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Records

/// The tools that every experiment uses: the measuring thread's instruments, the prepared strategies, and the common
/// parts of a row.
package final class Bench {
  package let matrix: Matrix
  let identity: RunIdentity
  /// The cache evictor; nil if no cell has cold caches. Its buffer is twice the last-level cache and takes longer to
  /// make than many guests.
  package let evictor: CacheEvictor?
  package let floors: MachineFloors
  let counters: HardwareCounters?
  /// Opens the same counters on another thread.
  let openCounters: @Sendable () -> HardwareCounters?
  /// Why counters that were opened failed in some repetition: the first such failure.
  package var counterFailure: String?
  /// What couldn't be measured on this machine, without duplicates.
  private(set) var unavailable: [RunMeta.Unavailable] = []
  /// The host's nodes at the start of the run.
  package let hostNodes: [HostNode]
  package let holdLog: HoldLog
  package let hintLog: HintLog
  package let stop = StopFlag()
  /// The CPUs this process may use.
  package let hostCPUs: [Int]
  /// The placement of the current repetition. The measuring thread is its first scanner.
  package private(set) var placement: HostPlacement?
  private var teams: [String: ScanTeam] = [:]
  private var spareLogs: [(HoldLog, HintLog)] = []

  /// - Throws: if the host refuses address space, or counters that were asked for by name.
  init(
    _ matrix: Matrix, _ identity: RunIdentity, floors: MachineFloors, counters: HardwareCounters?,
    openCounters: @escaping @Sendable () -> HardwareCounters?, numa: any NumaHost,
    hostCPUs: [Int], lastLevelCacheBytes: Int?
  ) throws {
    self.matrix = matrix
    self.identity = identity
    self.floors = floors
    self.counters = counters
    self.openCounters = openCounters
    hostNodes = numa.nodes
    self.hostCPUs = hostCPUs
    evictor =
      matrix.cells.contains { $0.cache == .cold } ? try CacheEvictor(lastLevelCacheBytes: lastLevelCacheBytes) : nil
    holdLog = try HoldLog(capacity: 1 << 26)
    hintLog = try HintLog()
  }

  deinit { stop.deallocate() }

  /// Notes rows that this machine can't provide.
  package func note(_ absence: RunMeta.Unavailable) {
    if !unavailable.contains(where: { $0.what == absence.what }) { unavailable.append(absence) }
  }

  /// The host CPUs for threads beside the measuring one.
  package var otherCPUs: [Int] { placement?.otherHostCPUs ?? [] }

  /// Times the plain walk that is a cell's floor once, on its scanner's CPU.
  func sampleFloor(_ guest: ModelledGuest, _ key: ModelledGuest.FloorKey) {
    if let cpu = key.hostCPU { try? ThreadPlacement.pin(toCPU: cpu) }
    guest.sampleFloor(key, evictor)
  }

  /// The walk that is a cell's floor.
  func floorKey(_ cell: Cell, on model: ModelledGuest) -> ModelledGuest.FloorKey {
    .init(order: cell.order, cache: cell.cache, hostCPU: placement(cell, model).scanners.first?.hostCPU)
  }

  private func placement(_ cell: Cell, _ model: ModelledGuest) -> HostPlacement {
    HostPlacement(
      model.guest.geometry, cell.scanners, scanNode: cell.scanNode, memoryNodes: model.hostNodes,
      hostCPUs: hostCPUs, hostNodes: hostNodes)
  }

  /// Runs one repetition of a cell by its experiment.
  ///
  /// - Throws: ``GuestError`` or ``SystemCallError`` if the host runs out of memory.
  func run(_ cell: Cell, repetition: Int, on model: ModelledGuest?) throws -> RepetitionResult {
    guard let model else {
      placement = nil
      // The thread may still be pinned to a previous scanner's CPU.
      try? ThreadPlacement.allow(hostCPUs)
      let run = record(cell, repetition)
      return try cell.experiment.run(Repetition(cell: cell, number: repetition, record: run, modelled: nil), self)
    }
    let placement = placement(cell, model)
    self.placement = placement
    // If this is refused, scan_cpu says where it ran.
    if let cpu = placement.scanners.first?.hostCPU { try? ThreadPlacement.pin(toCPU: cpu) }
    var run = record(cell, repetition)
    describe(model, placement, cell, &run)
    let team = try self.team(cell, model.guest, placement)
    let buffers = team.runners.compactMap(\.bufferBytes)
    run.guest.bufferBytes = buffers.isEmpty ? nil : UInt64(buffers.reduce(0, +))
    defer { for runner in team.runners { runner.stopHost() } }
    if cell.hostAckNs > 0 && cell.clock == .real {
      // The last CPU is the least likely to be used by a thread of the guest.
      for runner in team.runners { try runner.startHost(ackNanoseconds: cell.hostAckNs, cpu: otherCPUs.last) }
    }
    return try cell.experiment.run(
      Repetition(cell: cell, number: repetition, record: run, modelled: (model, team)), self)
  }

  private func team(_ cell: Cell, _ guest: Guest, _ placement: HostPlacement) throws -> ScanTeam {
    // One per cell, since buffers are sized for the guest.
    if let known = teams[cell.id] { return known }
    guard cell.configuredStrategy != nil else { return ScanTeam([]) }
    let members = try placement.scanners.enumerated().map { index, seat in
      let runner = cell.strategy.runner()
      try runner.prepare(guest.core, lowestOrder: cell.order)
      let (holdLog, hintLog) = try logs(index)
      return ScanTeam.Member(
        runner: runner, place: .init(guest, number: seat.guestCPU),
        node: cell.scanners == .perNode ? index : nil, hostCPU: seat.hostCPU, holdLog: holdLog,
        hintLog: hintLog)
    }
    let team = ScanTeam(members)
    teams[cell.id] = team
    return team
  }

  /// The logs of scanner `index`; the first uses the bench's own.
  private func logs(_ index: Int) throws -> (HoldLog, HintLog) {
    if index == 0 { return (holdLog, hintLog) }
    while spareLogs.count < index { spareLogs.append((try HoldLog(capacity: 1 << 26), try HintLog())) }
    return spareLogs[index - 1]
  }

  /// Releases everything prepared for guests that are gone.
  func forgetTeams() { teams = [:] }

  /// The seed of a repetition's mutators of any kind.
  package func mutatorSeed(_ repetition: Repetition) -> UInt64 {
    matrix.config.seed &+ UInt64(repetition.number) &* 1_000_003
  }

  /// Restores the guest to the starting state.
  package func restart(_ repetition: Repetition) {
    repetition.model.touch()
    repetition.model.reset(
      order: repetition.cell.order, cache: repetition.cell.cache, evictor, repetition.team.runners)
    stop.clear()
  }

  /// Runs the mutators alone from the starting state for the given time. `runner`: the strategy whose hooks they run;
  /// nil: a kernel without hooks.
  package func mutatorsAlone(
    _ repetition: Repetition, _ runner: StrategyRunner?, isProbed: Bool, nanoseconds: UInt64, mostPages: Int? = nil,
    timedOneOf: Int = 0
  ) throws -> Alone {
    restart(repetition)
    let group = try mutators(repetition, runner, isProbed: isProbed, mostPages: mostPages, timedOneOf: timedOneOf)
    guard let group else { return Alone() }
    defer { group.end() }
    group.run(window: nanoseconds, stop: stop)
    let meter = DisturbanceMeter()
    MonotonicClock.sleep(nanoseconds: nanoseconds)
    while !stop.isSet { MonotonicClock.sleep(nanoseconds: 100_000) }
    let disturbance = meter.reading()
    group.park()
    stop.clear()
    defer { group.giveBack() }
    return Alone(
      rate: group.operationsPerSecond, figures: group.figures, disturbance: disturbance.beside(group.disturbance))
  }

  /// The figures of mutators that ran alone; empty without a load.
  package struct Alone {
    package var rate: Double?
    package var figures: MutatorFigures?
    package var disturbance: Disturbance?
  }

  /// Creates the cell's mutators, parked; nil without a load. `runner`: the strategy whose hooks they run; nil: a
  /// kernel without hooks.
  package func mutators(
    _ repetition: Repetition, _ runner: StrategyRunner?, isProbed: Bool, mostPages: Int? = nil, timedOneOf: Int = 0
  ) throws -> MutatorGroup? {
    let cell = repetition.cell
    guard cell.load != .none else { return nil }
    let seats = (placement?.others ?? []).prefix(cell.mutators)
    return try MutatorGroup(
      repetition.guest, runner, cell.load, count: cell.mutators, guestCPUs: seats.map(\.guestCPU),
      hostCPUs: seats.compactMap(\.hostCPU), seed: mutatorSeed(repetition), isProbed: isProbed, mostPages: mostPages,
      restNanoseconds: cell.options.restNanoseconds, timedOneOf: timedOneOf)
  }

  // MARK: rows

  /// The rows of events.csv.
  package func events(_ repetition: Repetition, _ reading: CounterReading) -> [EventCountRecord] {
    reading.named.sorted { $0.key < $1.key }.map { event, count in
      EventCountRecord(
        runID: identity.runID, cellID: repetition.cell.id, repetition: repetition.number, event: event,
        count: Int(exactly: count))
    }
  }

  /// The rows of coverage.csv.
  package func coverage(
    _ repetition: Repetition, _ points: [(elapsed: UInt64, share: Double?, pagesPCP: UInt64)]
  ) -> [CoverageRecord] {
    points.map {
      CoverageRecord(
        runID: identity.runID, cellID: repetition.cell.id, repetition: repetition.number,
        elapsedNs: Double($0.elapsed), freedShareReported: $0.share,
        bytesPCP: $0.pagesPCP * repetition.cell.guest.pageSize.bytes)
    }
  }

  /// Creates a row with the cell's settings.
  private func record(_ cell: Cell, _ repetition: Int) -> RunRecord {
    var run = RunRecord()
    run.identity.runID = identity.runID
    run.identity.cellID = cell.id
    run.identity.time = Date()
    run.identity.commit = identity.commit
    run.identity.branch = identity.branch
    run.identity.host = identity.host
    run.identity.experiment = cell.experiment.card.name
    run.identity.experimentOptions = cell.optionsText
    run.identity.strategy = cell.strategyName
    run.identity.repetition = repetition
    run.identity.seed = matrix.config.seed
    run.guest.bytes = cell.guestBytes
    run.load.kind = cell.load.rawValue
    run.load.mutators = cell.mutators
    run.load.oversubscribed = cell.oversubscribed
    run.load.hostAckNs = cell.options["host-ack-ns"].flatMap { Double($0) }
    run.found.outcome = .complete
    return run
  }

  /// Adds the modelled guest's description and the placement of its memory and scanner.
  private func describe(_ model: ModelledGuest, _ placement: HostPlacement, _ cell: Cell, _ run: inout RunRecord) {
    run.guest.nodes = cell.guest.nodes
    run.guest.cpus = cell.guest.cpus
    run.guest.zones = model.guest.core.zoneCount
    run.guest.granuleOrder = cell.guest.granuleOrder
    run.guest.vmemmapPageBytes = Int(cell.guest.vmemmapPage.bytes)
    run.guest.lockKind = cell.guest.lockKind.rawValue
    run.guest.kernelRules = cell.guest.kernel.rawValue
    run.guest.pageBytes = Int(cell.guest.pageSize.bytes)
    run.guest.watermarks = cell.guest.watermarks.rawValue
    run.guest.source = "model"
    run.guest.pageInit = cell.pageInit.rawValue
    run.guest.state = cell.guest.state.name
    run.guest.listOrder = cell.guest.listOrderName
    run.guest.freeFraction = model.census.freeFraction
    run.guest.bytesFree = model.guest.core.bytes(model.census.freePages)
    run.load.cache = cell.cache.rawValue
    if let strategy = cell.configuredStrategy {
      run.guest.listAdjacent = model.listAdjacency(fromOrder: cell.order)
      run.guest.order = cell.order
      run.guest.budget = ["budget", "step"].compactMap { strategy.options[$0].flatMap { Int($0) } }.first { $0 > 0 }
    }
    // With several scanners, the first one's CPU would mean little; scan.csv has all of them.
    let scanCPU = placement.scanners.count == 1 ? ThreadPlacement.currentCPU : nil
    let scanNodes = Set(placement.scanners.map { $0.hostCPU.flatMap(hostNode(ofCPU:)) })
    run.load.scanCPU = scanCPU
    run.load.scanNode = scanCPU.flatMap(hostNode(ofCPU:)) ?? (scanNodes.count == 1 ? scanNodes.first ?? nil : nil)
    let memoryNodes = Set(model.hostNodes ?? hostNodes.prefix(1).map(\.id))
    run.load.memoryNode = memoryNodes.count == 1 ? memoryNodes.first : nil
  }

  package func hostNode(ofCPU cpu: Int) -> Int? { hostNodes.first { $0.cpus.contains(cpu) }?.id }

  /// The rows of zones.csv, from a session's holds and the account of what it found.
  package func zones(_ repetition: Repetition, _ account: SessionAccount, _ byZone: [[HoldSample]]) -> [ZoneRecord] {
    let cell = repetition.cell
    let model = repetition.model
    return model.guest.core.zones.map { zone in
      let tally = account.zones[zone.index]
      let samples = byZone[zone.index]
      let holds = DurationStatistics(
        ticks: samples.map(\.holdTicks), nanosecondsPerTick: CycleClock.nanosecondsPerTick)
      var record = ZoneRecord()
      record.runID = identity.runID
      record.cellID = cell.id
      record.repetition = repetition.number
      record.node = model.guest.geometry.zones[zone.index].nodeID
      record.hostNode = model.hostNodes?[zone.node] ?? hostNodes.first?.id
      record.zone = zone.type.name
      record.blocksFree = tally.blocksFree
      record.blocksReported = tally.blocksReported
      record.bytesFree = tally.bytesFreeAllOrders
      record.bytesReported = tally.bytesReported
      record.coverage = tally.coverage
      record.lockAcquisitions = samples.count
      guard cell.timesHold else { return record }
      record.lockHoldNsP50 = holds.p50
      record.lockHoldNsP99 = holds.p99
      record.lockHoldNsMax = holds.max
      record.lockHoldNsTotal = holds.total
      if tally.blocksDistinct > 0, let total = holds.total {
        record.nsPerBlock = total / Double(tally.blocksDistinct)
      }
      return record
    }
  }

  /// The rows of lock_holds.csv.
  package func buckets(
    _ repetition: Repetition, _ holds: HoldSummary, _ figures: MutatorFigures?
  ) -> [HoldBucketRecord] {
    var records: [HoldBucketRecord] = []
    func add(_ phase: HoldBucketRecord.Phase, _ kind: HoldBucketRecord.Kind, _ histogram: DurationHistogram) {
      let key = RepetitionKey(cellID: repetition.cell.id, repetition: repetition.number)
      records += HoldBucketRecord.rows(histogram, runID: identity.runID, key, phase, kind)
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
