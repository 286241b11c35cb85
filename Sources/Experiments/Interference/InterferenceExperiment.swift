import Bench
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Records

/// Measures the cost to bystanders: threads that allocate and free, first alone, then beside a running strategy.
///
/// A repetition has up to five windows of equal length, each from the same starting state. In two the mutators run
/// alone on a guest built without the strategy, once without a probe for their rate, once probed for latencies and
/// irq-off times. If the strategy has hooks, a third window runs them on a guest with the hooks but no scanner. In two
/// the strategy runs beside them, session after session until the window ends, which is the most it can disturb; in a
/// migration, a strategy that runs once per round disturbs them for one session only.
enum InterferenceExperiment: Experiment {
  static let card = ExperimentCard(
    name: "interference",
    question: "what load threads pay while each strategy runs: rate, latency, irq-off time, failed allocations",
    files: "runs.csv, cells.csv, lock_holds.csv, interference.csv", decisiveMetrics: ["ops_ratio"],
    options: [.load([.order0, .thp, .mixed, .faults]), .mutators, .window("100ms"), .hostAck],
    flags: ["load", "mutators", "window", "host-ack-ns"], columns: InterferenceRecord.experimentColumns)

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = [quick ? "2G" : "8G"]
    group.states = ["aged"]
    group.strategies = Strategies.all.map(\.card.name)
    if quick {
      group.experimentOptions = ["load": ["mixed"], "window": ["20ms"]]
    }
    return [group]
  }

  /// Two windows alone and two beside the strategy, one more with hooks; each starts threads and gives memory back.
  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    let windows = cell.strategy.card.trigger == .frees ? 5.0 : 4.0
    return windows * (Double(cell.windowNs) + 12e6)
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    let runner = repetition.runner
    let window = cell.windowNs
    var run = repetition.record
    var record = InterferenceRecord()
    record.windowNs = Double(window)

    // The first window finds other cache contents than the last, so the order alternates between repetitions.
    let aloneFirst = repetition.number % 2 == 0
    var disturbances: [Disturbance] = []
    if aloneFirst { disturbances += try measureAlone(repetition, bench, &record) }

    // With the strategy: the rate.
    var sessions = Sessions(window)
    bench.restart(repetition)
    if let mutators = try bench.mutators(repetition, runner, isProbed: false) {
      defer { mutators.end() }
      mutators.run()
      let meter = DisturbanceMeter()
      let cpuBefore = ThreadCPUClock.nanoseconds()
      sessions.repeat {
        let pass = runner.speedPass(
          .init(repetition.guest), Session(lowestOrder: cell.order, stop: bench.stop), bracket: nil)
        run.delivery.kicks = (run.delivery.kicks ?? 0) + pass.kicks
        run.delivery.descriptors = (run.delivery.descriptors ?? 0) + pass.descriptors
        return pass.outcome
      }
      record.strategyCPUShare = Double(ThreadCPUClock.nanoseconds() - cpuBefore) / sessions.nanoseconds
      let disturbance = meter.reading()
      mutators.park()
      disturbances.append(disturbance.beside(mutators.disturbance))
      if cell.timesHold { run.bystanders.opsPerSecond = mutators.operationsPerSecond }
      mutators.giveBack()
    }
    record.add(sessions)

    // With the strategy: the cost to each mutator.
    bench.restart(repetition)
    var probed = Sessions(window)
    bench.holdLog.reset()
    var freeMin = repetition.guest.core.freePages
    var withheldMax: UInt64 = 0
    var byteSeconds = 0.0
    var figures: MutatorFigures?
    if let mutators = try bench.mutators(repetition, runner, isProbed: true) {
      defer { mutators.end() }
      mutators.run()
      let meter = DisturbanceMeter()
      probed.repeat {
        bench.hintLog.reset()
        let pass = withExtendedLifetime(bench.holdLog) {
          runner.probedPass(
            .init(repetition.guest), bench.holdLog.probe(), Session(lowestOrder: cell.order, stop: bench.stop),
            bench.hintLog)
        }
        freeMin = min(freeMin, pass.freePagesMin, repetition.guest.core.freePages)
        withheldMax = max(withheldMax, pass.pagesWithheldMax)
        byteSeconds += pass.byteSecondsWithheld
        return pass.outcome
      }
      let disturbance = meter.reading()
      mutators.park()
      disturbances.append(disturbance.beside(mutators.disturbance))
      figures = mutators.figures
      mutators.giveBack()
    }
    if !aloneFirst { disturbances += try measureAlone(repetition, bench, &record) }
    run.trust.set(disturbances)
    record.opsRatio = ratio(run.bystanders.opsPerSecond, record.aloneOpsPerSecond)
    record.hookedOpsRatio = ratio(record.hookedOpsPerSecond, record.aloneOpsPerSecond)
    repetition.model.touch()

    var ends = sessions.ends
    ends.note(probed.ends)
    run.found.outcome = ends.outcome
    let holds = bench.holdLog.summary()
    run.lock = RunRecord.Lock(acquisitions: holds.acquisitions, itemsPerHoldMax: holds.itemsPerHoldMax)
    run.sideEffects.bytesFreeMin = freeMin << 12
    run.sideEffects.setWithheld(pages: withheldMax, repetition.guest.core)
    if cell.timesHold {
      run.lock = RunRecord.Lock(holds)
      run.trust.measureNoise(hold: holds.hold.p50)
      run.sideEffects.withheldByteSeconds = byteSeconds
      if let figures {
        run.bystanders.add(figures)
        record.add(beside: figures)
      }
    }
    return RepetitionResult(
      run: run, zones: [], holds: cell.timesHold ? bench.buckets(repetition, holds, figures) : [], holdSequence: nil,
      failure: ends.failure, experiment: ExperimentRows(card, [cell.timesHold ? record : record.withoutTimes]))
  }

  /// Measures mutators alone on a guest built without the strategy and, if the strategy has hooks, on one with the
  /// hooks but no scanner. Returns the disturbance of each window.
  private static func measureAlone(
    _ repetition: Repetition, _ bench: Bench, _ record: inout InterferenceRecord
  ) throws -> [Disturbance] {
    func alone(_ runner: StrategyRunner?, isProbed: Bool) throws -> Bench.Alone {
      try bench.mutatorsAlone(
        repetition, runner, isProbed: isProbed, nanoseconds: repetition.cell.windowNs)
    }
    let unprobed = try alone(nil, isProbed: false)
    record.aloneOpsPerSecond = unprobed.rate
    let probed = try alone(nil, isProbed: true)
    record.add(alone: probed.figures)
    var disturbances = [unprobed.disturbance, probed.disturbance]
    if repetition.cell.strategy.card.trigger == .frees {
      let hooked = try alone(repetition.runner, isProbed: false)
      record.hookedOpsPerSecond = hooked.rate
      disturbances.append(hooked.disturbance)
    }
    return disturbances.compactMap { $0 }
  }

  private static func ratio(_ value: Double?, _ base: Double?) -> Double? {
    guard let value, let base, base > 0 else { return nil }
    return value / base
  }

  /// Sessions repeated until a window has passed.
  struct Sessions {
    private let window: UInt64
    private(set) var count = 0
    private(set) var nanoseconds = 0.0
    private(set) var ends = SessionEnds()
    /// Time in sessions, without pauses. Nanoseconds.
    private(set) var busyNanoseconds = 0.0

    init(_ window: UInt64) { self.window = window }

    /// Repeats a session until the window ends. A session that finds nothing to do is followed by a pause, since a loop
    /// of empty sessions would itself be a load.
    mutating func `repeat`(_ session: () -> Outcome) {
      let begin = MonotonicClock.nanoseconds()
      var now = begin
      repeat {
        let before = now
        let outcome = session()
        count += 1
        now = MonotonicClock.nanoseconds()
        busyNanoseconds += Double(now - before)
        ends.note(outcome)
        if ends.failure != nil {
          // It would fail again; the mutators' window is complete nevertheless.
          MonotonicClock.sleep(nanoseconds: window - min(window, now - begin))
          now = MonotonicClock.nanoseconds()
        }
        if now - before < 20_000 {
          MonotonicClock.sleep(nanoseconds: 100_000)
          now = MonotonicClock.nanoseconds()
        }
      } while now - begin < window
      nanoseconds = Double(now - begin)
    }
  }
}

/// A row of interference.csv.
struct InterferenceRecord: ExperimentRecord {
  static let fileName = "interference.csv"
  static let blank = InterferenceRecord()
  static let keyColumns = 0

  var windowNs = 0.0
  var sessions = 0
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

  mutating func add(_ sessions: InterferenceExperiment.Sessions) {
    self.sessions = sessions.count
    if sessions.count > 0 { sessionNsMean = sessions.busyNanoseconds / Double(sessions.count) }
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
  }

  mutating func add(beside figures: MutatorFigures) {
    besideIrqoffNsP50 = figures.holds.irqOff.percentile(50)
    besideAtomicFailed = figures.failedAtomic
  }

  /// Without times: above granule 0 only counts are meaningful.
  var withoutTimes: InterferenceRecord {
    var counts = InterferenceRecord()
    counts.windowNs = windowNs
    counts.sessions = sessions
    counts.aloneAllocFailed = aloneAllocFailed
    counts.aloneAtomicFailed = aloneAtomicFailed
    counts.besideAtomicFailed = besideAtomicFailed
    return counts
  }

  static let columns: [Column<InterferenceRecord>] = [
    Column("window_ns", unit: "ns", \.windowNs, meaning: "Length of each window."),
    Column("sessions", \.sessions, meaning: "Sessions of the strategy, one after another, in the unprobed window."),
    Column(
      "session_ns_mean", unit: "ns", direction: .lowerIsBetter, \.sessionNsMean,
      meaning: "Mean length of those sessions."),
    Column(
      "strategy_cpu_share", unit: "share", direction: .lowerIsBetter, \.strategyCPUShare,
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
  ]
}
