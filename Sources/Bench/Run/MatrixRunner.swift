import Foundation
import GuestMemory
import Hinting
import Instruments
import Machine
import Records

/// Runs a matrix batch by batch. Guests of a batch are in memory together; in each round every cell of the batch runs
/// once, in a seeded order, so that drift of the machine affects all cells alike.
public final class MatrixRunner {
  private let matrix: Matrix
  private let identity: RunIdentity
  private let numa: any NumaHost
  private let counters: HardwareCounters?
  private let openCounters: @Sendable () -> HardwareCounters?
  private let simulator: CountSimulator?
  /// The simulated counts, by cell.
  private var simulated: [String: RunRecord.Counters] = [:]

  /// How hardware events are counted; nil if none are.
  public let counterFacts: CounterFacts?

  /// What the run couldn't measure.
  public private(set) var unavailable: [RunMeta.Unavailable]
  public private(set) var guests: [JSONValue] = []
  public let floors: RunFloors

  /// Measures this machine's floors (about 100 ms) and opens counters for the calling thread, which must be the one
  /// that runs.
  ///
  /// `callgrind`: the simulator, if simulated counts are asked for; nil: the installed one, with caches like this
  /// machine's.
  ///
  /// - Throws: ``CounterError`` if counters were required but don't work, ``SystemCallError`` or ``GuestError`` if the
  ///   host runs out of memory.
  public init(
    _ matrix: Matrix, _ identity: RunIdentity, numa: any NumaHost = LibNuma(), library: PAPILibrary = .system,
    callgrind: Callgrind? = nil
  ) throws {
    self.matrix = matrix
    self.identity = identity
    self.numa = numa
    if let missing = matrix.cells.lazy.compactMap({ $0.experiment.missing($0) }).first {
      throw UserError(.unavailable, missing)
    }
    let (mode, events) = (matrix.counters, matrix.config.events)
    @Sendable func open() throws(CounterError) -> HardwareCounters.Opening {
      try HardwareCounters.open(mode: mode, named: events, library: library)
    }
    openCounters = {
      guard case .counting(let counters)? = try? open() else { return nil }
      return counters
    }
    if mode == .simulated {
      let simulator = try CountSimulator(
        matrix, callgrind ?? Callgrind(caches: SimulatedCaches(like: HostFacts.gather().caches)))
      self.simulator = simulator
      counters = nil
      counterFacts = simulator.facts
      let missing = HardwareEvent.allCases.filter { simulator.facts.overhead[$0.rawValue] == nil }
      unavailable = [
        .init(what: missing.map(\.rawValue).joined(separator: ", "), why: "callgrind doesn't simulate them")
      ]
    } else {
      simulator = nil
      switch try open() {
      case .counting(let counters):
        self.counters = counters
        counterFacts = CounterFacts(counters)
        unavailable = counters.dropped.map { .init(what: $0.key.name, why: $0.value) }.sorted { $0.what < $1.what }
      case .unavailable(let reason):
        counters = nil
        counterFacts = nil
        unavailable = [.init(what: "hardware counters", why: reason)]
      }
    }
    floors = try RunFloors.measure()
  }

  /// Runs every repetition that isn't in `finished`, and summarises each cell, finished repetitions included.
  ///
  /// - Throws: ``UserError``, and the observer's errors.
  public func run(
    _ observer: any RunObserver, finished: [RunRecord] = [],
    holdSequence: (RepetitionKey) throws -> HoldSequence? = { _ in nil }
  ) throws -> [CellRecord] {
    let hostCPUs = try ThreadPlacement.allowedCPUs()
    defer { unpin(hostCPUs) }
    let bench = try Bench(
      matrix, identity, floors: floors.machine, counters: counters, openCounters: openCounters, numa: numa,
      hostCPUs: hostCPUs,
      lastLevelCacheBytes: HostFacts.gather().lastLevelCacheBytes)

    var records = Dictionary(grouping: finished, by: \.identity.cellID)
    var maxima: [String: RepeatableMaximum] = [:]
    var own: [String: OwnLongestHold] = [:]
    // Ticks.
    var ownLongest: [String: Double] = [:]
    func keep(_ sequence: HoldSequence, of cell: String) {
      maxima[cell, default: RepeatableMaximum()].add(sequence.lengths)
      own[cell, default: OwnLongestHold()].add(sequence)
    }
    // Cells with a finished repetition whose holds weren't kept.
    var incomplete: Set<String> = []
    for run in finished {
      if let sequence = try holdSequence(run.key) {
        keep(sequence, of: run.identity.cellID)
      } else {
        incomplete.insert(run.identity.cellID)
      }
    }
    let done = Set(finished.map(\.key))
    // A cell's count applies to all its repetitions, also to those before a resume.
    for run in finished where run.counters.source == CounterFacts.simulated {
      simulated[run.identity.cellID] = run.counters
    }
    var walkFloors: [String: Double] = [:]
    let total = matrix.cells.count * matrix.config.repetitions
    var count = done.count
    let began = MonotonicClock.nanoseconds()
    var generator = SeededGenerator(seed: matrix.config.seed, stream: 7)
    var hasEnded = false

    // A batch that was finished before a resume is built again, since the summary includes its guests and floors.
    let missing = count < total
    for batch in matrix.batches {
      let cells = batch.cells
      var models: [GuestSpec: ModelledGuest] = [:]
      if missing && !hasEnded {
        // Before the batch's guests are built, since the simulator needs as much memory.
        for spec in batch.guests {
          let open = cells.filter { cell in
            cell.modelledGuest == spec
              && (0..<matrix.config.repetitions).contains { !done.contains(.init(cellID: cell.id, repetition: $0)) }
          }
          try simulate(open) { observer.progress(done: count, total: total, label: $0) }
        }
      }
      if missing && !hasEnded {
        for spec in batch.guests {
          observer.progress(
            done: count, total: total, label: "building \(ByteSize(bytes: spec.bytes)) \(spec.state.name)")
          let model = try ModelledGuest(spec, matrix.captures, numa)
          models[spec] = model
          guests.append(try JSONValue(encoding: GuestDescription(model, footprint: matrix.footprints[spec])))
        }
      }
      for repetition in 0..<matrix.config.repetitions {
        // The floor is sampled once per round, so that drift affects it like the cells.
        if missing && !hasEnded {
          for spec in batch.guests {
            guard let model = models[spec] else { continue }
            let keys = Set(
              cells.filter { $0.modelledGuest == spec && $0.configuredStrategy != nil }.map {
                bench.floorKey($0, on: model)
              })
            for key in keys { bench.sampleFloor(model, key) }
          }
        }
        for cell in cells.shuffled(using: &generator) {
          let key = RepetitionKey(cellID: cell.id, repetition: repetition)
          if done.contains(key) || hasEnded { continue }
          var why: String?
          if let limit = matrix.timeLimitNanoseconds, Double(MonotonicClock.nanoseconds() - began) > limit {
            why = "the time limit of \(matrix.config.timeLimit ?? "") was reached"
          } else if observer.isCancelled {
            why = "the run was interrupted"
          }
          if let why {
            hasEnded = true
            unavailable.append(
              .init(what: "\(total - count) of \(total) repetitions", why: "\(why); --resume runs them"))
            continue
          }
          let model = cell.modelledGuest.flatMap { models[$0] }
          observer.progress(done: count, total: total, label: cell.label)
          observer.beginning()
          var result = try bench.run(cell, repetition: repetition, on: model)
          if let counts = simulated[cell.id] { result.run.counters = counts }
          if let sequence = result.holdSequence { keep(sequence, of: cell.id) }
          records[cell.id, default: []].append(result.run)
          try observer.finished(result)
          count += 1
        }
      }
      for cell in cells {
        guard cell.configuredStrategy?.card.reports == true else { continue }
        walkFloors[cell.id] = models[cell.guest].flatMap { $0.floorPerBlock(bench.floorKey(cell, on: $0)) }
      }
      // A batch's cells are done: its sequences go.
      for cell in cells {
        ownLongest[cell.id] = own[cell.id]?.value
        own[cell.id] = nil
      }
      bench.forgetTeams()
    }
    observer.progress(done: count, total: total, label: "")
    unavailable += bench.unavailable
    if let why = bench.counterFailure {
      unavailable.append(.init(what: "hardware counters of some repetitions", why: why))
    }

    return matrix.cells.compactMap { cell in
      CellSummary.record(
        of: (records[cell.id] ?? []).sorted { $0.identity.repetition < $1.identity.repetition },
        limitNsPerBlock: walkFloors[cell.id],
        holdLimitNs: matrix.holdLimitNanoseconds,
        lockHoldNsMaxRepeatable: incomplete.contains(cell.id)
          ? nil : maxima[cell.id]?.value.map { CycleClock.nanoseconds(fromTicks: $0) },
        lockHoldNsMaxOwn: incomplete.contains(cell.id)
          ? nil : ownLongest[cell.id].map { $0 * CycleClock.nanosecondsPerTick })
    }
  }

  /// Simulates the sessions of cells of one guest that aren't counted yet.
  private func simulate(_ cells: [Cell], progress: (String) -> Void) throws {
    let cells = cells.filter { simulated[$0.id] == nil && $0.timesHold }
    guard let simulator, let guest = cells.first?.modelledGuest else { return }
    let name = "\(ByteSize(bytes: guest.bytes)) \(guest.state.name)"
    progress("counting \(name)")
    let (counts, failure) = try simulator.count(cells)
    simulated.merge(counts) { $1 }
    let lacking = cells.filter { counts[$0.id] == nil }
    if let failure {
      unavailable.append(
        .init(
          what: "simulated counts of \(name), from \(lacking.first?.strategy.fullName ?? "the last cell") on",
          why: failure))
    }
  }

  /// Allows the thread to run on its original CPUs again.
  private func unpin(_ cpus: [Int]) { try? ThreadPlacement.allow(cpus) }
}
