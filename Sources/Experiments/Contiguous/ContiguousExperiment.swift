import Bench
import CHost
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Records
import Synchronization

/// The concern of the 2019 thread: a range of pages is wanted (alloc_contig_range() for a gigantic page, CMA or memory
/// unplug) while a strategy holds blocks off the lists.
///
/// In a guest whose ZONE_MOVABLE is all free, one thread has the strategy report everything while another asks for
/// ranges at random places. A failure is caused by the strategy, or by pages on per-CPU lists; draining those first
/// rules out the latter (without it the pages that this thread freed one by one are in its own way: `none` shows how
/// much). Only attempts begun while the strategy is at work in that zone count. When it has reported everything, the
/// guest is restored and it begins anew. A failed attempt is repeated at once, up to a time limit.
enum ContiguousExperiment: Experiment {
  static let card = ExperimentCard(
    name: "contiguous",
    question:
      "how often alloc_contig_range() fails while a strategy holds blocks off the lists, and how long it takes",
    files: "runs.csv, cells.csv, contiguous.csv", decisiveMetrics: ["failures_per_1000"],
    suited: "strategies that take blocks off the lists, and none",
    options: [
      DeclaredOption(
        "range", .choice(["2M", "1G"]), defaults: ["2M", "1G"], "size of the requested ranges",
        source: "huge and gigantic pages of x86-64", column: "range_bytes"),
      DeclaredOption(
        "drain", .choice(["false", "true"]), defaults: ["false", "true"],
        "whether pcp lists are drained after a range is isolated", source: "2019 thread; alloc_contig_range()",
        column: "drains_first"),
      .window("200ms"), .hostAck,
    ],
    flags: ["window", "host-ack-ns"], columns: ContiguousRecord.experimentColumns,
    suits: { $0.isControl || $0.reports && $0.effect != .readsOnly })

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = [quick ? "6G" : "8G"]
    group.states = ["fresh"]
    group.movable = 0.8
    group.strategies =
      quick
      ? [
        "none", "alloc-max-order", "bitmap-hinting:order=9", "page-reporting-boundary:order=9",
        "page-reporting:order=9:isolate=skip/take",
      ]
      : [
        "none", "alloc-max-order", "bitmap-hinting:order=9:capacity=16/32",
        "page-reporting-boundary:order=9:capacity=16/32:isolate=skip/take",
        "page-reporting:order=9:capacity=16/32:isolate=skip/take",
      ]
    group.experimentOptions["host-ack-ns"] = quick ? ["0", "1000000"] : ["0", "10000", "1000000"]
    if quick { group.experimentOptions["window"] = ["20ms"] }
    return [group]
  }

  /// The thread that asks for ranges runs on a guest CPU, too.
  static func guestThreads(_ options: OptionValues, nodes: Int) -> Int { 2 }

  static func threads(_ options: OptionValues, nodes: Int) -> Int { 2 + (options.hostAckNs > 0 ? 1 : 0) }

  /// Each round of reporting begins with a restart; a window may take several rounds.
  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double { Double(cell.windowNs) + 45e6 }

  /// How long attempts at one place go on. Nanoseconds.
  private static let patienceNs: UInt64 = 10_000_000
  /// The most rounds of reporting in one measurement.
  private static let mostRounds = 100
  private static let mostTries = 1000
  /// The fewest tries; a gigantic page can take as long as a short window.
  private static let leastTries = 4

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    var run = repetition.record
    var generator = SeededGenerator(seed: bench.matrix.config.seed &+ UInt64(repetition.number), stream: 41)
    let pages = cell.options.bytes("range") >> 12
    let drainFirst = cell.options.choice("drain") == "true"
    let zone = repetition.guest.core.zones.last { $0.type == .movable }
    let places = zone.map { Self.places(in: $0, pages) } ?? []
    guard let zone, !places.isEmpty else {
      run.found.outcome = .error
      return RepetitionResult(
        run: run, zones: [], holds: [], holdSequence: nil,
        failure: zone == nil
          ? "the guest has no ZONE_MOVABLE: expected --movable above 0, such as 0.8"
          : "no aligned range of \(ByteSize(bytes: pages << 12)) lies whole in ZONE_MOVABLE; give a larger --guest")
    }
    var ends = SessionEnds()
    var disturbances: [Disturbance] = []
    let window = cell.windowNs
    var record = ContiguousRecord(
      rangeBytes: pages << 12, drainsFirst: drainFirst, windowNs: Double(window), movableShare: cell.guest.movableShare)
    var tally = Tally()
    // Time spent trying.
    var spent: UInt64 = 0
    func isOver() -> Bool { spent >= window && tally.tries >= leastTries || tally.tries >= mostTries }
    for _ in 0..<mostRounds where !isOver() && ends.failure == nil {
      bench.restart(repetition)
      let worker = Worker(repetition, bench, zone)
      let allocator = repetition.runner.rangeAllocator(repetition.guest, cpu: 1)
      worker.start()
      worker.waitUntilInZone()
      let meter = DisturbanceMeter()
      while worker.isAtWork && !isOver() {
        let begin = MonotonicClock.nanoseconds()
        tally.attempt(allocator, places[generator.below(places.count)], pages, drainFirst)
        spent += MonotonicClock.nanoseconds() - begin
      }
      let disturbance = meter.reading()
      ends.note(worker.stop())
      disturbances.append(worker.disturbance.map { disturbance.beside($0) } ?? disturbance)
      allocator.drain()
    }
    record.add(tally)
    repetition.model.touch()
    run.trust.set(disturbances)
    run.found.outcome = ends.outcome
    return RepetitionResult(
      run: run, zones: [], holds: [], holdSequence: nil, failure: ends.failure,
      experiment: ExperimentRows(card, [cell.timesHold ? record : record.withoutTimes]))
  }

  /// The start PFNs of naturally aligned ranges that are wholly in the zone.
  private static func places(in zone: Zone, _ pages: UInt64) -> [UInt64] {
    let first = (zone.startPFN + pages - 1) / pages * pages
    return Array(stride(from: first, to: zone.endPFN, by: Int(pages)).filter { $0 + pages <= zone.endPFN })
  }

  /// The results of one kind of try.
  struct Tally {
    var tries = 0
    /// Tries whose first attempt failed.
    var failed = 0
    var busy = 0
    var other = 0
    var givenUp = 0
    var retries = 0
    var times = DurationHistogram()

    mutating func attempt(_ allocator: AnyRangeAllocator, _ pfn: UInt64, _ pages: UInt64, _ drainFirst: Bool) {
      tries += 1
      var attempts = 0
      let begin = MonotonicClock.nanoseconds()
      while let reason = allocator.allocate(pfn: pfn, pages: pages, drainFirst: drainFirst) {
        attempts += 1
        if case .busy = reason { busy += 1 } else { other += 1 }
        if MonotonicClock.nanoseconds() - begin > ContiguousExperiment.patienceNs {
          failed += 1
          retries += attempts - 1
          givenUp += 1
          return
        }
      }
      times.record(nanoseconds: MonotonicClock.nanoseconds() - begin)
      if attempts > 0 { failed += 1 }
      retries += attempts
      allocator.free(pfn: pfn, pages: pages)
    }
  }

  /// The strategy on its own thread.
  private final class Worker: @unchecked Sendable {
    // Right to send: the runner and the logs belong to this thread between start() and stop(); `busy` and the stop flag
    // are atomic.
    private let repetition: Repetition
    private let bench: Bench
    private let zone: Zone
    private let busy = Atomic<Bool>(true)
    /// Whether the strategy has reported a block of the zone, or doesn't go zone by zone.
    private let inZone: Atomic<Bool>
    private let ended = DispatchSemaphore(value: 0)
    private var ends = SessionEnds()
    /// The disturbance of the strategy's thread, once it has stopped.
    private(set) var disturbance: Disturbance?

    init(_ repetition: Repetition, _ bench: Bench, _ zone: Zone) {
      self.repetition = repetition
      self.bench = bench
      self.zone = zone
      inZone = Atomic(repetition.cell.strategy.card.trigger == .command)
    }

    func waitUntilInZone() {
      while isAtWork && !inZone.load(ordering: .acquiring) { chost_pause() }
    }

    var isAtWork: Bool { busy.load(ordering: .acquiring) }

    func start() {
      bench.holdLog.reset()
      bench.hintLog.reset()
      let cpus = bench.otherCPUs
      let thread = Thread { [self] in
        if let cpu = cpus.first { try? ThreadPlacement.pin(toCPU: cpu) }
        let meter = DisturbanceMeter()
        if repetition.cell.strategy.card.trigger == .frees { reportAll() } else { repeatSessions() }
        disturbance = meter.reading()
        busy.store(false, ordering: .releasing)
        ended.signal()
      }
      thread.stackSize = 1 << 20
      thread.start()
    }

    func stop() -> SessionEnds {
      bench.stop.set()
      ended.wait()
      return ends
    }

    /// Runs the strategy's work until no more is requested.
    private func reportAll() {
      var session = Session(lowestOrder: repetition.cell.order, stop: bench.stop)
      var sink = RecordingSink(bench.hintLog, repetition.guest.core, repetition.runner.queue)
      let span = zone.startPFN..<zone.endPFN
      sink.onReport = { [self] blocks, range in
        if inZone.load(ordering: .relaxed) { return }
        for index in range where span.contains(Block(rawValue: blocks[index]).pfn) {
          inZone.store(true, ordering: .releasing)
        }
      }
      while !bench.stop.isSet && ends.failure == nil && repetition.runner.isWorkRequested {
        let outcome = withExtendedLifetime(bench.holdLog) {
          repetition.runner.work(.init(repetition.guest), bench.holdLog.probe(), &session, &sink)
        }
        ends.note(outcome)
      }
    }

    /// Repeats sessions of a strategy that the host commands.
    private func repeatSessions() {
      while !bench.stop.isSet && ends.failure == nil {
        if !repetition.cell.strategy.card.reports {
          MonotonicClock.sleep(nanoseconds: 1_000_000)
          continue
        }
        let pass = repetition.runner.speedPass(
          .init(repetition.guest), Session(lowestOrder: repetition.cell.order, stop: bench.stop))
        ends.note(pass.outcome)
      }
    }
  }
}

/// A row of contiguous.csv.
struct ContiguousRecord: ExperimentRecord {
  static let fileName = "contiguous.csv"
  static let blank = ContiguousRecord()
  static let keyColumns = 2

  var rangeBytes: UInt64 = 0
  var drainsFirst = false
  var windowNs = 0.0
  var movableShare = 0.0
  var tries = 0
  var failuresPerThousand: Double?
  var attemptsBusy = 0
  var attemptsOther = 0
  var givenUp = 0
  var retriesPerTry: Double?
  var timeNsP50: Double?
  var timeNsP99: Double?
  var timeNsMax: Double?

  mutating func add(_ tally: ContiguousExperiment.Tally) {
    tries = tally.tries
    attemptsBusy = tally.busy
    attemptsOther = tally.other
    givenUp = tally.givenUp
    guard tally.tries > 0 else { return }
    failuresPerThousand = Double(tally.failed) * 1000 / Double(tally.tries)
    retriesPerTry = Double(tally.retries) / Double(tally.tries)
    timeNsP50 = tally.times.percentile(50)
    timeNsP99 = tally.times.percentile(99)
    timeNsMax = tally.times.max.map { Double($0) }
  }

  var withoutTimes: ContiguousRecord {
    var counts = self
    counts.timeNsP50 = nil
    counts.timeNsP99 = nil
    counts.timeNsMax = nil
    return counts
  }

  static let columns: [Column<ContiguousRecord>] = [
    Column("range_bytes", unit: "bytes", \.rangeBytes, meaning: "Size of the requested ranges, naturally aligned."),
    Column(
      "drains_first", \.drainsFirst,
      meaning:
        "Whether pcp lists are drained after the range is isolated; if not, recently freed pages also make it fail."),
    Column("window_ns", unit: "ns", \.windowNs, meaning: "Time spent trying, about."),
    Column("movable_share", unit: "share", \.movableShare, meaning: "ZONE_MOVABLE's share of Normal memory."),
    Column("tries", isPrimary: true, \.tries, meaning: "Ranges requested while the strategy was running."),
    Column(
      "failures_per_1000", unit: "1/1000", direction: .lowerIsBetter, isPrimary: true, \.failuresPerThousand,
      meaning: "Failed first attempts per 1000 tries."),
    Column(
      "attempts_busy", direction: .lowerIsBetter, \.attemptsBusy,
      meaning: "Attempts that met a page off the lists or on a per-CPU list."),
    Column("attempts_other", direction: .lowerIsBetter, \.attemptsOther, meaning: "Attempts that failed otherwise."),
    Column(
      "given_up", direction: .lowerIsBetter, isPrimary: true, \.givenUp,
      meaning: "Tries that still failed after 10 ms of attempts."),
    Column(
      "retries_per_try", direction: .lowerIsBetter, isPrimary: true, \.retriesPerTry,
      meaning: "Further attempts after the first, over the tries."),
    Column(
      "success_ns_p50", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.timeNsP50,
      meaning: "Median time to success, failed attempts included; given-up tries excluded."),
    Column(
      "success_ns_p99", unit: "ns", direction: .lowerIsBetter, isPrimary: true, \.timeNsP99,
      meaning: "99th percentile of it."),
    Column("success_ns_max", unit: "ns", direction: .lowerIsBetter, \.timeNsMax, meaning: "Longest."),
  ]
}
