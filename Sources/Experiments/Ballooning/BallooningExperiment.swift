import Ballooning
import Bench
import Delivery
import GuestMemory
import Hinting
import Instruments
import Records

/// Ballooning, the alternative to hinting, and whether compaction can move the balloon's pages (the 2012 series).
///
/// Measures, for one setup, how fast memory goes and comes back, how long `pages_lock` is held, and how many 2 MiB
/// blocks are free before, with the balloon inflated, and after compaction. For the last, the balloon is inflated while
/// a tenant takes memory page by page; then the tenant frees all but an eighth, which leaves free pages between the
/// balloon's.
enum BallooningExperiment: Experiment {
  static let card = ExperimentCard(
    name: "ballooning",
    question:
      "how long a balloon holds its lock, how fast it inflates and deflates, and how many 2 MiB blocks compaction "
      + "recovers",
    files: "runs.csv, cells.csv, lock_holds.csv, ballooning.csv", decisiveMetrics: ["inflate_gib_per_second"],
    suited: "none: it takes no strategy",
    options: [
      DeclaredOption(
        "kind", .choice(BalloonKind.allCases.map(\.rawValue)), defaults: BalloonKind.allCases.map(\.rawValue),
        "allocation unit: a page, order 9, or the highest order", source: "virtio_balloon takes pages"),
      DeclaredOption(
        "enqueue", .choice(BalloonListing.allCases.map(\.rawValue)), defaults: BalloonListing.allCases.map(\.rawValue),
        "one hold of pages_lock for each page, or for a batch of 256", source: "2012 thread; list since Linux 5.1"),
      DeclaredOption(
        "movable", .choice(BalloonSetup.Mobility.allCases.map(\.rawValue)),
        defaults: BalloonSetup.Mobility.allCases.map(\.rawValue),
        "whether compaction moves its pages, leaves them, or can't", source: "2012 thread: CONFIG_BALLOON_COMPACTION",
        onlyWith: .option(
          "kind", [BalloonKind.order0.rawValue], otherwise: BalloonSetup.Mobility.unmovable.rawValue)),
      .window("100ms"),
    ],
    flags: ["window"], timesZoneLock: false, columns: BallooningRecord.experimentColumns, suits: nil)

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var small = RunConfig.Group()
    small.guests = [quick ? "4G" : "8G"]
    small.states = quick ? ["aged"] : ["fresh", "aged"]
    small.granule = "0"
    if quick {
      small.experimentOptions["window"] = ["10ms"]
      return [small]
    }
    // Only the touched part of the memory map uses memory.
    var large = small
    large.guests = ["256G"]
    large.vmemmap = "4k"
    return [small, large]
  }

  /// The most memory taken and given back to measure speed and holds, and the most mixed with a tenant's. Bytes.
  private static let mostMoved: UInt64 = 256 << 20
  private static let mostMixed: UInt64 = 16 << 30
  /// The balloon's share of the mixed memory, and the tenant's share that stays: one part in this many.
  private static let balloonPart = 8
  private static let keptPart = 8

  /// The tenant and the contending thread share a second guest CPU.
  static func guestThreads(_ options: OptionValues, nodes: Int) -> Int { 2 }
  static func threads(_ options: OptionValues, nodes: Int) -> Int { 2 }

  static func obstacle(_ cell: Cell) -> String? {
    if cell.guest.granuleOrder > 0 {
      return "ballooning needs --granule 0: a balloon takes single pages"
    }
    // VIRTIO_BALLOON_PFN_SHIFT: a page's number is a __virtio32 (virtio 1.2, 5.5.6).
    if cell.guestBytes >= 16 << 40 {
      return "ballooning needs a guest below 16T: balloon messages have 32-bit PFNs"
    }
    return BalloonSetup(cell.options).kind.order > cell.order ? "the guest has no blocks of that order" : nil
  }

  /// Three moves, mixing and compaction if recovery is measured, and four windows if contention is.
  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    let setup = BalloonSetup(cell.options)
    let moved = Double(min(cell.guestBytes / 8, mostMoved) >> 12) * 3 * 60
    // Compaction looks at every pageblock of every zone.
    let mixed =
      setup.showsRecovery
      ? Double(min(cell.guestBytes / 2, mostMixed) >> 12) * 120 + Double(cell.guestBytes >> 12) * 30 : 0
    let contended = setup.showsContention ? 4 * Double(cell.windowNs) : 0
    return 5 * cell.restartNanoseconds(host) + moved + mixed + contended
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    switch repetition.guest.geometry.kernel {
    case .linux61: try run(repetition, bench, Linux6_1.self)
    case .linux612: try run(repetition, bench, Linux6_12.self)
    case .mainline: try run(repetition, bench, Mainline.self)
    }
  }

  private static func run<Rules: KernelRules>(
    _ repetition: Repetition, _ bench: Bench, _ rules: Rules.Type
  ) throws -> RepetitionResult {
    var run = repetition.record
    let setup = BalloonSetup(repetition.cell.options)
    var trial = try Trial<Rules>(repetition, bench)
    bench.holdLog.reset()
    let record = try trial.measure(setup)
    repetition.model.touch()
    run.trust.set(trial.disturbances)
    run.delivery.kicks = trial.kicks
    run.found.outcome = trial.failure == nil ? .complete : .error
    return RepetitionResult(
      run: run, zones: [], holds: bench.buckets(repetition, bench.holdLog.summary(), nil), holdSequence: nil,
      failure: trial.failure, experiment: ExperimentRows(card, [record]))
  }

  /// The work of one repetition, under the rules of its guest's kernel.
  private struct Trial<Rules: KernelRules> {
    private let repetition: Repetition
    private let bench: Bench
    private let guest: Guest
    private let queues: BalloonQueues
    private var generator: SeededGenerator
    private let barrierNs = BarrierCost.measure()
    private(set) var disturbances: [Disturbance] = []
    private(set) var kicks = 0
    private(set) var failure: String?

    init(_ repetition: Repetition, _ bench: Bench) throws {
      self.repetition = repetition
      self.bench = bench
      guest = repetition.guest
      queues = try BalloonQueues()
      generator = SeededGenerator(seed: bench.matrix.config.seed &+ UInt64(repetition.number), stream: 51)
    }

    mutating func measure(_ setup: BalloonSetup) throws -> BallooningRecord {
      var record = BallooningRecord(setup)
      if setup.kind == .order0 { record.barrierNs = barrierNs }
      let balloon = try Balloon(
        guest, setup.kind, listing: setup.listing, isMovable: setup.mobility != .unmovable)
      measureSpeed(balloon, &record)
      if setup.showsRecovery { measureRecovery(balloon, setup, &record) }
      if setup.showsContention { try measureContention(balloon, &record) }
      return record
    }

    private func cpu(_ number: Int) -> GuestCPU<NoProbe, NoHooks, Rules> {
      GuestCPU(
        guest.core, cpu: number, node: guest.geometry.node(ofCPU: number), probe: NoProbe(), rules: Rules.self)
    }

    private func driver<Probe: LockProbe>(
      _ balloon: Balloon, _ probe: Probe
    ) -> BalloonDriver<Probe, BalloonQueues.Driver, NoSteps, Rules> {
      BalloonDriver(balloon.handle, cpu: cpu(0), probe: probe, host: queues.driver)
    }

    private func begin(_ balloon: Balloon) {
      bench.restart(repetition)
      balloon.reset()
      queues.reset()
    }

    /// Checks that as many pages are free as at the start; otherwise pages were lost.
    private mutating func end(_ setup: String, _ pagesAtStart: UInt64) {
      kicks += queues.kicks
      guest.drainPerCPULists()
      if guest.core.freePages != pagesAtStart && failure == nil {
        failure = "\(setup): \(guest.core.freePages) pages are free again of \(pagesAtStart)"
      }
    }

    // MARK: speed and holds

    private mutating func measureSpeed(_ balloon: Balloon, _ record: inout BallooningRecord) {
      let order = UInt64(balloon.handle.order)
      let entries = Int(min(guest.core.freePages << 12 / 4, BallooningExperiment.mostMoved) >> (12 + order))
      // The first pass touches new pages of the memory map.
      pass(balloon, NoProbe(), entries)
      let meter = DisturbanceMeter()
      let speed = pass(balloon, NoProbe(), entries)
      disturbances.append(meter.reading())
      guard speed.moved > 0 else { return }
      let bytes = UInt64(speed.moved) << (12 + order)
      record.movedBytes = bytes
      record.kicks = speed.kicks
      let gib = Double(bytes) / 0x1p30
      record.inflateGiBPerSecond = gib / Double(max(speed.inflating, 1)) * 1e9
      record.deflateGiBPerSecond = gib / Double(max(speed.deflating, 1)) * 1e9

      let before = bench.holdLog.count
      let probe = bench.holdLog.probe()
      pass(balloon, probe, entries) { probe.phase = $0 }
      let samples = bench.holdLog.samples[before...]
      record.holds = samples.count
      record.pagesPerHoldMax = samples.map { Int($0.items) }.max()
      func holds(_ phase: HoldPhase) -> DurationStatistics {
        DurationStatistics(
          ticks: samples.filter { $0.phase == phase.rawValue }.map(\.holdTicks),
          nanosecondsPerTick: CycleClock.nanosecondsPerTick)
      }
      let (inflating, deflating) = (holds(.collect), holds(.return))
      (record.inflateHoldNsP50, record.inflateHoldNsP99, record.inflateHoldNsMax) =
        (inflating.p50, inflating.p99, inflating.max)
      (record.deflateHoldNsP50, record.deflateHoldNsP99, record.deflateHoldNsMax) =
        (deflating.p50, deflating.p99, deflating.max)
    }

    /// Inflates the balloon by the given number of entries and deflates it again, from the starting state.
    @discardableResult
    private mutating func pass<Probe: LockProbe>(
      _ balloon: Balloon, _ probe: Probe, _ entries: Int, phase: (HoldPhase) -> Void = { _ in }
    ) -> (moved: Int, inflating: UInt64, deflating: UInt64, kicks: Int) {
      begin(balloon)
      let start = guest.core.freePages
      var driver = driver(balloon, probe)
      phase(.collect)
      let began = MonotonicClock.nanoseconds()
      var moved = 0
      while moved < entries {
        let more = driver.inflate(entries - moved)
        if more == 0 { break }
        moved += more
      }
      let full = MonotonicClock.nanoseconds()
      phase(.return)
      while driver.deflate(PFNArray.capacity) > 0 {}
      let empty = MonotonicClock.nanoseconds()
      let kicks = queues.kicks
      end("inflated and deflated", start)
      return (moved, full - began, empty - full, kicks)
    }

    // MARK: 2 MiB blocks

    private var hugeBlocks: Int {
      guest.core.zones.reduce(0) { $0 + Int($1.blocksFree(order: 9) + 2 * $1.blocksFree(order: 10)) }
    }

    private mutating func measureRecovery(
      _ balloon: Balloon, _ setup: BalloonSetup, _ record: inout BallooningRecord
    ) {
      begin(balloon)
      let start = guest.core.freePages
      record.hugeBefore = hugeBlocks
      let mixed = Int(min(start, BallooningExperiment.mostMixed >> 12))
      var driver = driver(balloon, NoProbe())
      // On another CPU, with its own per-CPU lists.
      var tenant = BalloonTenant(cpu(1), expected: mixed)
      mix(&driver, &tenant, pages: mixed)
      record.balloonBytes = UInt64(balloon.count) << UInt64(12 + setup.kind.order)
      let used = (UInt64(balloon.count) << UInt64(setup.kind.order)) + UInt64(tenant.count)
      record.mixedBytes = used << 12
      tenant.giveBack { generator.below(BallooningExperiment.keptPart) == 0 }
      record.keptBytes = UInt64(tenant.count) << 12
      guest.drainPerCPULists()
      record.hugeInflated = hugeBlocks

      kicks += queues.kicks
      queues.reset()
      var figures = CompactionFigures()
      let began = MonotonicClock.nanoseconds()
      for zone in guest.core.zones {
        figures = figures + driver.compact(zone, movesBalloonPages: setup.mobility == .movable, &tenant)
      }
      guest.drainPerCPULists()
      record.compactionNs = Double(MonotonicClock.nanoseconds() - began)
      let compacted = hugeBlocks
      record.hugeCompacted = compacted
      record.hugeFreeShare = Double(compacted << 9) / Double(max(guest.core.freePages, 1))
      record.balloonPagesMoved = figures.balloonPages
      record.otherPagesMoved = figures.otherPages
      record.compactionKicks = queues.kicks

      while driver.deflate(PFNArray.capacity) > 0 {}
      tenant.giveBack { false }
      end("inflated, compacted and deflated", start)
    }

    /// Takes memory alternately for balloon and tenant until there is enough or the allocator refuses.
    private mutating func mix(
      _ driver: inout BalloonDriver<NoProbe, BalloonQueues.Driver, NoSteps, Rules>,
      _ tenant: inout BalloonTenant<Rules>, pages: Int
    ) {
      let order = driver.balloon.order
      // Few enough that both refill their per-CPU lists alternately, like CPUs that allocate at the same time.
      let turn = order == 0 ? 32 : 1
      let share = BallooningExperiment.balloonPart - 1
      var taken = 0
      while taken < pages {
        let entries = driver.inflate(turn)
        // The tenant takes between half and one and a half times its share.
        let wanted = (turn << order) * share / 2 + generator.below((turn << order) * share)
        let own = tenant.take(min(wanted, pages - taken))
        if entries == 0 || own < min(wanted, pages - taken) { return }
        taken += entries << order + own
      }
    }

    // MARK: contention

    private mutating func measureContention(_ balloon: Balloon, _ record: inout BallooningRecord) throws {
      let window = repetition.cell.windowNs
      begin(balloon)
      let start = guest.core.freePages
      var driver = driver(balloon, NoProbe())
      // Enough that both are seldom at the same page.
      for _ in 0..<16 { _ = driver.inflate(PFNArray.capacity) }
      let contention = try BalloonContention<Rules>(guest, balloon, queues)
      let hostCPU = bench.otherCPUs.first
      let deflating = contention.deflatingAlone(window)
      let isolating = contention.isolatingAlone(window, hostCPU: hostCPU)
      let both = contention.together(window, hostCPU: hostCPU)
      for side in [deflating, isolating] { if let one = side.disturbance { disturbances.append(one) } }
      if let one = both.deflating.disturbance, let other = both.isolating.disturbance {
        disturbances.append(one.beside(other))
      }
      record.deflatePagesPerSecond = deflating.pagesPerSecond
      record.isolatePagesPerSecond = isolating.pagesPerSecond
      if deflating.pagesPerSecond > 0 {
        record.contendedDeflateRatio = both.deflating.pagesPerSecond / deflating.pagesPerSecond
      }
      if isolating.pagesPerSecond > 0 {
        record.contendedIsolateRatio = both.isolating.pagesPerSecond / isolating.pagesPerSecond
      }
      if both.isolating.tries > 0 {
        record.isolateFailedShare = Double(both.isolating.failed) / Double(both.isolating.tries)
      }
      record.contendedWaitNsP99 = both.deflating.waits.p99
      while driver.deflate(PFNArray.capacity) > 0 {}
      end("deflated while a thread isolates", start)
    }
  }
}
