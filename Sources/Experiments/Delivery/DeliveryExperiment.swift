import Delivery
import GuestMemory
import Hinting
import Instruments
import Machine
import Migration

/// From the moment a design finds a block under the lock to the host's action on it.
///
/// Guest and host are two threads over a virtqueue in the memory they share. Each way in which the host may hear of
/// hints, and each action that the design's hints may be used for, is a row. What takes no memory back is measured in two
/// sessions from the same state: one for speed, and one in which it is noted when a hint is put into the queue and the
/// host looks at the block's pages before it acts. Giving memory back takes longer than that by far, and is measured in
/// one; that session is stopped when half of the piece of real memory that stands for the guest's is used up.
enum DeliveryExperiment: Experiment {
  static let card = ExperimentCard(
    name: "delivery",
    question: "what it takes until a host has acted on what a design finds, and how stale that is by then",
    files: "runs.csv, cells.csv, delivery.csv", decisiveMetric: "delivered_ms_per_tib",
    suited: "strategies that name blocks", loads: [.none, .mixed], delivers: true, threads: 2,
    columns: DeliveryRecord.experimentColumns, suits: { $0.goal != .none })

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = [quick ? "2G" : "8G"]
    group.states = ["aged"]
    if quick {
      group.strategies = ["walk-callback", "page-reporting:order=9"]
      // Populating the memory that is given back is most of what a repetition takes.
      var idle = group
      idle.strategies = ["alloc-max-order"]
      idle.loads = ["none"]
      return [group, idle]
    }
    group.strategies = [
      "walk-callback:kick=none/half", "free-list-multi-buffer", "budgeted-resume", "alloc-max-order",
      "bitmap-hinting:order=9", "page-reporting-boundary:order=9", "page-reporting:order=9",
    ]
    return [group]
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    // Each session here has a queue and a host of its own.
    repetition.runner.stopHost()
    var run = repetition.record
    var records: [DeliveryRecord] = []
    var disturbances: [Disturbance] = []
    var ends = SessionEnds()
    for action in HostAction.allowed(cell.strategy.card.goal) {
      let memory: HostMemory?
      switch place(for: action) {
      case .success(let place): memory = place
      case .failure(let absence):
        bench.note(.init(what: "delivery rows of \(absence.what)", why: absence.why))
        continue
      }
      for notification in HostNotification.allCases where ends.failure == nil {
        var record = DeliveryRecord()
        record.action = action.name
        record.hostPageBytes = action.page?.rawValue
        record.notification = notification.rawValue
        record.exitNs = Double(cell.setting.exitNs)
        let setting = Setting(action: action, memory: memory, notification: notification)
        var isTimed = cell.timesHold
        if memory == nil {
          let speed = try session(repetition, bench, setting, isWatched: false)
          let watched = try session(repetition, bench, setting, isWatched: true)
          record.addSpeed(speed)
          record.addWatched(watched)
          disturbances += [speed.disturbance, watched.disturbance]
          for session in [speed, watched] { note(session, &ends) }
          if action == .none && notification == .polled { fill(&run, speed, watched) }
        } else {
          let both = try session(repetition, bench, setting, isWatched: true)
          record.addSpeed(both)
          record.addWatched(both)
          disturbances.append(both.disturbance)
          note(both, &ends)
          if both.host.withoutMemory > 0 {
            isTimed = false
            bench.note(
              .init(
                what: "delivery's times of \(cell.strategy.fullName), \(action.name)",
                why: "its chains name more than the \((memory?.bytes ?? 0) >> 20) MiB that there are to give back"))
          }
        }
        records.append(isTimed ? record : record.withoutTimes)
      }
    }
    repetition.model.touch()
    run.trust.set(disturbances)
    if !cell.timesHold { run.speed = RunRecord.Speed() }
    if ends.failure != nil { run.found.outcome = .error }
    return RepetitionResult(
      run: run, zones: [], holds: [], holdSequence: nil, failure: ends.failure,
      experiment: ExperimentRows(card, records))
  }

  // MARK: the memory

  /// Why rows aren't there.
  private struct Absence: Error {
    var what: String
    var why: String
  }

  /// The memory that an action gives back, populated once, so that it is known what pages it has.
  private static func place(for action: HostAction) -> Result<HostMemory?, Absence> {
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

  /// What tells the rows of a repetition apart.
  private struct Setting {
    var action: HostAction
    var memory: HostMemory?
    var notification: HostNotification
  }

  /// What one session came to, on both sides.
  struct SessionResult {
    var pass: DeliveryPass
    var sink: DeliverySink
    var host: DeliveryHost.Figures
    var thread: HostFigures
    var hostCPUNanoseconds: UInt64
    /// Acted on, each counted once.
    var bytes: UInt64
    var duplicates: Int
    var unitOrder: Int?
    /// Whether the design holds what it reports until the host has acted.
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
    let holds = card.goal == .reclaim && cell.strategy.options["stop"] != "return"
    let expects: DeliveryHost.Watch.Expectation =
      card.goal != .reclaim ? .free : card.effect == .takesBatches ? .isolated : .allocated
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
      sessionID: id, exitNanoseconds: cell.setting.exitNs, notesTimes: isWatched, stop: bench.stop,
      mostBytes: setting.memory.map { UInt64($0.sessionBytes) } ?? .max)

    let mutators = try bench.mutators(repetition, repetition.runner, isProbed: false)
    defer { mutators?.end() }
    mutators?.run()
    // Long enough for a host that sleeps to sleep.
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

  /// How it ended, and whether it kept what has to hold of every session.
  private static func note(_ session: SessionResult, _ ends: inout SessionEnds) {
    ends.note(session.pass.outcome)
    if let violation = session.violation { ends.note(.error(violation)) }
  }

  private static func fill(_ run: inout RunRecord, _ speed: SessionResult, _ watched: SessionResult) {
    run.found.outcome = RunOutcome(rawValue: speed.pass.outcome.name) ?? .error
    run.found.blocksReported = speed.host.acted
    run.found.blocksDuplicate = speed.duplicates
    run.found.bytesReported = speed.bytes
    run.delivery = RunRecord.Delivery(kicks: speed.sink.kicks, descriptors: speed.sink.descriptors)
    run.speed.guestCPUNs = Double(speed.pass.cpuNanoseconds)
  }
}

extension DeliveryExperiment.SessionResult {
  /// What should never be, whatever the machine does; nil where all is well.
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

  /// From the session's start until the host had acted on the last hint; nil where there was none.
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
