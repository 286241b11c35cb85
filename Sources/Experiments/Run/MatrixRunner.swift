import Foundation
import GuestMemory
import Hinting
import Instruments

/// Runs a matrix: batch by batch what fits in memory together, and in each batch round by round every cell once, in a
/// seeded order, so that drift of the machine hits all cells alike.
public final class MatrixRunner {
  private let matrix: Matrix
  private let identity: RunIdentity
  private let numa: any NumaHost
  private let counters: HardwareCounters?
  private let openCounters: @Sendable () -> HardwareCounters?

  /// What the run can't say in a row.
  public private(set) var unavailable: [RunMeta.Unavailable]
  public private(set) var guests: [JSONValue] = []
  public let limits: RunLimits

  /// Measures this machine's limits (some 100 ms) and opens the counters of the calling thread, which has to be the one that
  /// runs.
  ///
  /// - Throws: ``CounterError`` where counters were insisted on, ``SystemCallError`` or ``GuestError`` where the host has no
  ///   memory for the limits.
  public init(
    _ matrix: Matrix, _ identity: RunIdentity, numa: any NumaHost = LibNuma(), library: PAPILibrary = .system
  ) throws {
    self.matrix = matrix
    self.identity = identity
    self.numa = numa
    let mode = matrix.counters
    openCounters = {
      guard case .counting(let counters)? = try? HardwareCounters.open(mode: mode, library: library) else { return nil }
      return counters
    }
    switch try HardwareCounters.open(mode: mode, library: library) {
    case .counting(let counters):
      self.counters = counters
      unavailable = counters.dropped.sorted { $0.key.rawValue < $1.key.rawValue }
        .map { .init(what: $0.key.rawValue, why: $0.value) }
    case .unavailable(let reason):
      counters = nil
      unavailable = [.init(what: "hardware counters", why: reason)]
    }
    limits = try RunLimits.measure()
  }

  /// Runs every repetition that isn't in `finished`, whose records are given with it, and sums each cell up.
  ///
  /// - Throws: ``MatrixError``, and what the observer throws.
  public func run(
    _ observer: any RunObserver, finished: [RunRecord] = [],
    holdSequence: (RepetitionKey) throws -> [UInt64]? = { _ in nil }
  ) throws -> [CellRecord] {
    let hostCPUs = try ThreadPlacement.allowedCPUs()
    defer { unpin(hostCPUs) }
    let bench = try Bench(
      matrix, identity, limits: limits.machine, counters: counters, openCounters: openCounters, numa: numa,
      hostCPUs: hostCPUs,
      lastLevelCacheBytes: HostFacts.gather().lastLevelCacheBytes)

    var records = Dictionary(grouping: finished, by: \.identity.cellID)
    var maxima: [String: RepeatableMaximum] = [:]
    // Cells with a finished repetition whose holds weren't kept.
    var incomplete: Set<String> = []
    for run in finished {
      if let sequence = try holdSequence(run.key) {
        maxima[run.identity.cellID, default: RepeatableMaximum()].add(sequence)
      } else {
        incomplete.insert(run.identity.cellID)
      }
    }
    let done = Set(finished.map(\.key))
    var walkLimits: [String: Double] = [:]
    let total = matrix.cells.count * matrix.config.repetitions
    var count = done.count
    let began = MonotonicClock.nanoseconds()
    var generator = SeededGenerator(seed: matrix.config.seed, stream: 7)
    var outOfTime = false

    // A batch that was finished before a resume is built again, too: its guests and the machine's limit on them belong
    // to the summary.
    let missing = count < total
    for batch in matrix.batches {
      let cells = matrix.cells.filter { batch.contains($0.guest) }
      var models: [GuestSpec: ModelledGuest] = [:]
      if missing && !outOfTime {
        for spec in batch {
          observer.progress(
            done: count, total: total, label: "building \(ByteSize(bytes: spec.bytes)) \(spec.state.name)")
          let model = try ModelledGuest(spec, matrix.captures, numa)
          models[spec] = model
          guests.append(try JSONValue(encoding: GuestDescription(model, footprint: matrix.footprints[spec])))
        }
      }
      for repetition in 0..<matrix.config.repetitions {
        // The machine's limit is sampled once a round, so that drift hits it as it hits the cells.
        if missing && !outOfTime {
          for spec in batch {
            guard let model = models[spec] else { continue }
            let keys = Set(cells.filter { $0.guest == spec }.map { bench.limitKey($0, on: model) })
            for key in keys { bench.sampleLimit(model, key) }
          }
        }
        for cell in cells.shuffled(using: &generator) {
          let key = RepetitionKey(cellID: cell.id, repetition: repetition)
          if done.contains(key) || outOfTime { continue }
          if let limit = matrix.timeLimitNanoseconds, Double(MonotonicClock.nanoseconds() - began) > limit {
            outOfTime = true
            unavailable.append(
              .init(
                what: "\(total - count) of \(total) repetitions",
                why: "the time limit of \(matrix.config.timeLimit ?? "") was reached; --resume runs them"))
            continue
          }
          guard let model = models[cell.guest] else { continue }
          observer.progress(
            done: count, total: total,
            label: "\(ByteSize(bytes: cell.guest.bytes)) \(cell.guest.state.name) \(cell.strategy.card.name)")
          let result = try bench.run(cell, repetition: repetition, on: model)
          if let sequence = result.holdSequence { maxima[cell.id, default: RepeatableMaximum()].add(sequence) }
          records[cell.id, default: []].append(result.run)
          try observer.finished(result)
          count += 1
        }
      }
      for cell in cells {
        walkLimits[cell.id] = models[cell.guest].flatMap { $0.limitPerBlock(bench.limitKey(cell, on: $0)) }
      }
      bench.forgetTeams()
    }
    observer.progress(done: count, total: total, label: "")
    if let why = bench.counterFailure {
      unavailable.append(.init(what: "hardware counters of some repetitions", why: why))
    }

    return matrix.cells.compactMap { cell in
      CellSummary.record(
        of: (records[cell.id] ?? []).sorted { $0.identity.repetition < $1.identity.repetition },
        limitNsPerBlock: cell.strategy.card.name == "none" ? nil : walkLimits[cell.id],
        holdLimitNs: matrix.holdLimitNanoseconds,
        lockHoldNsMaxRepeatable: incomplete.contains(cell.id)
          ? nil : maxima[cell.id]?.value.map { CycleClock.nanoseconds(fromTicks: $0) })
    }
  }

  /// Gives the thread back the CPUs it had.
  private func unpin(_ cpus: [Int]) { try? ThreadPlacement.allow(cpus) }
}
