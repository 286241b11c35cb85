import Bench
import Delivery
import GuestMemory
import Hinting
import Instruments
import Migration
import Records

/// Measures how soon a strategy that reacts to frees tells the host, and what it costs while memory comes and goes.
///
/// A process takes half of free memory, and the rest is reported. Then it exits, and for a window the strategy's work
/// runs with its own delay while mutators allocate and free. What the exit leaves on its CPU's lists stays there, as in
/// a kernel, until the vmstat tick or somebody else gives it back. By the real clock mutators are threads. By the
/// virtual one they act at a set rate, so that minutes of delay take seconds and no result depends on the machine; then
/// what the host has populated is known, too, and what its guests' users touch again after the host took it
/// (``HostAccount``). What such a touch costs here is among the machine's floors in meta.json.
enum SteadyStateExperiment: Experiment {
  static let card = ExperimentCard(
    name: "steady-state",
    question: "how soon freed memory is reported, how much of it the guest reuses at once, and what reporting costs",
    files: "runs.csv, cells.csv, lock_holds.csv, steady-state.csv, coverage.csv", decisiveMetrics: ["last_ns"],
    coverageMetric: "freed_share_reported",
    suited: "strategies that react to frees",
    options: [
      .clock([.real, .virtual]), .window("3s"), .load([.order0], orNone: true, courses: true),
      .mutators(courses: true),
      DeclaredOption(
        "mutator-rate", .integer(1...1_000_000_000), default: "20000", "operations per second of each mutator",
        source: "this project", onlyWith: .option("clock", ["virtual"])),
      .hostAck,
      DeclaredOption(
        "tenant", .choice(TenantPages.allCases.map(\.rawValue)), default: TenantPages.thp.rawValue,
        "pages of the process that exits: thp, of order 9; order0, single ones, as without transparent huge pages",
        source: "/sys/kernel/mm/transparent_hugepage/enabled", implied: TenantPages.thp.rawValue),
      DeclaredOption(
        "sleep-ms", .integer(0...3_600_000), default: "1000",
        "how long the load rests after each process or burst, in ms",
        source: "this project",
        onlyWith: .option("load", MutatorLoad.allCases.filter(\.rests).map(\.rawValue))),
      DeclaredOption(
        "host-page", .choice(HostPages.allCases.map(\.rawValue)), default: HostPages.huge.rawValue,
        "the host's pages under the guest: 2M, as with transparent huge pages, or 4K",
        source: "the host's transparent_hugepage; QEMU asks for huge pages", onlyWith: .option("clock", ["virtual"]),
        implied: HostPages.huge.rawValue),
    ],
    flags: ["clock", "window", "load", "mutators", "mutator-rate", "host-ack-ns"], exactWith: ("clock", "virtual"),
    columns: SteadyStateRecord.experimentColumns, suits: { $0.trigger == .frees })

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var real = RunConfig.Group()
    real.guests = ["4G"]
    real.states = ["fresh"]
    real.strategies = [
      "bitmap-hinting:order=9", "page-reporting-boundary:order=9:delay=100:capacity=16/32",
      "page-reporting:order=9/10:delay=100:capacity=16/32",
    ]
    real.experimentOptions = ["host-ack-ns": ["0", "1000000"]]
    guard quick else { return [real] }
    var virtual = real
    virtual.experimentOptions["clock"] = ["virtual"]
    virtual.experimentOptions["window"] = ["40s"]
    virtual.strategies = ["bitmap-hinting:order=9", "page-reporting-boundary:order=9", "page-reporting:order=9"]
    return [virtual]
  }

  /// By the virtual clock there is only one thread.
  static func threads(_ options: OptionValues, nodes: Int) -> Int {
    options.clock == .virtual ? 1 : guestThreads(options, nodes: nodes) + (options.hostAckNs > 0 ? 1 : 0)
  }

  /// By the virtual clock the number must not depend on the machine.
  static func mutators(_ options: OptionValues, nodes: Int, hostCPUs: Int) -> Int {
    options.clock == .virtual ? 3 : max(hostCPUs - threads(options, nodes: nodes), 1)
  }

  /// The window, and a tenth of it alone. Virtual time costs only the mutators' operations and the reports.
  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    let window = Double(cell.windowNs)
    guard cell.clock == .virtual else {
      return 1.1 * window + 2 * cell.restartNanoseconds(host) + tenantNanoseconds(cell)
    }
    let operations = Double(cell.mutators * cell.options.integer("mutator-rate")) * window / 1e9
    // A course populates and gives back much more memory than a churn of a few pages, and reports of small blocks take
    // longer than the users do.
    let nanoseconds = (cell.load.isCourse ? 200.0 : 75) + (cell.order == 0 ? 250 : 0)
    return cell.restartNanoseconds(host) + operations * nanoseconds + tenantNanoseconds(cell)
  }

  /// The estimated time of the process's start and exit, both by single pages. Nanoseconds.
  private static func tenantNanoseconds(_ cell: Cell) -> Double {
    TenantPages(cell) == .order0 ? tenantPages(cell) * 150 : 0
  }

  /// The most pages that the process takes.
  private static func tenantPages(_ cell: Cell) -> Double { Double(cell.guestBytes >> 12) / 2 }

  /// A process of single pages is known page by page.
  static func memory(_ cell: Cell) -> MemoryNeed? {
    guard TenantPages(cell) == .order0 else { return nil }
    return MemoryNeed(
      // Its pages, twice while they are sorted.
      bytes: UInt64(tenantPages(cell)) * 2 * UInt64(MemoryLayout<Block>.stride),
      what: "steady-state on \(ByteSize(bytes: cell.guestBytes)) with tenant=order0",
      purpose: "for the list of its pages",
      accepted: "a smaller --guest, or tenant=thp")
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    let runner = repetition.runner
    let guest = repetition.guest
    let isReal = cell.clock == .real
    let window = cell.windowNs
    var run = repetition.record
    var record = SteadyStateRecord()
    record.clock = cell.clock.rawValue
    record.windowNs = Double(window)
    record.delayNs = Double(runner.workDelayNanoseconds)
    record.capacity = cell.strategy.options["capacity"].flatMap { Int($0) }
    record.mutatorRate = cell.options["mutator-rate"].flatMap { Double($0) }
    record.tenant = TenantPages(cell).rawValue
    record.sleepMs = cell.options["sleep-ms"].flatMap { Int($0) }
    record.hostPage = cell.options["host-page"]

    // The first window finds other cache contents than the last, so the order alternates between repetitions.
    let aloneFirst = repetition.number % 2 == 0
    // From the guest's starting state, whatever the previous cell left.
    let mostPages = Int(repetition.model.census.freePages) / cell.load.partOfFree / max(cell.mutators, 1)
    // By the virtual clock no figure depends on the machine.
    var disturbances: [Disturbance] = []
    if isReal && aloneFirst { try measureAlone(repetition, bench, mostPages, &record, &disturbances) }

    bench.restart(repetition)
    bench.holdLog.reset()
    bench.hintLog.reset()
    var session = Session(lowestOrder: cell.order, stop: bench.stop)

    // Half is in use, and the host knows of the rest.
    let tenant = try runner.mutator(guest, tenantSettings, isProbed: false)
    let tenantOrder = max(TenantPages(cell).order, guest.core.granuleOrder)
    let blocks = Int(guest.core.freePages / 2) >> tenantOrder
    _ = tenant.take(order: tenantOrder, count: blocks)
    let host =
      isReal
      ? nil
      : HostAccount(
        guest.core, usesHugePages: cell.options["host-page"] == HostPages.huge.rawValue, window: window)
    settle(repetition, bench, &session) { host?.discard($0, at: 0) }
    var progress = Progress(freed: tenant.blocks, unitOrder: min(cell.order, tenantOrder))
    record.freedBytes = progress.freedBytes

    var course = CoverageCourse(window: window)

    let timeline = try timeline(repetition, bench, mostPages, tenant, host)
    defer { timeline.end() }
    bench.holdLog.reset()
    timeline.start()
    let meter = DisturbanceMeter()
    tenant.exit()
    host?.start(guest.core)
    let start = timeline.now
    let end = start + window
    var sink = RecordingSink(bench.hintLog, guest.core, runner.queue)
    sink.onReport = { blocks, range in
      // By the real clock the host's thread has acknowledged it by now.
      if !isReal { timeline.advance(to: timeline.now + cell.hostAckNs) }
      progress.record(blocks, range, at: timeline.now - start)
      if let host {
        for index in range { host.discard(Block(rawValue: blocks[index]), at: timeline.now - start) }
      }
    }
    var cpuNanoseconds: UInt64 = 0
    var requestedAt: UInt64?
    var ends = SessionEnds()
    while timeline.now < end && ends.failure == nil {
      let now = timeline.now
      course.note(now - start, guest.core)
      host?.look(guest.core, at: now - start)
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
        ends.note(outcome)
        continue
      }
      // The next timer tick, or the time the work is due.
      let due = requestedAt.map { $0 + runner.workDelayNanoseconds } ?? .max
      timeline.advance(to: min(now + 1_000_000, due, end, start + course.next))
    }
    let disturbance = meter.reading()
    timeline.stop()
    if isReal { disturbances.append(disturbance.beside(timeline.disturbance)) }
    sink.onReport = nil
    progress.check(until: window) { runner.isKnownToHost($0, guest.core) }
    course.note(max(timeline.now - start, window), guest.core)
    host?.look(guest.core, at: window)
    host?.end()
    progress.finish(window: window, course.times, perCPU: guest.perCPUBlocks())
    run.found.bytesPCP = guest.core.perCPUPages << 12
    if cell.timesHold {
      run.bystanders.opsPerSecond = timeline.operationsPerSecond
      if let figures = timeline.figures { run.bystanders.add(latencies: figures) }
    }
    timeline.giveBack()
    repetition.model.touch()
    if isReal && !aloneFirst { try measureAlone(repetition, bench, mostPages, &record, &disturbances) }
    run.trust.set(disturbances)

    record.add(progress, seconds: Double(window) / 1e9)
    if let host { record.add(host, window: window, busyNanoseconds: (timeline as? VirtualTimeline)?.busyNanoseconds) }
    run.found.outcome = ends.outcome
    run.found.blocksReported = progress.blocks
    run.delivery.kicks = sink.kicks
    run.delivery.descriptors = sink.descriptors
    run.sideEffects.bytesFreeMin = sink.freePagesMin << 12
    let holds = bench.holdLog.summary()
    run.lock = RunRecord.Lock(acquisitions: holds.acquisitions, itemsPerHoldMax: holds.itemsPerHoldMax)
    if isReal && cell.timesHold {
      run.lock = RunRecord.Lock(holds)
      run.trust.measureNoise(hold: holds.hold.p50)
      run.sideEffects.withheldByteSeconds = sink.pageSecondsWithheld * 4096
      record.reporterCPUNs = Double(cpuNanoseconds)
      if let alone = record.aloneOpsPerSecond, alone > 0, let beside = run.bystanders.opsPerSecond {
        record.opsRatio = beside / alone
      }
    } else if isReal {
      record.dropTimes()
    }
    return RepetitionResult(
      run: run, zones: [], holds: isReal && cell.timesHold ? bench.buckets(repetition, holds, nil) : [],
      holdSequence: nil, failure: ends.failure, experiment: ExperimentRows(card, [record]),
      coverage: bench.coverage(
        repetition,
        zip(course.points, progress.sharesInTime).map { ($0.elapsed, $1, $0.pages) }))
  }

  /// The tenant that frees its memory: on the reporter's CPU, since both share a thread.
  private static let tenantSettings = MutatorSettings(load: .none, cpu: 0, mostPages: .max, seed: 0)

  /// Runs the strategy's work until none is requested, without delay and without other threads.
  private static func settle(
    _ repetition: Repetition, _ bench: Bench, _ session: inout Session, reported: @escaping (Block) -> Void
  ) {
    let runner = repetition.runner
    var sink = RecordingSink(bench.hintLog, repetition.guest.core, runner.queue)
    sink.onReport = { blocks, range in
      for index in range { reported(Block(rawValue: blocks[index])) }
    }
    // A strategy that keeps requesting work would never settle.
    for _ in 0..<100_000 where runner.isWorkRequested {
      withExtendedLifetime(bench.holdLog) {
        _ = runner.work(.init(repetition.guest), bench.holdLog.probe(), &session, &sink)
      }
    }
  }

  private static func timeline(
    _ repetition: Repetition, _ bench: Bench, _ mostPages: Int, _ tenant: AnyMutator, _ host: HostAccount?
  ) throws -> any Timeline {
    let cell = repetition.cell
    if cell.clock == .real {
      return RealTimeline(
        try bench.mutators(
          repetition, repetition.runner, isProbed: false, mostPages: mostPages, timedOneOf: timedOneOf),
        own: tenant)
    }
    let mutators = try (0..<cell.mutators).map {
      try repetition.runner.mutator(
        repetition.guest,
        MutatorSettings(
          load: cell.load, cpu: (1 + $0) % repetition.guest.geometry.cpuCount, mostPages: mostPages,
          seed: bench.mutatorSeed(repetition), restNanoseconds: cell.options.restNanoseconds,
          notesTouches: host != nil), isProbed: false)
    }
    let timeline = VirtualTimeline(mutators, rate: Double(cell.options.integer("mutator-rate")), own: tenant)
    if let host {
      timeline.afterBurst = { [unowned timeline] mutator in
        mutator.takeTouches { host.touch($0, at: timeline.now) }
      }
    }
    return timeline
  }

  /// A pair of clock reads costs as much as an allocation from a per-CPU list. One allocation of so many is timed, a prime:
  /// the rate stays what it is, and a window of 3 s has tens of thousands of them.
  private static let timedOneOf = 127

  /// Measures the mutators alone for a tenth of the window, on a guest built without the strategy.
  private static func measureAlone(
    _ repetition: Repetition, _ bench: Bench, _ mostPages: Int, _ record: inout SteadyStateRecord,
    _ disturbances: inout [Disturbance]
  ) throws {
    let window = max((repetition.cell.windowNs) / 10, 20_000_000)
    let alone = try bench.mutatorsAlone(
      repetition, nil, isProbed: false, nanoseconds: window, mostPages: mostPages, timedOneOf: timedOneOf)
    repetition.model.touch()
    if let disturbance = alone.disturbance { disturbances.append(disturbance) }
    guard repetition.cell.timesHold else { return }
    record.aloneOpsPerSecond = alone.rate
    record.aloneAllocNsP99 = alone.figures?.allocations.percentile(99)
  }
}

/// Tracks when the freed memory was reported, and how much of all reported memory the guest reused within a second.
struct Progress {
  private let freed: [Block]
  let freedBytes: UInt64
  /// Every block reported, in order. While the strategy works only this array grows.
  private var reports: [(time: UInt64, block: Block)] = []
  private(set) var batches = 0
  /// The last checked report of each block, and the position up to which reports were checked.
  private var latest: [Block: Int] = [:]
  private var noted = 0
  private var nextCheck = 0
  /// One bit a unit.
  private var unreported: MigrationBitmap
  private(set) var checked = 0
  private(set) var takenBack = 0

  // Known only at the end.
  private(set) var blocks = 0
  private(set) var pages: UInt64 = 0
  private(set) var firstGiB: UInt64?
  private(set) var half: UInt64?
  /// When the last block that hadn't been reported before was reported.
  private(set) var last: UInt64?
  private(set) var shareReported: Double?
  /// The reported share of what of the freed memory isn't on per-CPU lists.
  private(set) var shareListed: Double?
  /// What of it is there.
  private(set) var bytesPCP: UInt64 = 0
  /// The share reported at each of the times asked for; nil if nothing was freed.
  private(set) var sharesInTime: [Double?] = []

  private static let second: UInt64 = 1_000_000_000

  /// Creates a tracker. `unitOrder`: the lowest order reported; no block of `freed` is smaller.
  init(freed: [Block], unitOrder: Int) {
    self.freed = freed
    unreported = MigrationBitmap(
      pages: Int(freed.map(\.end).max() ?? 0), unitOrder: unitOrder, allSet: false)
    for block in freed {
      unreported.set(Int(block.pfn) >> unitOrder..<Int(block.end) >> unitOrder)
    }
    freedBytes = freed.reduce(0) { $0 + $1.bytes }
    reports.reserveCapacity(1 << 16)
  }

  /// Records that words `range` of `blocks` were reported. `time`: nanoseconds since the memory was freed.
  mutating func record(_ words: HintBuffer, _ range: Range<Int>, at time: UInt64) {
    for index in range { reports.append((time, Block(rawValue: words[index]))) }
    batches += 1
  }

  /// Checks the reports made a second before `time`: a block was reused if the host doesn't know of it any more, or if
  /// it was reported again since.
  mutating func check(until time: UInt64, _ isKnownToHost: (Block) -> Bool) {
    while noted < reports.count, reports[noted].time <= time {
      latest[reports[noted].block] = noted
      noted += 1
    }
    while nextCheck < reports.count, reports[nextCheck].time + Self.second <= time {
      let block = reports[nextCheck].block
      checked += 1
      if latest[block] != nextCheck || !isKnownToHost(block) { takenBack += 1 }
      nextCheck += 1
    }
  }

  /// Evaluates the reports made until `window`.
  ///
  /// - Parameters:
  ///   - times: the moments whose share is wanted, ascending.
  ///   - perCPU: the blocks on per-CPU lists at the window's end.
  mutating func finish(window: UInt64, _ times: [UInt64] = [], perCPU: [Block] = []) {
    let all = unreported.count
    let unitBytes: UInt64 = 4096 << UInt64(unreported.unitOrder)
    func share(_ left: Int) -> Double? { all == 0 ? nil : Double(all - left) / Double(all) }
    for (time, block) in reports where time <= window {
      while sharesInTime.count < times.count, times[sharesInTime.count] < time {
        sharesInTime.append(share(unreported.count))
      }
      blocks += 1
      pages += block.pages
      guard unreported.clear(block) > 0 else { continue }
      let done = UInt64(all - unreported.count) * unitBytes
      last = time
      if firstGiB == nil && done >= 1 << 30 { firstGiB = time }
      if half == nil && done * 2 >= freedBytes { half = time }
    }
    shareReported = share(unreported.count)
    while sharesInTime.count < times.count { sharesInTime.append(shareReported) }

    let freed = PageRuns(freed)
    let listed = freed.subtracting(PageRuns(perCPU))
    bytesPCP = freed.bytes - listed.bytes
    let reported = PageRuns(reports.filter { $0.time <= window }.map(\.block))
    if listed.pages > 0 { shareListed = Double(listed.intersection(reported).pages) / Double(listed.pages) }
  }
}

/// A row of steady-state.csv.
struct SteadyStateRecord: ExperimentRecord {
  static let fileName = "steady-state.csv"
  static let blank = SteadyStateRecord()
  static let keyColumns = 3
  static let laterKeys: Set = ["tenant", "sleep_ms", "host_page"]

  var clock = ""
  var delayNs = 0.0
  var capacity: Int?
  var mutatorRate: Double?
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
  var tenant: String?
  var freedShareListed: Double?
  var freedBytesPCP: UInt64?
  var sleepMs: Int?
  var hostPage: String?
  var free50Ns: Double?
  var free90Ns: Double?
  var free99Ns: Double?
  var hostBytesMean: Double?
  var usedBytesMean: Double?
  var hostByteSeconds: Double?
  var allocations: Int?
  var refaults4K: Int?
  var refaultsSplit: Int?
  var refaults2M: Int?
  var hostSplits: Int?
  var p99Refaults4K: Int?
  var p99RefaultsSplit: Int?
  var p99Refaults2M: Int?
  var busyNs: Double?
  var aloneAllocNsP99: Double?

  /// Drops the times: above granule 0, times of strategies that give memory back are meaningless.
  mutating func dropTimes() {
    blocksPerSecond = nil
    bytesPerSecond = nil
    firstGibNs = nil
    halfNs = nil
    lastNs = nil
  }

  mutating func add(_ progress: Progress, seconds: Double) {
    batches = progress.batches
    blocksPerSecond = Double(progress.blocks) / seconds
    bytesPerSecond = Double(progress.pages) * 4096 / seconds
    firstGibNs = progress.firstGiB.map { Double($0) }
    halfNs = progress.half.map { Double($0) }
    lastNs = progress.last.map { Double($0) }
    freedShareReported = progress.shareReported
    freedShareListed = progress.shareListed
    freedBytesPCP = progress.bytesPCP
    takenBackChecked = progress.checked
    if progress.checked > 0 { takenBackShare = Double(progress.takenBack) / Double(progress.checked) }
  }

  /// Adds what host and users paid. `busyNanoseconds`: what the users' operations took, of all users together.
  mutating func add(_ host: HostAccount, window: UInt64, busyNanoseconds: Double?) {
    let seconds = Double(window) / 1e9
    free50Ns = host.reached[0].map { Double($0) }
    free90Ns = host.reached[1].map { Double($0) }
    free99Ns = host.reached[2].map { Double($0) }
    hostByteSeconds = host.hostByteSeconds
    hostBytesMean = host.hostByteSeconds / seconds
    usedBytesMean = host.usedByteSeconds / seconds
    allocations = host.allocations
    refaults4K = host.touches.small
    refaultsSplit = host.touches.split
    refaults2M = host.touches.huge
    hostSplits = host.splits
    p99Refaults4K = host.p99?.small
    p99RefaultsSplit = host.p99?.split
    p99Refaults2M = host.p99?.huge
    busyNs = busyNanoseconds
  }

  static let columns: [Column<SteadyStateRecord>] = [
    Column("clock", \.clock, meaning: "real: threads and the machine's time; virtual: events at a set rate."),
    Column("delay_ns", unit: "ns", \.delayNs, meaning: "Delay from the request to the work."),
    Column("capacity", unit: "blocks", \.capacity, meaning: "Blocks in one report at most."),
    Column(
      "mutator_rate", unit: "1/s", \.mutatorRate,
      meaning: "Operations per second of each mutator, if the clock is virtual."),
    Column("window_ns", unit: "ns", \.windowNs, meaning: "Time observed after the memory became free."),
    Column("freed_bytes", unit: "bytes", \.freedBytes, meaning: "Memory that became free at the start."),
    Column("works", \.works, meaning: "Runs of the strategy's work."),
    Column("batches", \.batches, meaning: "Reports."),
    Column("blocks_per_second", unit: "1/s", \.blocksPerSecond, meaning: "Blocks reported over the window."),
    Column("bytes_per_second", unit: "bytes/s", \.bytesPerSecond, meaning: "Bytes reported over the window."),
    Column(
      "first_gib_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.firstGibNs,
      meaning: "Time until 1 GiB of the freed memory was reported; empty if it never was."),
    Column(
      "half_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.halfNs,
      meaning: "Time until half of it was reported."),
    Column(
      "last_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lastNs,
      meaning: "Time until the last of it in the window was reported."),
    Column(
      "freed_share_reported", unit: "share", direction: .higherIsBetter, isPrimary: true, \.freedShareReported,
      meaning: "Reported share of all the freed memory; the mutators hold the rest, or it is on per-CPU lists, or was "
        + "too small or too late."),
    Column(
      "taken_back_share", unit: "share", direction: .lowerIsBetter, isPrimary: true, \.takenBackShare,
      meaning:
        "Share of reported blocks that had been allocated, merged or reported again one second later."),
    Column("taken_back_checked", unit: "blocks", \.takenBackChecked, meaning: "Blocks that share is of."),
    Column(
      "reporter_cpu_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.reporterCPUNs,
      meaning:
        "CPU time of the strategy's work in the window, including the probe's clock reads and the log of reports."),
    Column(
      "alone_ops_per_second", unit: "1/s", direction: .higherIsBetter, \.aloneOpsPerSecond,
      meaning: "Operations of the mutators on a guest built without the strategy, in a window of their own."),
    Column(
      "ops_ratio", unit: "ratio", direction: .higherIsBetter, isPrimary: true, \.opsRatio,
      meaning: "Operations per second while the strategy runs, over those without it."),
    Column(
      "tenant", \.tenant,
      meaning: "Pages of the process whose memory that was: thp, of order 9; order0, single ones.", since: 8),
    Column(
      "freed_share_listed", unit: "share", direction: .higherIsBetter, isPrimary: true, \.freedShareListed,
      meaning: "Reported share of what of the freed memory isn't on per-CPU lists at the window's end.", since: 8),
    Column(
      "freed_bytes_pcp", unit: "bytes", direction: .lowerIsBetter, isPrimary: true, \.freedBytesPCP,
      meaning: "What of the freed memory is on per-CPU lists at the window's end.", since: 8),
    Column(
      "sleep_ms", unit: "ms", \.sleepMs, meaning: "How long the load rests after each process or burst, if it does.",
      since: 9),
    Column(
      "host_page", \.hostPage,
      meaning: "The host's pages under the guest, if the clock is virtual: 2M, as with transparent huge pages; 4K.",
      since: 9),
    Column(
      "free_50_ns", unit: "ns", direction: .lowerIsBetter, \.free50Ns,
      meaning:
        "Time until half of all that was free was with the host for the first time; empty if it never was. By the "
        + "virtual clock, as all columns from here on.", since: 9),
    Column(
      "free_90_ns", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.free90Ns,
      meaning: "The same for 90 %.", since: 9),
    Column(
      "free_99_ns", unit: "ns", direction: .lowerIsBetter, \.free99Ns, meaning: "The same for 99 %.", since: 9),
    Column(
      "host_bytes_mean", unit: "bytes", direction: .lowerIsBetter, isPrimary: true, \.hostBytesMean,
      meaning: "What the host has populated of the guest, on average over the window.", since: 9),
    Column(
      "used_bytes_mean", unit: "bytes", \.usedBytesMean,
      meaning: "What somebody in the guest uses, on average over the window: no host can have less.", since: 9),
    Column(
      "host_byte_seconds", unit: "bytes s", direction: .lowerIsBetter, \.hostByteSeconds,
      meaning: "What the host has populated, integrated over the window; 64424509440 are a GiB for a minute.", since: 9),
    Column("allocations", \.allocations, meaning: "Allocations of the mutators, each written at once.", since: 9),
    Column(
      "refaults_4k", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.refaults4K,
      meaning: "Pages of 4 KiB that they touched first after the host had taken them, where the host maps such pages.",
      since: 9),
    Column(
      "refaults_split", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.refaultsSplit,
      meaning: "The same where a report had split a mapping of 2 MiB.", since: 9),
    Column(
      "refaults_2m", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.refaults2M,
      meaning: "Pages of 2 MiB that they touched first after the host had taken them.", since: 9),
    Column(
      "host_splits", direction: .lowerIsBetter, \.hostSplits, meaning: "Mappings of 2 MiB that reports split.", since: 9
    ),
    Column(
      "p99_refaults_4k", unit: "pages", direction: .lowerIsBetter, \.p99Refaults4K,
      meaning: "refaults_4k of the allocation that 99 of 100 are no worse than, by the memory populated.", since: 9),
    Column(
      "p99_refaults_split", unit: "pages", direction: .lowerIsBetter, \.p99RefaultsSplit,
      meaning: "refaults_split of that allocation.", since: 9),
    Column(
      "p99_refaults_2m", unit: "pages", direction: .lowerIsBetter, \.p99Refaults2M,
      meaning: "refaults_2m of that allocation.", since: 9),
    Column(
      "busy_ns", unit: "ns", \.busyNs,
      meaning: "Time that the mutators' operations take at their rate, of all mutators together, without rests and "
        + "refaults.", since: 9),
    Column(
      "alone_alloc_ns_p99", unit: "ns", direction: .lowerIsBetter, \.aloneAllocNsP99,
      meaning: "99th percentile of the time of one allocation of the mutators alone, if the clock is real; beside the "
        + "strategy it is mutator_alloc_ns_p99 of runs.csv. One allocation of 127 is timed.", since: 10),
  ]
}

extension MutatorLoad {
  /// The mutators together hold at most one part of this many of the memory that is free at the start.
  fileprivate var partOfFree: Int {
    switch self {
    case .cache: 2
    case .cycles, .bursts, .build: 4
    case .none, .order0, .thp, .mixed, .faults, .compile: 16
    }
  }
}
