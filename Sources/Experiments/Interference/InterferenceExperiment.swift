import Bench
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Records

/// Measures the cost to bystanders: threads that allocate and free, first alone, then beside a running strategy.
///
/// Sessions start at the same rate for every strategy, so that one that works for the whole window isn't held against
/// one that works for a tenth of it. A repetition has up to five windows of equal length, each from the same starting
/// state. In two the mutators run alone on a guest built without the strategy, once without a probe for their rate, once
/// probed for latencies and irq-off times. If the strategy has hooks, a third window runs them on a guest with the hooks
/// but no scanner. In two the strategy's sessions run beside them, once without a probe and once probed.
enum InterferenceExperiment: Experiment {
  static let card = ExperimentCard(
    name: "interference",
    question: "what load threads pay while each strategy runs at the same rate: time lost per GiB reported, latency",
    files: "runs.csv, cells.csv, lock_holds.csv, interference.csv",
    decisiveMetrics: ["ops_ratio", "waited_ns_per_gib"],
    coverageMetric: "bytes_reported",
    options: [
      .load([.order0, .thp, .mixed, .faults]), .mutators, .window("100ms"),
      DeclaredOption(
        "rate", .integer(0...100_000), default: "20",
        "sessions started per second; 0: each as soon as the last has ended, which is the most they can disturb",
        source: "this project", implied: "0"),
      .hostAck, .pageInit(implied: PageInit.none),
    ],
    flags: ["load", "mutators", "window", "host-ack-ns", "page-init"], showsAllocator: true,
    columns: InterferenceRecord.experimentColumns)

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = [quick ? "2G" : "8G"]
    group.states = ["aged"]
    group.strategies = Strategies.all.map(\.card.name)
    if quick {
      group.experimentOptions = ["load": ["mixed"], "window": ["20ms"], "rate": ["50"]]
    }
    return [group]
  }

  /// Two windows alone and two beside the strategy, one more with hooks; each starts threads and gives memory back.
  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    let windows = cell.strategy.card.hasHooks ? 5.0 : 4.0
    return windows * (Double(cell.windowNs) + 12e6)
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    var run = repetition.record
    var record = InterferenceRecord()
    record.windowNs = Double(cell.windowNs)
    record.rate = cell.options.integer("rate")

    // The first window finds other cache contents than the last, so the order alternates between repetitions.
    let aloneFirst = repetition.number % 2 == 0
    var disturbances: [Disturbance?] = []
    if aloneFirst { disturbances += try measureAlone(repetition, bench, &record) }
    let rate = try measureRate(repetition, bench, &run)
    let cost = try measureCost(repetition, bench)
    if !aloneFirst { disturbances += try measureAlone(repetition, bench, &record) }
    repetition.model.touch()

    run.trust.set((disturbances + [rate.disturbance, cost.disturbance]).compactMap { $0 })
    record.add(rate.sessions, cost.sessions)
    record.strategyCPUShare = rate.cpuShare
    record.opsRatio = ratio(run.bystanders.opsPerSecond, record.aloneOpsPerSecond)
    record.hookedOpsRatio = ratio(record.hookedOpsPerSecond, record.aloneOpsPerSecond)
    record.setCost(
      bytes: cost.bytesReported, mutators: cell.mutators, waited: cost.figures?.waitTotal)

    var ends = rate.sessions.ends
    ends.note(cost.sessions.ends)
    run.found.outcome = ends.outcome
    run.found.bytesReported = cost.bytesReported
    let holds = bench.holdLog.summary()
    run.lock = RunRecord.Lock(acquisitions: holds.acquisitions, itemsPerHoldMax: holds.itemsPerHoldMax)
    run.sideEffects.bytesFreeMin = cost.freeMin << 12
    run.sideEffects.setWithheld(pages: cost.withheldMax, repetition.guest.core)
    if cell.timesHold {
      run.lock = RunRecord.Lock(holds)
      run.trust.measureNoise(hold: holds.hold.p50)
      run.sideEffects.withheldByteSeconds = cost.byteSeconds
      if let figures = cost.figures {
        run.bystanders.add(figures)
        record.add(beside: figures)
      }
    }
    return RepetitionResult(
      run: run, zones: [], holds: cell.timesHold ? bench.buckets(repetition, holds, cost.figures) : [],
      holdSequence: nil, failure: ends.failure,
      experiment: ExperimentRows(card, [cell.timesHold ? record : record.withoutTimes]))
  }

  // MARK: the windows

  /// The unprobed window with the strategy.
  private struct Rate {
    var sessions: Sessions
    /// CPU time of the strategy's thread over the window.
    var cpuShare: Double?
    var disturbance: Disturbance?
  }

  private static func measureRate(
    _ repetition: Repetition, _ bench: Bench, _ run: inout RunRecord
  ) throws -> Rate {
    let cell = repetition.cell
    let runner = repetition.runner
    var rate = Rate(sessions: Sessions(cell))
    bench.restart(repetition)
    guard let mutators = try bench.mutators(repetition, runner, isProbed: false) else { return rate }
    defer { mutators.end() }
    mutators.run(window: cell.windowNs, stop: bench.stop)
    let meter = DisturbanceMeter()
    let cpuBefore = ThreadCPUClock.nanoseconds()
    var delivery = RunRecord.Delivery(kicks: 0, descriptors: 0)
    rate.sessions.repeat(until: bench.stop) {
      let pass = runner.speedPass(
        .init(repetition.guest), Session(lowestOrder: cell.order, stop: bench.stop), bracket: nil)
      delivery.kicks = (delivery.kicks ?? 0) + pass.kicks
      delivery.descriptors = (delivery.descriptors ?? 0) + pass.descriptors
      return pass.outcome
    }
    rate.cpuShare = Double(ThreadCPUClock.nanoseconds() - cpuBefore) / Double(cell.windowNs)
    rate.disturbance = meter.reading()
    mutators.park()
    run.delivery = delivery
    rate.disturbance = rate.disturbance?.beside(mutators.disturbance)
    if cell.timesHold { run.bystanders.opsPerSecond = mutators.operationsPerSecond }
    mutators.giveBack()
    bench.stop.clear()
    return rate
  }

  /// The probed window with the strategy: the cost to each mutator. Its holds are in the bench's log.
  private struct Cost {
    var sessions: Sessions
    var figures: MutatorFigures?
    /// The bytes reported, each once a session.
    var bytesReported: UInt64 = 0
    var freeMin: UInt64
    var withheldMax: UInt64 = 0
    var byteSeconds = 0.0
    var disturbance: Disturbance?
  }

  private static func measureCost(_ repetition: Repetition, _ bench: Bench) throws -> Cost {
    let cell = repetition.cell
    let runner = repetition.runner
    let log = bench.hintLog
    bench.restart(repetition)
    var cost = Cost(sessions: Sessions(cell), freeMin: repetition.guest.core.freePages)
    bench.holdLog.reset()
    log.reset()
    // Where each session's hints end; they are counted after the window.
    var ends = [0]
    guard let mutators = try bench.mutators(repetition, runner, isProbed: true) else { return cost }
    defer { mutators.end() }
    mutators.run(window: cell.windowNs, stop: bench.stop)
    let meter = DisturbanceMeter()
    cost.sessions.repeat(until: bench.stop) {
      let pass = withExtendedLifetime(bench.holdLog) {
        runner.probedPass(
          .init(repetition.guest), bench.holdLog.probe(), Session(lowestOrder: cell.order, stop: bench.stop), log)
      }
      ends.append(log.kept)
      cost.freeMin = min(cost.freeMin, pass.freePagesMin, repetition.guest.core.freePages)
      cost.withheldMax = max(cost.withheldMax, pass.pagesWithheldMax)
      cost.byteSeconds += pass.pageSecondsWithheld * 4096
      return pass.outcome
    }
    cost.disturbance = meter.reading()
    mutators.park()
    cost.disturbance = cost.disturbance?.beside(mutators.disturbance)
    cost.figures = mutators.figures
    mutators.giveBack()
    bench.stop.clear()
    cost.bytesReported = zip(ends, ends.dropFirst()).reduce(0) { $0 + log.distinctBytes($1.0..<$1.1) }
    return cost
  }

  /// Measures mutators alone on a guest built without the strategy and, if the strategy has hooks, on one with the
  /// hooks but no scanner. Returns the disturbance of each window.
  private static func measureAlone(
    _ repetition: Repetition, _ bench: Bench, _ record: inout InterferenceRecord
  ) throws -> [Disturbance?] {
    func alone(_ runner: StrategyRunner?, isProbed: Bool) throws -> Bench.Alone {
      try bench.mutatorsAlone(
        repetition, runner, isProbed: isProbed, nanoseconds: repetition.cell.windowNs)
    }
    let unprobed = try alone(nil, isProbed: false)
    record.aloneOpsPerSecond = unprobed.rate
    let probed = try alone(nil, isProbed: true)
    record.add(alone: probed.figures)
    var disturbances = [unprobed.disturbance, probed.disturbance]
    if repetition.cell.strategy.card.hasHooks {
      let hooked = try alone(repetition.runner, isProbed: false)
      record.hookedOpsPerSecond = hooked.rate
      disturbances.append(hooked.disturbance)
    }
    return disturbances
  }

  private static func ratio(_ value: Double?, _ base: Double?) -> Double? {
    guard let value, let base, base > 0 else { return nil }
    return value / base
  }

  // MARK: the sessions of a window

  /// A window's sessions, started at the cell's rate. One that isn't finished when the next is due delays that one, as a
  /// kernel's delayed work would; the one that runs when the window ends is stopped.
  struct Sessions {
    /// The time from the start of a session to the next. Nanoseconds; 0: each starts as soon as the last has ended.
    private let period: UInt64
    private let window: UInt64
    /// The number of sessions that the window has room for; nil without a rate.
    let due: Int?
    /// The number of sessions that ended before the window.
    private(set) var finished = 0
    private(set) var ends = SessionEnds()
    /// Time in finished sessions. Nanoseconds.
    private(set) var busyNanoseconds = 0.0

    init(_ cell: Cell) { self.init(window: cell.windowNs, rate: cell.options.integer("rate")) }

    init(window: UInt64, rate: Int) {
      self.window = window
      period = rate > 0 ? 1_000_000_000 / UInt64(rate) : 0
      due = rate > 0 ? Int((window + period - 1) / period) : nil
    }

    /// The number of sessions that were due and didn't end in the window; nil without a rate.
    var late: Int? { due.map { max($0 - finished, 0) } }

    /// Repeats a session until `stop` is set, which ends the window.
    mutating func `repeat`(until stop: StopFlag, _ session: () -> Outcome) {
      var next = MonotonicClock.nanoseconds()
      let end = next + window
      var started = 0
      while !stop.isSet {
        let begin = MonotonicClock.nanoseconds()
        // A busy machine may end the window late: no reason for more sessions than it has room for.
        if begin < next || started == due {
          // Few times, since waking up costs CPU time; from the expected end on often enough to see it.
          let wake = begin < end ? min(started == due ? end : next, end) : begin + 100_000
          MonotonicClock.sleep(nanoseconds: wake - begin)
          continue
        }
        started += 1
        let outcome = session()
        let now = MonotonicClock.nanoseconds()
        ends.note(outcome)
        if ends.failure != nil {
          // It would fail again.
          next = .max
        } else if !stop.isSet {
          finished += 1
          busyNanoseconds += Double(now - begin)
          // Back to back, a session that finds nothing to do is followed by a pause: a loop of them would be a load.
          next = period > 0 ? next + period : now - begin < 20_000 ? now + 100_000 : now
        }
      }
    }
  }
}

/// A row of interference.csv.
struct InterferenceRecord: ExperimentRecord {
  static let fileName = "interference.csv"
  static let blank = InterferenceRecord()
  static let keyColumns = 0

  var windowNs = 0.0
  var rate = 0
  var sessions = 0
  var sessionsLate: Int?
  var sessionNsMean: Double?
  var strategyCPUShare: Double?
  var aloneOpsPerSecond: Double?
  var hookedOpsPerSecond: Double?
  var opsRatio: Double?
  var hookedOpsRatio: Double?
  var aloneAllocNsP50: Double?
  var aloneAllocNsP99: Double?
  var aloneAllocNsP999: Double?
  var aloneAllocNsMax: Double?
  var aloneIrqoffNsP50: Double?
  var aloneIrqoffNsP99: Double?
  var aloneIrqoffNsP999: Double?
  var aloneIrqoffNsMax: Double?
  var besideIrqoffNsP50: Double?
  var aloneAllocFailed: Int?
  var aloneAtomicFailed: Int?
  var besideAtomicFailed: Int?
  var aloneWaitNsTotal: Double?
  var lostNsPerGib: Double?
  var waitedNsPerGib: Double?

  /// Adds the sessions of the unprobed window and of the probed one.
  mutating func add(_ sessions: InterferenceExperiment.Sessions, _ probed: InterferenceExperiment.Sessions) {
    self.sessions = sessions.finished
    sessionsLate = sessions.late.flatMap { late in probed.late.map { max(late, $0) } }
    if sessions.finished > 0 { sessionNsMean = sessions.busyNanoseconds / Double(sessions.finished) }
  }

  /// Sets what the mutators lost for each GiB reported. Both windows report the same if all sessions that were due have
  /// finished, and only then does the loss in one have the bytes of the other.
  ///
  /// - Parameters:
  ///   - bytes: reported in the probed window.
  ///   - waited: the mutators' wait for zone locks in that window. Nanoseconds.
  mutating func setCost(bytes: UInt64, mutators: Int, waited: Double?) {
    guard bytes > 0 else { return }
    let gib = Double(bytes) / Double(1 << 30)
    if sessionsLate == 0, let opsRatio { lostNsPerGib = (1 - opsRatio) * windowNs * Double(mutators) / gib }
    if let waited, let aloneWaitNsTotal { waitedNsPerGib = (waited - aloneWaitNsTotal) / gib }
  }

  mutating func add(alone figures: MutatorFigures?) {
    guard let figures else { return }
    aloneAllocNsP50 = figures.allocations.percentile(50)
    aloneAllocNsP99 = figures.allocations.percentile(99)
    aloneAllocNsP999 = figures.allocations.percentile(99.9)
    aloneAllocNsMax = figures.allocations.max.map { Double($0) }
    aloneIrqoffNsP50 = figures.holds.irqOff.percentile(50)
    aloneIrqoffNsP99 = figures.holds.irqOff.percentile(99)
    aloneIrqoffNsP999 = figures.holds.irqOff.percentile(99.9)
    aloneIrqoffNsMax = figures.holds.irqOff.max.map { Double($0) }
    aloneAllocFailed = figures.failed
    aloneAtomicFailed = figures.failedAtomic
    aloneWaitNsTotal = figures.waitTotal
  }

  mutating func add(beside figures: MutatorFigures) {
    besideIrqoffNsP50 = figures.holds.irqOff.percentile(50)
    besideAtomicFailed = figures.failedAtomic
  }

  /// Without times: above granule 0 only counts are meaningful.
  var withoutTimes: InterferenceRecord {
    var counts = InterferenceRecord()
    counts.windowNs = windowNs
    counts.rate = rate
    counts.sessions = sessions
    counts.sessionsLate = sessionsLate
    counts.aloneAllocFailed = aloneAllocFailed
    counts.aloneAtomicFailed = aloneAtomicFailed
    counts.besideAtomicFailed = besideAtomicFailed
    return counts
  }

  static let columns: [Column<InterferenceRecord>] = [
    Column("window_ns", unit: "ns", \.windowNs, meaning: "Length of each window."),
    Column(
      "sessions", isPrimary: true, \.sessions, meaning: "Sessions of the strategy that ended in the unprobed window."),
    Column(
      "session_ns_mean", unit: "ns", direction: .lowerIsBetter, \.sessionNsMean,
      meaning: "Mean length of those sessions."),
    Column(
      "strategy_cpu_share", unit: "share", direction: .lowerIsBetter, isPrimary: true, \.strategyCPUShare,
      meaning: "CPU time of the strategy's thread over the unprobed window."),
    Column(
      "alone_ops_per_second", unit: "1/s", direction: .higherIsBetter, isPrimary: true, \.aloneOpsPerSecond,
      meaning: "Allocations and frees of the mutators without the strategy, on a guest built without it."),
    Column(
      "hooked_ops_per_second", unit: "1/s", direction: .higherIsBetter, isPrimary: true, \.hookedOpsPerSecond,
      meaning: "The same with the strategy's hooks in the allocator and no scan; empty if it has none."),
    Column(
      "ops_ratio", unit: "ratio", direction: .higherIsBetter, isPrimary: true, \.opsRatio,
      meaning: "mutator_ops_per_second while the strategy runs, over alone_ops_per_second."),
    Column(
      "hooked_ops_ratio", unit: "ratio", direction: .higherIsBetter, isPrimary: true, \.hookedOpsRatio,
      meaning: "hooked_ops_per_second over alone_ops_per_second."),
    Column(
      "alone_alloc_ns_p50", unit: "ns", direction: .lowerIsBetter, \.aloneAllocNsP50,
      meaning: "Median allocation, alone."
    ),
    Column(
      "alone_alloc_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.aloneAllocNsP99,
      meaning: "99th percentile of the allocations, alone."),
    Column(
      "alone_alloc_ns_p999", unit: "ns", direction: .lowerIsBetter, \.aloneAllocNsP999,
      meaning: "99.9th percentile of the allocations, alone."),
    Column(
      "alone_alloc_ns_max", unit: "ns", direction: .lowerIsBetter, \.aloneAllocNsMax,
      meaning: "Longest allocation, alone."),
    Column(
      "alone_irqoff_ns_p50", unit: "ns", direction: .lowerIsBetter, \.aloneIrqoffNsP50,
      meaning: "Median irq-off time, alone."),
    Column(
      "alone_irqoff_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.aloneIrqoffNsP99,
      meaning: "99th percentile of irq-off times, alone."),
    Column(
      "alone_irqoff_ns_p999", unit: "ns", direction: .lowerIsBetter, \.aloneIrqoffNsP999,
      meaning: "99.9th percentile of irq-off times, alone."),
    Column(
      "alone_irqoff_ns_max", unit: "ns", direction: .lowerIsBetter, \.aloneIrqoffNsMax,
      meaning: "Longest irq-off time, alone."),
    Column(
      "irqoff_ns_p50", unit: "ns", direction: .lowerIsBetter, \.besideIrqoffNsP50,
      meaning: "Median irq-off time while the strategy runs; the other percentiles are in runs.csv."),
    Column(
      "alone_alloc_failed", direction: .lowerIsBetter, \.aloneAllocFailed, meaning: "Failed allocations, alone."),
    Column(
      "alone_atomic_failed", direction: .lowerIsBetter, \.aloneAtomicFailed,
      meaning: "Of them, requests of GFP_ATOMIC."),
    Column(
      "atomic_failed", direction: .lowerIsBetter, isPrimary: true, \.besideAtomicFailed,
      meaning: "Failed GFP_ATOMIC requests while the strategy runs; all failures are in runs.csv."),
    Column(
      "rate", unit: "1/s", \.rate, meaning: "Sessions started per second; 0: one after another without a pause.",
      since: 5
    ),
    Column(
      "sessions_late", direction: .lowerIsBetter, isPrimary: true, \.sessionsLate,
      meaning: "Sessions that were due in a window and didn't end in it; 0: the strategy keeps up with the rate.",
      since: 5),
    Column(
      "alone_wait_ns_total", unit: "ns", direction: .lowerIsBetter, \.aloneWaitNsTotal,
      meaning: "Time the mutators waited for zone locks, alone; beside the strategy: mutator_wait_ns_total.", since: 5),
    Column(
      "lost_ns_per_gib", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.lostNsPerGib,
      meaning:
        "Time the mutators lost by their rate, for each GiB reported: (1 - ops_ratio) x window x mutators. Can be "
        + "negative by chance. Empty if the strategy doesn't keep up.", since: 5),
    Column(
      "waited_ns_per_gib", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.waitedNsPerGib,
      meaning: "Time the mutators waited for zone locks beyond what they wait alone, for each GiB reported, in the "
        + "probed windows.", since: 5),
  ]
}
