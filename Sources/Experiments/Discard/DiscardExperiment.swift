import Bench
import Delivery
import GuestMemory
import Hinting
import Records

/// Finds out which strategy's hints a host may act on, and how: by throwing memory away, or under a dirty log alone.
///
/// Users allocate, write and free while sessions of the strategy go on and a host acts late on its hints. After each
/// session an oracle looks at every page in use: those that don't hold what their user wrote are lost, and counted by how
/// that happened. The course is drawn from the seed, and nothing depends on the machine. Beside it, a search on a small
/// guest (``LossSearch``) looks for the shortest schedule that loses a page.
enum DiscardExperiment: Experiment {
  static let card = ExperimentCard(
    name: "discard",
    question: "which strategy's hints a host may act on by discarding memory, and how others lose pages",
    files: "runs.csv, cells.csv, discard.csv", decisiveMetrics: ["pages_lost_per_session"], coverageMetric: "hints",
    suited: "strategies that report memory",
    options: [
      DeclaredOption(
        "host", .choice(HintUse.allCases.map(\.rawValue)), defaults: HintUse.allCases.map(\.rawValue),
        "what the host does: destroys the content (discard), or clears dirty bits under a log of writes (log)",
        source: "discard: Firecracker; log: QEMU", column: "host_action"),
      DeclaredOption(
        "pressure", .choice(["on", "off"]), defaults: ["on", "off"],
        "whether users use up memory and then reclaim, or keep to a quarter of it and never do", source: "this project"),
      DeclaredOption(
        "host-delay", .integer(0...1_000_000), default: "100",
        "users' operations from a hint to the host's act on it, on average", source: "this project"),
      DeclaredOption(
        "sessions", .integer(1...100_000), default: "10", "sessions in a repetition", source: "this project"),
    ],
    timesZoneLock: false, columns: DiscardRecord.experimentColumns, suits: { $0.reports })

  static func groups(quick: Bool) -> [RunConfig.Group] {
    var group = RunConfig.Group()
    group.guests = [quick ? "256M" : "1G"]
    group.states = quick ? ["fresh"] : ["fresh", "aged"]
    group.strategies = Strategies.all.map(\.card).filter { card.takes($0) }.map(\.name).flatMap { name in
      name == "alloc-max-order" ? [name, name + ":shrinker=off", name + ":ack=wait"] : [name]
    }
    return [group]
  }

  static func threads(_ options: OptionValues, nodes: Int) -> Int { 1 }

  /// The oracle looks at every page twice a session; users operate during the strategy's pauses; and a search that finds
  /// nothing tries all schedules.
  static func estimate(_ cell: Cell, _ host: Matrix.HostResources) -> Double {
    let units = Double(cell.guestBytes >> 12) / Double(1 << cell.guest.granuleOrder)
    let sessions = Double(cell.options.integer("sessions"))
    return cell.restartNanoseconds(host) + sessions * (units * 20 + 10e6)
  }

  static func run(_ repetition: Repetition, _ bench: Bench) throws -> RepetitionResult {
    let cell = repetition.cell
    var run = repetition.record
    var record = DiscardRecord(cell.options)
    guard let use = HintUse(rawValue: record.host) else { preconditionFailure("host=\(record.host)") }
    let isUnderPressure = record.pressure == "on"

    bench.restart(repetition)
    let course = RandomCourse(
      delay: record.hostDelay, isUnderPressure: isUnderPressure, freePages: repetition.guest.core.freePages,
      seed: bench.mutatorSeed(repetition))
    let world = DiscardWorld(repetition.guest, repetition.runner, use, reclaims: isUnderPressure, course)
    var ends = SessionEnds()
    var lost: [PageLoss.Kind: Int] = [:]
    let unitPages = 1 << world.memory.unitOrder
    for _ in 0..<record.sessions where ends.failure == nil {
      course.settle(world)
      let (outcome, losses) = world.runSession(Session(lowestOrder: cell.order, stop: bench.stop))
      ends.note(outcome)
      for loss in losses { lost[loss.kind, default: 0] += unitPages }
      if !losses.isEmpty { record.sessionsWithLoss += 1 }
    }
    repetition.model.touch()

    record.fill(world, operations: course.operations, lost: lost)
    record.describe(try LossSearch.finding(cell.strategy, use, isUnderPressure: isUnderPressure))
    run.found.outcome = ends.outcome
    run.found.blocksReported = world.hints
    return RepetitionResult(
      run: run, zones: [], holds: [], holdSequence: nil, failure: ends.failure,
      experiment: ExperimentRows(card, [record]))
  }
}

/// A row of discard.csv.
struct DiscardRecord: ExperimentRecord {
  static let fileName = "discard.csv"
  static let blank = DiscardRecord()
  static let keyColumns = 4

  var host = ""
  var pressure = ""
  var hostDelay = 0
  var sessions = 0
  var verdict = ""
  var pagesLostPerSession = 0.0
  var sessionsWithLoss = 0
  var pagesLost = 0
  var pagesLostReturned = 0
  var pagesLostTaken = 0
  var pagesLostInUse = 0
  var hints = 0
  var buffersUsed = 0
  var blocksShrunk = 0
  var operations = 0
  var allocationsFailed = 0
  var schedulesTried = 0
  var stepsToLoss: Int?
  var shortestLoss: String?

  init() {}

  /// Creates a record with the settings that distinguish its row.
  init(_ options: OptionValues) {
    host = options.choice("host")
    pressure = options.choice("pressure")
    hostDelay = options.integer("host-delay")
    sessions = options.integer("sessions")
  }

  mutating func fill(_ world: DiscardWorld, operations: Int, lost: [PageLoss.Kind: Int]) {
    pagesLostReturned = lost[.returned] ?? 0
    pagesLostTaken = lost[.taken] ?? 0
    pagesLostInUse = lost[.inUse] ?? 0
    pagesLost = PageLoss.Kind.allCases.reduce(0) { $0 + (lost[$1] ?? 0) }
    pagesLostPerSession = Double(pagesLost) / Double(sessions)
    hints = world.hints
    buffersUsed = world.buffersUsed
    blocksShrunk = world.blocksShrunk
    self.operations = operations
    allocationsFailed = world.allocationsFailed
  }

  /// Says what was found, here and by the search.
  mutating func describe(_ finding: LossSearch.Finding) {
    schedulesTried = finding.schedules
    stepsToLoss = finding.shortest?.departures
    shortestLoss = finding.shortest?.text
    let place = pressure == "on" ? " under pressure" : ""
    if pagesLost > 0 {
      verdict = "loses \(Self.rounded(pagesLostPerSession)) pages a session\(place)"
    } else {
      verdict = finding.shortest == nil ? "safe" : "can lose pages\(place)"
    }
  }

  /// Two digits are enough for what depends on a seed.
  private static func rounded(_ pages: Double) -> String {
    pages >= 10 ? "\(Int(pages.rounded()))" : "\((pages * 10).rounded() / 10)"
  }

  static let columns: [Column<DiscardRecord>] = [
    Column(
      "host_action", \.host,
      meaning: "discard: the host destroys the content; log: it clears dirty bits under a log of the guest's writes."),
    Column("pressure", \.pressure, meaning: "on: users use up memory, then reclaim; off: they do neither."),
    Column(
      "host_delay", unit: "operations", \.hostDelay,
      meaning: "Users' operations from a hint to the host's act on it, on average; a setting."),
    Column("sessions", \.sessions, meaning: "Sessions in the repetition; a setting."),
    Column(
      "verdict", unit: "text", \.verdict,
      meaning: "Whether pages were lost in these sessions, or in a schedule that the search found."),
    Column(
      "pages_lost_per_session", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.pagesLostPerSession,
      meaning: "Pages in use after a session that don't hold what their user wrote, a session."),
    Column(
      "sessions_with_loss", direction: .lowerIsBetter, \.sessionsWithLoss, meaning: "Sessions that lost any page."),
    Column("pages_lost", unit: "pages", direction: .lowerIsBetter, \.pagesLost, meaning: "Pages lost in all sessions."),
    Column(
      "pages_lost_returned", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.pagesLostReturned,
      meaning: "Of these, of blocks that the strategy held, and that were in use again before the host acted."),
    Column(
      "pages_lost_taken", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.pagesLostTaken,
      meaning: "Of blocks that were free when they were hinted, held by nobody, and in use before the host acted."),
    Column(
      "pages_lost_in_use", unit: "pages", direction: .lowerIsBetter, isPrimary: true, \.pagesLostInUse,
      meaning: "Of blocks that were in use already when they were hinted."),
    Column(
      "hints", unit: "blocks", direction: .higherIsBetter, isPrimary: true, \.hints,
      meaning: "Blocks named to the host, each time they were."),
    Column("buffers_used", \.buffersUsed, meaning: "Buffers that the host used, commands included."),
    Column(
      "blocks_shrunk", unit: "blocks", isPrimary: true, \.blocksShrunk,
      meaning: "Blocks that reclaim took back from the strategy by its shrinker."),
    Column("operations", \.operations, meaning: "The users' operations: allocations, writes and frees."),
    Column(
      "allocations_failed", isPrimary: true, \.allocationsFailed,
      meaning: "Users' allocations that failed, with nothing left to reclaim under pressure."),
    Column("schedules_tried", \.schedulesTried, meaning: "Schedules of a small guest that the search ran."),
    Column(
      "steps_to_loss", \.stepsToLoss,
      meaning:
        "Steps of users, reclaim and host in the shortest schedule that loses a page; empty if none with up to 3 "
        + "does."),
    Column("shortest_loss", unit: "steps", \.shortestLoss, meaning: "What happens to the block in that schedule."),
  ]
}
