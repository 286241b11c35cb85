import Bench
import Delivery
import GuestMemory
import Hinting
import Instruments
import Migration
import Records

/// Measures the value of hints to a live migration: its time, downtime and bytes, and the guest's cost.
///
/// The modelled guest, its allocator and the strategy really run. Each round has a session of the strategy, begun after
/// the sync of the dirty log and stopped before the next one, as in QEMU. At the end every page in use must be the same
/// at the destination as at the source, or the repetition ends in an error.
///
/// By the virtual clock the guest's users act at a set rate, and sending, zero checks and syncs take measured or given
/// times. By the real clock (``RealMigration``) the guest's memory is real, and so is everything done to it.
enum MigrationExperiment: Experiment {
  static let card = ExperimentCard(
    name: "migration",
    question: "what hints save a live migration (time, downtime, bytes) and what they cost the guest",
    files: "runs.csv, cells.csv, migration.csv", decisiveMetrics: ["total_ns"],
    suited: "strategies that hint on a command of the host",
    options: [
      .clock([.virtual, .real]),
      DeclaredOption(
        "bandwidth", .size(1 << 20...1 << 60), default: "1G", "bandwidth limit, in bytes per second",
        source: "QEMU: max-bandwidth"),
      DeclaredOption(
        "downtime-limit", .time(1...3_600_000_000_000), default: "300ms", "downtime limit",
        source: "QEMU: downtime-limit=300", column: "downtime_limit_ns"),
      .load([.none, .faults, .compile]), .mutators,
      DeclaredOption(
        "mutator-rate", .integer(1...1_000_000_000), default: "20000", "maximum operations per second of each mutator",
        source: "this project", onlyWith: .option("load", MutatorLoad.names(courses: false))),
      .pageInit(), .cache,
    ],
    flags: [
      "clock", "bandwidth", "downtime-limit", "load", "mutators", "mutator-rate", "page-init", "cache",
    ],
    columns: MigrationRecord.experimentColumns, suits: { $0.trigger == .command && ($0.reports || $0.isControl) })

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var small = RunConfig.Group()
    small.guests = ["8G"]
    small.states = ["aged"]
    small.strategies = strategies
    if quick {
      small.strategies = ["none", "walk-callback", "free-list-multi-buffer", "alloc-max-order"]
      small.experimentOptions["load"] = ["none", "compile"]
      return [small]
    }
    // The limits used in the threads of 2018.
    var limits = small
    limits.experimentOptions["downtime-limit"] = ["500ms", "2s"]
    // At the set rate a load would act some hundred million times while a TiB is sent.
    var large = small
    large.experimentOptions["load"] = ["none"]
    large.guests = ["128G", "1T"]
    large.strategies = Strategies.all.filter { card.takes($0.card) && $0.card.effect == .readsOnly }.map(\.card.name)
    // Everything but the time per hint is the same as at granule 0, where touching the struct pages of 4 TiB would take
    // longer than the rest.
    var largest = large
    largest.guests = ["4T", "100T"]
    largest.states = ["fresh"]
    largest.granule = "9"
    largest.strategies = ["none", "walk-callback", "free-list-proportional-buffer", "free-list-multi-buffer"]
    return [small, limits, large, largest]
  }

  /// The names of every strategy that the host can ask for hints, and `none`.
  static var strategies: [String] { Strategies.all.filter { card.takes($0.card) }.map(\.card.name) }

  /// By the real clock the destination is another process; by the virtual one there is only one thread.
  static func threads(_ options: OptionValues, nodes: Int) -> Int {
    options.clock == .virtual ? 1 : 2 + options.mutators
  }

  /// By the virtual clock the number must not depend on the machine.
  static func mutators(_ options: OptionValues, nodes: Int, hostCPUs: Int) -> Int {
    options.clock == .virtual ? 3 : max(hostCPUs - threads(options, nodes: nodes), 1)
  }

  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    cell.clock == .virtual ? virtualEstimate(cell, host) : RealMigration.estimate(cell)
  }

  /// A session for the cost of a hint, a look at every unit in each round, and the mutators' operations.
  private static func virtualEstimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    let units = Double(cell.guestBytes >> 12) / Double(1 << cell.guest.granuleOrder)
    let sending = Double(cell.guestBytes) / Double(cell.options.bytes("bandwidth"))
    let operations = Double(cell.mutators) * rate(cell) * sending
    return 2 * cell.restartNanoseconds(host) + 2 * cell.sessionNanoseconds + units * 80 + operations * 200
  }

  static func memory(_ cell: Cell) -> MemoryNeed? { RealMigration.memory(cell) }

  static func missing(_ cell: Cell) -> String? {
    guard cell.clock == .real, let refusal = WriteProtectLog.refusal else { return nil }
    return "migration with the real clock is not possible here: \(refusal); expected migration:clock=virtual"
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    guard cell.clock == .virtual else { return try RealMigration(repetition, bench).run() }
    let runner = repetition.runner
    let guest = repetition.guest
    let rates = try PageRates.measure()
    var run = repetition.record
    var record = MigrationRecord(cell.options)

    // The guest's cost per hint: a session on the guest in its starting state, without a probe.
    bench.restart(repetition)
    let meter = DisturbanceMeter()
    let speed = runner.speedPass(.init(guest), Session(lowestOrder: cell.order, stop: bench.stop))
    run.trust.set([meter.reading()])

    bench.restart(repetition)
    bench.holdLog.reset()
    bench.hintLog.reset()
    let unitOrder = MigrationBitmap.unitOrder(guestBytes: cell.guest.bytes, granuleOrder: cell.guest.granuleOrder)
    let image = GuestImage(guest, unitOrder: unitOrder, freeIsZero: cell.guest.state == .fresh)
    let cpus = guest.geometry.cpuCount
    let load = MigrationLoad(
      guest, image, cell.load, cpus: (0..<cell.mutators).map { (1 + $0) % cpus }, ticking: Array(0..<cpus),
      rate: rate(cell), most: Int(guest.core.freePages) / 4, seed: bench.mutatorSeed(repetition))
    var sink = RecordingSink(bench.hintLog, guest.core, runner.queue)
    var session = Session(lowestOrder: cell.order, stop: bench.stop)
    var ends = SessionEnds()
    var perHint: Double?
    var blocksReported = 0

    let costs = VirtualPrecopy.Costs(
      bandwidth: Double(cell.options.bytes("bandwidth")), zeroCheck: rates.zeroCheck, send: rates.send,
      // One bit per unit, read and cleared: 8 bytes of both bitmaps for 64 units, at the rate of a zero check.
      syncPerUnit: rates.zeroCheck / 4096 * 2 / 8, downtimeLimit: Double(cell.options.nanoseconds("downtime-limit")))
    var migration = VirtualPrecopy(image, costs) {
      guard cell.strategy.card.reports, ends.failure == nil else { return nil }
      bench.hintLog.reset()
      ends.note(
        withExtendedLifetime(bench.holdLog) { runner.work(.init(guest), bench.holdLog.probe(), &session, &sink) })
      let hints = bench.hintLog.hints
      if perHint == nil && !hints.isEmpty {
        perHint = CycleClock.nanoseconds(fromTicks: speed.scanTicks) / Double(hints.count)
      }
      // init_on_alloc zeroes what the strategy takes, before it is hinted.
      if cell.pageInit == .alloc && cell.strategy.card.effect == .takesBlocks {
        for hint in hints where hint.isHeld { image.zero(hint.block) }
      }
      blocksReported += hints.count
      return .init(blocks: hints.map(\.block), nanosecondsPerHint: perHint ?? 0)
    } advance: {
      load.advance(to: $0)
    }
    var result: PrecopyResult?
    var failure: String?
    do throws(PageVersions.Loss) {
      result = try migration.run()
      failure = ends.failure
    } catch {
      failure = "\(error)"
    }
    withExtendedLifetime(bench.holdLog) {
      runner.giveBack(.init(guest), bench.holdLog.probe(), &session, &sink)
    }
    repetition.model.touch()

    run.found.outcome = failure == nil ? ends.outcome : .error
    run.found.blocksReported = blocksReported
    run.found.bytesPCP = guest.core.perCPUPages << 12
    run.delivery = RunRecord.Delivery(kicks: sink.kicks, descriptors: sink.descriptors)
    if let result, failure == nil {
      record.fill(result, unitBytes: 4096 << image.unitOrder)
      record.zeroCheckNs = rates.zeroCheck
      record.sendNs = rates.send
      record.syncNs = costs.syncPerUnit * Double(image.units)
      record.nsPerHint = perHint
      record.sessionCPUNs =
        cell.timesHold || cell.strategy.card.effect == .readsOnly
        ? result.sessionNs : nil
      record.operations = cell.load == .none ? nil : load.operations
      record.operationsFailed = cell.load == .none ? nil : load.failed
    }
    return RepetitionResult(
      run: run, zones: [], holds: [], holdSequence: nil, failure: failure, experiment: ExperimentRows(card, [record]))
  }
}

extension MigrationExperiment {
  /// Operations per second of each mutator; 0 without mutators.
  static func rate(_ cell: Cell) -> Double { cell.options["mutator-rate"].flatMap { Double($0) } ?? 0 }
}

/// A row of migration.csv.
struct MigrationRecord: ExperimentRecord {
  static let fileName = "migration.csv"
  static let blank = MigrationRecord()
  static let keyColumns = 3

  var clock = ExperimentClock.virtual.rawValue
  var bandwidth = 0.0
  var downtimeLimitNs = 0.0
  var totalNs: Double?
  var downtimeNs: Double?
  var bytesSent: Double?
  var pagesSent: Int?
  var pagesZero: Int?
  var pagesSkipped: Int?
  var rounds: Int?
  var hasConverged: Bool?
  var hintsApplied: Int?
  var hintsLate: Int?
  var sessionCPUNs: Double?
  var operations: Int?
  var operationsFailed: Int?
  var unitBytes: Int?
  var zeroCheckNs: Double?
  var sendNs: Double?
  var syncNs: Double?
  var nsPerHint: Double?
  var unitsCompared: Int?

  init() {}

  /// Creates a record with the settings that distinguish its row.
  init(_ options: OptionValues) {
    clock = options.choice("clock")
    bandwidth = Double(options.bytes("bandwidth"))
    downtimeLimitNs = Double(options.nanoseconds("downtime-limit"))
  }

  mutating func fill(_ result: PrecopyResult, unitBytes: Int) {
    totalNs = result.total
    downtimeNs = result.downtime
    bytesSent = result.bytesSent
    pagesSent = result.pagesSent
    pagesZero = result.pagesZero
    pagesSkipped = result.pagesSkipped
    rounds = result.rounds
    hasConverged = result.hasConverged
    hintsApplied = result.hints
    hintsLate = result.hintsLate
    self.unitBytes = unitBytes
    unitsCompared = result.unitsCompared
  }

  static let columns: [Column<MigrationRecord>] = [
    Column("clock", \.clock, meaning: "real: bytes sent to a second process, timed; virtual: counters."),
    Column("bandwidth", unit: "bytes/s", \.bandwidth, meaning: "Bandwidth limit; a setting."),
    Column("downtime_limit_ns", unit: "ns", \.downtimeLimitNs, meaning: "Downtime limit; a setting."),
    Column(
      "total_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.totalNs,
      meaning: "From the setup to the end of the switch-over."),
    Column(
      "downtime_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.downtimeNs,
      meaning: "Downtime at the switch-over."),
    Column(
      "bytes_sent", unit: "bytes", direction: .lowerIsBetter, isPrimary: true, \.bytesSent,
      meaning: "Bytes that left the host: pages, their headers, and 9 bytes for a page of zeroes."),
    Column("pages_sent", unit: "pages", direction: .lowerIsBetter, \.pagesSent, meaning: "Pages sent with content."),
    Column(
      "pages_zero", unit: "pages", direction: .lowerIsBetter, \.pagesZero,
      meaning: "Pages that were looked at and found to be zero."),
    Column(
      "pages_skipped", unit: "pages", direction: .higherIsBetter, isPrimary: true, \.pagesSkipped,
      meaning:
        "Pages that a hint took out of what had still to be sent; one that is skipped in two rounds counts twice."),
    Column("rounds", direction: .lowerIsBetter, isPrimary: true, \.rounds, meaning: "Syncs of the dirty log."),
    Column(
      "has_converged", \.hasConverged,
      meaning:
        "Whether pre-copy converged to the downtime limit; otherwise the guest was stopped after 100 syncs or more."
    ),
    Column("hints_applied", \.hintsApplied, meaning: "Hints that came within their session."),
    Column("hints_late", direction: .lowerIsBetter, \.hintsLate, meaning: "Hints that came after its stop: dropped."),
    Column(
      "session_cpu_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.sessionCPUNs,
      meaning:
        "Guest CPU time of the sessions: its hints at ns_per_hint each, up to the host's stop; or with the real "
        + "clock its CPU time, zeroing included."
    ),
    Column(
      "operations", direction: .higherIsBetter, \.operations,
      meaning:
        "Operations of the load threads during the migration, at mutator_rate per second each; at most with the real "
        + "clock."
    ),
    Column(
      "operations_failed", direction: .lowerIsBetter, \.operationsFailed, meaning: "Of these, allocations refused."),
    Column("unit_bytes", unit: "bytes", \.unitBytes, meaning: "Of one bit and one counter of the oracle."),
    Column(
      "zero_check_ns", unit: "ns/page", \.zeroCheckNs,
      meaning: "Looking at a page of zeroes; measured, for the virtual clock."),
    Column(
      "send_ns", unit: "ns/page", \.sendNs, meaning: "Handing a page to a socket; measured, for the virtual clock."),
    Column(
      "sync_ns", unit: "ns", \.syncNs,
      meaning:
        "One sync: two bits a unit read or written at the rate of the zero check; with the real clock the "
        + "measured mean."
    ),
    Column(
      "ns_per_hint", unit: "ns", \.nsPerHint,
      meaning:
        "From one hint to the next: a session without a probe, measured in this repetition, for the virtual clock; a "
        + "lower bound above granule 0."
    ),
    Column(
      "units_compared", \.unitsCompared,
      meaning: "Units in use at the switch-over, each compared with the destination's."),
  ]
}
