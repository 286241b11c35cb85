import Bench
import Delivery
import GuestMemory
import Hinting
import Instruments
import Machine
import Migration
import Records

/// Measures from the moment a strategy finds a block under the lock to the host's action on it.
///
/// Guest and host are two threads over a virtqueue in shared memory. An action that takes no memory back is measured in
/// two sessions from the same state: one for speed, and one that notes when each hint is put into the queue and in
/// which the host checks the block's pages before it acts. Giving memory back takes far longer and is measured in one
/// session, which is stopped when half of the real memory that stands for the guest's is used up.
enum DeliveryExperiment: Experiment {
  static let card = ExperimentCard(
    name: "delivery",
    question: "how long it takes until the host has acted on a hint, and how stale the hint is by then",
    files: "runs.csv, cells.csv, delivery.csv", decisiveMetrics: ["delivered_ms_per_tib"],
    suited: "every strategy but none",
    options: [
      DeclaredOption(
        "action", .choice(["none", "bitmap", "discard", "punch"]), defaults: ["none", "bitmap", "discard", "punch"],
        "what the host does with a block: nothing, clear its bits, MADV_DONTNEED, FALLOC_FL_PUNCH_HOLE",
        source: "QEMU: free-page hints, reporting on anonymous memory and on files"),
      DeclaredOption(
        "page", .choice(["4K", "2M"]), defaults: ["4K", "2M"], "page size of the memory that is given back",
        source: "x86-64", onlyWith: .option("action", ["discard", "punch"]), column: "host_page_bytes"),
      DeclaredOption(
        "notify", .choice(HostNotification.allCases.map(\.rawValue)),
        defaults: HostNotification.allCases.map(\.rawValue),
        "how the host learns of hints: it sleeps until it is kicked, or polls the queue",
        source: "virtio 1.2, 2.7.13; QEMU polls while hinting runs", column: "notification"),
      DeclaredOption(
        "exit-ns", .integer(0...10_000_000), default: "0", "cost of a VM exit per kick the host asked for, in ns",
        source: "this project; a setting, never invented"),
      .load([.none, .mixed]), .mutators, .hostAck,
    ],
    flags: ["exit-ns", "load", "mutators", "host-ack-ns"], columns: DeliveryRecord.experimentColumns,
    suits: { $0.reports })

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = [quick ? "2G" : "8G"]
    group.states = ["aged"]
    if quick {
      group.strategies = ["walk-callback", "page-reporting:order=9"]
      // Populating the memory that is given back takes most of a repetition.
      var idle = group
      idle.strategies = ["alloc-max-order"]
      idle.experimentOptions["load"] = ["none"]
      return [group, idle]
    }
    group.strategies = [
      "walk-callback:kick=none/half", "free-list-multi-buffer", "budgeted-resume", "alloc-max-order",
      "bitmap-hinting:order=9", "page-reporting-boundary:order=9", "page-reporting:order=9",
    ]
    return [group]
  }

  /// The host's thread counts even if it acknowledges at once.
  static func threads(_ options: OptionValues, nodes: Int) -> Int { 2 + options.mutators }

  static func mismatch(_ options: OptionValues, _ strategy: StrategyCard) -> String? {
    guard let action = HostAction(options) else { return nil }
    return HostAction.allowed(strategy).contains(action)
      ? nil
      : "\(strategy.name) names blocks that may be in use again: action=\(action.name) would destroy their content"
  }

  static func obstacle(_ cell: Cell) -> String? { HostAction(cell.options).flatMap { $0.refusal } }

  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    // Populated before, and for the session that gives it back.
    let populating = HostAction(cell.options)?.page == nil ? 0 : 2 * 70e6
    return 2 * cell.restartNanoseconds(host) + 3 * cell.sessionNanoseconds + populating
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    // Each session here has its own queue and host.
    repetition.runner.stopHost()
    var run = repetition.record
    guard let action = HostAction(cell.options),
      let notification = HostNotification(rawValue: cell.options.choice("notify"))
    else { preconditionFailure("options of delivery that it doesn't declare") }
    var record = DeliveryRecord()
    record.action = action.name
    record.hostPageBytes = action.page?.rawValue
    record.notification = notification.rawValue
    record.exitNs = Double(cell.options.integer("exit-ns"))
    let memory: HostMemory?
    switch place(for: action) {
    case .success(let place): memory = place
    case .failure(let absence):
      run.found.outcome = .error
      return RepetitionResult(
        run: run, zones: [], holds: [], holdSequence: nil, failure: "\(absence.what): \(absence.why)")
    }
    let setting = Setting(action: action, memory: memory, notification: notification)
    var isTimed = cell.timesHold
    var ends = SessionEnds()
    let watched: SessionResult
    let speed: SessionResult
    if memory == nil {
      speed = try session(repetition, bench, setting, isWatched: false)
      watched = try session(repetition, bench, setting, isWatched: true)
      note(speed, &ends)
      run.trust.set([speed.disturbance, watched.disturbance])
    } else {
      watched = try session(repetition, bench, setting, isWatched: true)
      speed = watched
      run.trust.set([watched.disturbance])
    }
    note(watched, &ends)
    record.addSpeed(speed)
    record.addWatched(watched)
    if watched.host.withoutMemory > 0 {
      isTimed = false
      bench.note(
        .init(
          what: "delivery's times of \(cell.strategy.fullName), \(action.name)",
          why: "its chains name more than the \((memory?.bytes ?? 0) >> 20) MiB available to give back"))
    }
    repetition.model.touch()
    fill(&run, speed)
    if !cell.timesHold { run.speed = RunRecord.Speed() }
    if ends.failure != nil { run.found.outcome = .error }
    return RepetitionResult(
      run: run, zones: [], holds: [], holdSequence: nil, failure: ends.failure,
      experiment: ExperimentRows(card, [isTimed ? record : record.withoutTimes]))
  }

  /// Why an action can't be measured on this machine.
  struct Absence: Error {
    var what: String
    var why: String
  }

  /// Returns the memory that an action gives back, populated once to verify its page size.
  static func place(for action: HostAction) -> Result<HostMemory?, Absence> {
    let what = "\(action.name) on pages of \(action.page == .huge ? "2 MiB" : "4 KiB")"
    do throws(SystemCallError) {
      guard let memory = try HostMemory(action) else { return .success(nil) }
      memory.populate()
      if let why = memory.refusal { return .failure(Absence(what: what, why: why)) }
      return .success(memory)
    } catch {
      return .failure(Absence(what: what, why: "\(error)"))
    }
  }

  // MARK: a session

  /// The host's settings.
  private struct Setting {
    var action: HostAction
    var memory: HostMemory?
    var notification: HostNotification
  }

  /// One session's results, on both sides.
  struct SessionResult {
    var pass: DeliveryPass
    var sink: DeliverySink
    var host: DeliveryHost.Figures
    var thread: HostFigures
    var hostCPUNanoseconds: UInt64
    /// Distinct bytes acted on.
    var bytes: UInt64
    var duplicates: Int
    var unitOrder: Int?
    /// Whether the strategy holds what it reports until the host has acted.
    var holds: Bool
    var disturbance: Disturbance
  }

  private static func session(
    _ repetition: Repetition, _ bench: Bench, _ setting: Setting, isWatched: Bool
  ) throws -> SessionResult {
    let cell = repetition.cell
    let guest = repetition.guest
    let card = cell.strategy.card
    setting.memory?.populate()
    bench.restart(repetition)
    bench.hintLog.reset()

    var bitmap: MigrationBitmap?
    if setting.action == .bitmap {
      bitmap = MigrationBitmap(
        pages: Int(guest.core.zones.map(\.endPFN).max() ?? 0),
        unitOrder: MigrationBitmap.unitOrder(guestBytes: cell.guest.bytes, granuleOrder: cell.guest.granuleOrder),
        allSet: true)
    }
    let holds = card.takesWhatItReports && cell.strategy.options["stop"] != "return"
    let expects: DeliveryHost.Watch.Expectation =
      !card.takesWhatItReports ? .free : card.effect == .takesBatches ? .isolated : .allocated
    let host = DeliveryHost(
      setting.action, memory: setting.memory, bitmap: bitmap,
      needsSession: card.trigger == .command, watch: isWatched ? .init(core: guest.core, expects: expects) : nil,
      log: bench.hintLog)
    let channel = try DeliveryChannel(
      size: repetition.runner.queue.size, setting.notification, ackNanoseconds: cell.hostAckNs,
      cpu: bench.otherCPUs.last
    ) { host.serve($0, $1) }
    try channel.start()
    defer { _ = channel.stop() }
    let id = host.begin()
    var sink = channel.sink(
      sessionID: id, exitNanoseconds: UInt64(cell.options.integer("exit-ns")), notesTimes: isWatched, stop: bench.stop,
      mostBytes: setting.memory.map { UInt64($0.sessionBytes) } ?? .max)

    let mutators = try bench.mutators(repetition, repetition.runner, isProbed: false)
    defer { mutators?.end() }
    mutators?.run()
    // Long enough for a sleeping host to fall asleep.
    MonotonicClock.sleep(nanoseconds: 500_000)
    let hostCPU = channel.hostCPUNanoseconds
    let meter = DisturbanceMeter()
    let pass = repetition.runner.deliver(
      .init(guest), Session(lowestOrder: cell.order, stop: bench.stop), &sink)
    let disturbance = meter.reading()
    let hostCPUUsed = channel.hostCPUNanoseconds - hostCPU
    mutators?.park()
    mutators?.giveBack()
    host.stop()
    let thread = channel.stop()

    let blocks = bench.hintLog.hints.map(\.block)
    return SessionResult(
      pass: pass, sink: sink, host: host.figures, thread: thread, hostCPUNanoseconds: hostCPUUsed,
      bytes: PageRuns(blocks).bytes, duplicates: blocks.count - Set(blocks).count, unitOrder: bitmap?.unitOrder,
      holds: holds, disturbance: disturbance.beside(mutators?.disturbance))
  }

  /// Notes the session's outcome, and whether it kept the invariants of every session.
  private static func note(_ session: SessionResult, _ ends: inout SessionEnds) {
    ends.note(session.pass.outcome)
    if let violation = session.violation { ends.note(.error(violation)) }
  }

  private static func fill(_ run: inout RunRecord, _ speed: SessionResult) {
    run.found.outcome = RunOutcome(rawValue: speed.pass.outcome.name) ?? .error
    run.found.blocksReported = speed.host.acted
    run.found.blocksDuplicate = speed.duplicates
    run.found.bytesReported = speed.bytes
    run.delivery = RunRecord.Delivery(kicks: speed.sink.kicks, descriptors: speed.sink.descriptors)
    run.speed.guestCPUNs = Double(speed.pass.cpuNanoseconds)
  }
}

extension DeliveryExperiment.SessionResult {
  /// The violated invariant; nil if there is none.
  var violation: String? {
    if let fault = thread.fault { return "the host broke down: \(fault)" }
    guard pass.isWhole else { return "the host didn't give back all it was given" }
    let seen = host.acted + host.ignored + host.tooSmall
    if seen != sink.hints { return "\(sink.hints) hints were sent and the host saw \(seen)" }
    if host.ignored > 0 { return "\(host.ignored) hints were not of the host's session" }
    if host.failed > 0 { return "the kernel refused to give \(host.failed) blocks back" }
    if UInt64(sink.exits) != thread.notifications {
      return "\(sink.exits) kicks were sent and \(thread.notifications) came"
    }
    if holds && host.stale > 0 { return "\(host.stale) blocks were no longer held when the host acted" }
    if let unitOrder, unitOrder == 0, UInt64(host.bitsCleared) != bytes >> 12 {
      return "\(host.bitsCleared) bits were cleared for \(bytes >> 12) pages"
    }
    return nil
  }

  /// The time from the session's start until the host had acted on the last hint; nil if it acted on none.
  var nanoseconds: Double? {
    host.acted == 0
      ? nil : CycleClock.nanoseconds(fromTicks: CycleClock.ticks(from: pass.beginTicks, to: host.lastTicks))
  }
}

extension DeliveryRecord {
  mutating func addSpeed(_ session: DeliveryExperiment.SessionResult) {
    outcome = session.pass.outcome.name
    hints = session.host.acted
    bytes = session.bytes
    hintsDropped = session.sink.dropped
    hintsRefused = session.sink.refused
    hintsIgnored = session.host.ignored
    hintsTooSmall = session.host.tooSmall
    kicks = session.sink.kicks
    exits = session.sink.exits
    wakeUps = Int(session.thread.wakeUps)
    driverCPUNs = Double(session.pass.cpuNanoseconds)
    hostCPUNs = Double(session.hostCPUNanoseconds)
    bitmapUnitBytes = session.unitOrder.map { 4096 << $0 }
    guard let nanoseconds = session.nanoseconds, nanoseconds > 0, bytes > 0 else { return }
    let tebibytes = Double(bytes) / Double(1 << 40)
    hintsPerSecond = Double(hints) / (nanoseconds / 1e9)
    msPerTiB = nanoseconds / 1e6 / tebibytes
    kicksPerTiB = Double(kicks) / tebibytes
    exitsPerTiB = Double(exits) / tebibytes
    wakeUpsPerTiB = Double(wakeUps) / tebibytes
    descriptorsPerTiB = Double(session.sink.descriptors) / tebibytes
  }

  mutating func addWatched(_ session: DeliveryExperiment.SessionResult) {
    hintsStale = session.host.stale
    latencyNsP50 = session.host.latency.percentile(50)
    latencyNsP99 = session.host.latency.percentile(99)
    latencyNsMax = session.host.latency.max.map { Double($0) }
  }
}
