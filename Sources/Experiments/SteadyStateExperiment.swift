import Delivery
import GuestMemory
import Hinting
import Instruments

/// How soon a design that reacts to frees tells the host, and what it costs while memory comes and goes.
///
/// Half of what is free is taken, the rest reported; then it is given back at once, and for a window the design's work
/// runs as its own delay says while mutators allocate and free. By the real clock mutators are threads; by the virtual
/// one they act at a set rate, so that minutes of delay take seconds, and nothing in the result depends on the machine.
enum SteadyStateExperiment: Experiment {
  static let card = ExperimentCard(
    name: "steady-state",
    question: "how soon freed memory is reported, how much of that is taken back at once, and what the reporter costs",
    files: "runs.csv, cells.csv, lock_holds.csv, steady-state.csv", suited: "strategies that react to frees",
    loads: [.order0], window: TimeSpan(nanoseconds: 3e9), hasVirtualClock: true,
    columns: SteadyStateRecord.experimentColumns, suits: { $0.trigger == .frees })

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var real = RunConfig.Group()
    real.guests = ["4G"]
    real.states = ["fresh"]
    real.strategies = [
      "bitmap-hinting:order=9", "page-reporting-boundary:order=9:delay=100:capacity=16/32",
      "page-reporting:order=9/10:delay=100:capacity=16/32",
    ]
    real.hostAckNs = ["0", "1000000"]
    var virtual = real
    virtual.clock = "virtual"
    virtual.window = quick ? "40s" : "120s"
    virtual.strategies = [
      "bitmap-hinting:order=9", "page-reporting-boundary:order=9",
      quick ? "page-reporting:order=9" : "page-reporting:order=9/10:delay=100/2000:capacity=16/32",
    ]
    if quick { virtual.guests = ["2G"] }
    return quick ? [virtual] : [real, virtual]
  }

  /// Of what was reported, the share checked for having been taken back: after a second.
  private static let second: UInt64 = 1_000_000_000

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    let runner = repetition.runner
    let guest = repetition.guest
    let isReal = cell.setting.clock == .real
    let window = cell.setting.windowNs ?? 0
    var run = repetition.record
    var record = SteadyStateRecord()
    record.clock = cell.setting.clock.rawValue
    record.windowNs = Double(window)
    record.delayNs = Double(runner.workDelayNanoseconds)
    record.capacity = cell.strategy.options["capacity"].flatMap { Int($0) }

    repetition.model.touch()
    repetition.model.reset(order: cell.order, cache: cell.cache, bench.evictor, runner)
    bench.stop.clear()
    bench.holdLog.reset()
    bench.hintLog.reset()
    var session = Session(lowestOrder: cell.order, stop: bench.stop)
    var sink = RecordingSink(bench.hintLog, guest.core, runner.queue)

    // Half is in use, and the host knows of the rest.
    let tenant = try runner.mutator(guest, tenantSettings, isProbed: false)
    let blocks = Int(guest.core.freePages / 2) >> tenantOrder
    _ = tenant.take(order: tenantOrder, count: blocks)
    settle(runner, guest, bench, &session, &sink)
    var progress = Progress(freed: tenant.blocks, unitOrder: min(cell.order, tenantOrder))
    record.freedBytes = progress.freedBytes

    let timeline = try timeline(repetition, bench)
    defer { timeline.end() }
    bench.holdLog.reset()
    let reportsBefore = sink.descriptors
    let kicksBefore = sink.kicks
    timeline.start()
    tenant.giveBack()
    let start = timeline.now
    let end = start + window
    sink.onReport = { blocks in
      // By the real clock a thread has acknowledged it by now.
      if !isReal { timeline.advance(to: timeline.now + cell.hostAckNs) }
      progress.reported(blocks, at: timeline.now - start)
    }
    var cpuNanoseconds: UInt64 = 0
    var requestedAt: UInt64?
    var failure: String?
    while timeline.now < end && failure == nil {
      let now = timeline.now
      progress.check(until: now - start) { runner.isKnownToHost($0, guest.core) }
      if requestedAt == nil && runner.isWorkRequested { requestedAt = now }
      if let since = requestedAt, now >= since + runner.workDelayNanoseconds {
        requestedAt = nil
        let before = ThreadCPUClock.nanoseconds()
        let outcome = withExtendedLifetime(bench.holdLog) {
          runner.work(.init(guest), bench.holdLog.probe(), &session, &sink)
        }
        cpuNanoseconds += ThreadCPUClock.nanoseconds() - before
        record.works += 1
        if case .error(let reason) = outcome { failure = reason }
        continue
      }
      // A timer's tick, or the moment the work is due.
      let due = requestedAt.map { $0 + runner.workDelayNanoseconds } ?? .max
      timeline.advance(to: min(now + 1_000_000, due, end))
    }
    timeline.stop()
    sink.onReport = nil
    progress.check(until: window) { runner.isKnownToHost($0, guest.core) }
    let operations = timeline.operations
    timeline.giveBack()
    repetition.model.touch()

    let seconds = Double(window) / 1e9
    record.add(progress, seconds: seconds)
    run.found.outcome = failure == nil ? .complete : .error
    run.found.blocksReported = progress.blocks
    run.delivery.kicks = sink.kicks - kicksBefore
    run.delivery.descriptors = sink.descriptors - reportsBefore
    run.sideEffects.bytesFreeMin = sink.freePagesMin << 12
    let holds = bench.holdLog.summary()
    run.lock = RunRecord.Lock(acquisitions: holds.acquisitions, itemsPerHoldMax: holds.itemsPerHoldMax)
    if cell.timesHold {
      // Holds are of the real clock in both.
      run.lock = RunRecord.Lock(holds)
      record.reporterCPUNs = isReal ? Double(cpuNanoseconds) : nil
    }
    if isReal && cell.timesHold {
      run.bystanders.opsPerSecond = Double(operations) / seconds
      run.sideEffects.withheldByteSeconds = sink.byteSecondsWithheld
      record.aloneOpsPerSecond = try aloneRate(repetition, bench)
      if let alone = record.aloneOpsPerSecond, alone > 0, let beside = run.bystanders.opsPerSecond {
        record.opsRatio = beside / alone
      }
    }
    return RepetitionResult(
      run: run, zones: [], holds: cell.timesHold ? bench.buckets(repetition, holds, nil) : [], holdSequence: nil,
      failure: failure, experiment: ExperimentRows(card, [record]))
  }

  private static let tenantOrder = 9
  /// On the reporter's own CPU, whose thread it shares.
  private static let tenantSettings = MutatorSettings(load: .none, cpu: 0, mostPages: .max, seed: 0)

  /// The work until none is asked for, with no delay and nobody beside.
  private static func settle(
    _ runner: StrategyRunner, _ guest: Guest, _ bench: Bench, _ session: inout Session, _ sink: inout RecordingSink
  ) {
    // A design that asks for ever would never settle.
    for _ in 0..<100_000 where runner.isWorkRequested {
      withExtendedLifetime(bench.holdLog) {
        _ = runner.work(.init(guest), bench.holdLog.probe(), &session, &sink)
      }
    }
  }

  private static func timeline(_ repetition: Repetition, _ bench: Bench) throws -> any Timeline {
    let cell = repetition.cell
    if cell.setting.clock == .real {
      return RealTimeline(try bench.mutators(repetition, repetition.runner, isProbed: false))
    }
    let mutators = try (0..<cell.mutators).map {
      try repetition.runner.mutator(
        repetition.guest,
        MutatorSettings(
          load: cell.load, cpu: 1 + $0,
          mostPages: Int(repetition.guest.core.freePages) / 8 / cell.mutators,
          seed: bench.matrix.config.seed &+ UInt64(repetition.number) &* 1_000_003), isProbed: false)
    }
    return VirtualTimeline(mutators, rate: cell.setting.mutatorRate)
  }

  /// The mutators on a guest built without the design, for a tenth of the window.
  private static func aloneRate(_ repetition: Repetition, _ bench: Bench) throws -> Double? {
    repetition.model.touch()
    repetition.model.reset(order: repetition.cell.order, cache: .warm, bench.evictor, repetition.runner)
    guard let mutators = try bench.mutators(repetition, nil, isProbed: false) else { return nil }
    defer { mutators.end() }
    mutators.run()
    MonotonicClock.sleep(nanoseconds: max((repetition.cell.setting.windowNs ?? 0) / 10, 20_000_000))
    mutators.park()
    mutators.giveBack()
    repetition.model.touch()
    return mutators.operationsPerSecond
  }
}

/// What of the freed memory was reported when, and what of all that was reported the guest took back within a second.
struct Progress {
  private var missing: Set<UInt64>
  private let unitOrder: Int
  private let units: Int
  private(set) var blocks = 0
  private(set) var batches = 0
  private(set) var pages: UInt64 = 0
  private(set) var firstGiB: UInt64?
  private(set) var half: UInt64?
  /// When the last of it came that hadn't come before.
  private(set) var last: UInt64?
  private var pending: [(due: UInt64, block: Block)] = []
  private var nextPending = 0
  private(set) var checked = 0
  private(set) var takenBack = 0

  /// `unitOrder`: no smaller blocks are reported, and none of `freed` is smaller.
  init(freed: [Block], unitOrder: Int) {
    self.unitOrder = unitOrder
    missing = []
    for block in freed {
      for unit in block.pfn >> UInt64(unitOrder)..<block.end >> UInt64(unitOrder) { missing.insert(unit) }
    }
    units = missing.count
  }

  var freedBytes: UInt64 { UInt64(units) << UInt64(unitOrder + 12) }
  var shareReported: Double? { units == 0 ? nil : Double(units - missing.count) / Double(units) }

  mutating func reported(_ batch: [Block], at time: UInt64) {
    batches += 1
    for block in batch {
      blocks += 1
      pages += block.pages
      pending.append((time + 1_000_000_000, block))
      let before = missing.count
      for unit in block.pfn >> UInt64(unitOrder)..<block.end >> UInt64(unitOrder) { missing.remove(unit) }
      guard missing.count < before else { continue }
      let done = UInt64(units - missing.count) << UInt64(unitOrder + 12)
      last = time
      if firstGiB == nil && done >= 1 << 30 { firstGiB = time }
      if half == nil && done * 2 >= freedBytes { half = time }
    }
  }

  /// Looks at what was reported a second before `time`.
  mutating func check(until time: UInt64, _ isKnownToHost: (Block) -> Bool) {
    while nextPending < pending.count, pending[nextPending].due <= time {
      checked += 1
      if !isKnownToHost(pending[nextPending].block) { takenBack += 1 }
      nextPending += 1
    }
  }
}

/// A row of steady-state.csv.
struct SteadyStateRecord: ExperimentRecord {
  static let fileName = "steady-state.csv"
  static let blank = SteadyStateRecord()
  static let keyColumns = 3

  var clock = ""
  var delayNs = 0.0
  var capacity: Int?
  var windowNs = 0.0
  var freedBytes: UInt64 = 0
  var works = 0
  var batches = 0
  var blocksPerSecond: Double?
  var bytesPerSecond: Double?
  var firstGibNs: Double?
  var halfNs: Double?
  var lastNs: Double?
  var freedShareReported: Double?
  var takenBackShare: Double?
  var takenBackChecked = 0
  var reporterCPUNs: Double?
  var aloneOpsPerSecond: Double?
  var opsRatio: Double?

  mutating func add(_ progress: Progress, seconds: Double) {
    batches = progress.batches
    blocksPerSecond = Double(progress.blocks) / seconds
    bytesPerSecond = Double(progress.pages) * 4096 / seconds
    firstGibNs = progress.firstGiB.map { Double($0) }
    halfNs = progress.half.map { Double($0) }
    lastNs = progress.last.map { Double($0) }
    freedShareReported = progress.shareReported
    takenBackChecked = progress.checked
    if progress.checked > 0 { takenBackShare = Double(progress.takenBack) / Double(progress.checked) }
  }

  static let columns: [Column<SteadyStateRecord>] = [
    Column("clock", \.clock, meaning: "real: threads and the machine's time; virtual: events at a set rate."),
    Column("delay_ns", unit: "ns", \.delayNs, meaning: "From a request to the design's work."),
    Column("capacity", unit: "blocks", \.capacity, meaning: "Blocks in one report at most."),
    Column("window_ns", unit: "ns", \.windowNs, meaning: "Time observed after the memory became free."),
    Column("freed_bytes", unit: "bytes", \.freedBytes, meaning: "What became free at the start."),
    Column("works", \.works, meaning: "Runs of the design's work."),
    Column("batches", \.batches, meaning: "Reports."),
    Column("blocks_per_second", unit: "1/s", \.blocksPerSecond, meaning: "Blocks reported over the window."),
    Column("bytes_per_second", unit: "bytes/s", \.bytesPerSecond, meaning: "Bytes reported over the window."),
    Column(
      "first_gib_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.firstGibNs,
      meaning: "Until 1 GiB of the freed memory was reported; empty where it never was."),
    Column(
      "half_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.halfNs,
      meaning: "Until half of it was reported."),
    Column(
      "last_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lastNs,
      meaning: "Until the last of it was reported that was in the window."),
    Column(
      "freed_share_reported", unit: "share", direction: .higherIsBetter, isPrimary: true, \.freedShareReported,
      meaning: "Reported share of the freed memory; the mutators hold the rest, or it was too small or too late."),
    Column(
      "taken_back_share", unit: "share", direction: .lowerIsBetter, isPrimary: true, \.takenBackShare,
      meaning: "Of the blocks reported, those that a second later the host couldn't be told to have any more."),
    Column("taken_back_checked", unit: "blocks", \.takenBackChecked, meaning: "Blocks that share is of."),
    Column(
      "reporter_cpu_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.reporterCPUNs,
      meaning: "CPU time of the design's work in the window."),
    Column(
      "alone_ops_per_second", unit: "1/s", direction: .higherIsBetter, \.aloneOpsPerSecond,
      meaning: "Mutators' operations on a guest built without the design, in a window of their own."),
    Column(
      "ops_ratio", unit: "ratio", direction: .higherIsBetter, isPrimary: true, \.opsRatio,
      meaning: "Operations a second beside the design over those without it."),
  ]
}
