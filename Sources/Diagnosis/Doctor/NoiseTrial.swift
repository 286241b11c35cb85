import Bench
import Foundation
import Instruments
import Records

/// Runs the same cells repeatedly through the usual runner, and compares them with themselves.
///
/// Two strategies at 8 GiB, aged, cold: one holds the lock for a microsecond some hundred times, the other for a
/// hundred microseconds a few times. Each is a cell whose repetitions are divided between two arms.
public struct NoiseTrial {
  static let strategies = ["step-iterator", "budgeted-resume"]
  private static let seed: UInt64 = 1

  let machine: MachineDoctor
  let host: Matrix.HostResources
  let experiments: ExperimentList

  /// - Throws: ``UserError`` if the guest doesn't fit, or the host's errors.
  func run(seconds: Double, progress: @escaping (Double) -> Void) throws -> NoiseReport {
    var group = RunConfig.Group()
    group.guests = ["8G"]
    group.states = ["aged"]
    group.strategies = Self.strategies
    var config = RunConfig()
    config.groups = [group]
    // Until the time is up.
    config.repetitions = 100_000
    config.counters = "off"
    config.seed = Self.seed
    let matrix = try Matrix(config, host: host, experiments: experiments)
    let runner = try MatrixRunner(
      matrix, RunIdentity(runID: "doctor", host: "", commit: nil, branch: nil), numa: machine.numa,
      library: machine.library)
    let observer = Observer(cells: matrix.cells.count, seconds: seconds, progress)
    do { _ = try runner.run(observer) } catch is Observer.TimeIsUp {}
    let guest = matrix.cells[0].guest
    return NoiseReport(
      guest: "\(group.guests[0]) guest, aged, granule \(guest.granuleOrder), vmemmap in "
        + "\(ByteSize(bytes: guest.vmemmapPage.bytes)) pages, \(matrix.cells[0].cache.rawValue) cache",
      seconds: seconds, seed: Self.seed,
      cells: matrix.cells.map { cell in
        Self.cell(cell.strategy.fullName, observer.results.filter { $0.run.identity.cellID == cell.id })
      })
  }

  /// The metrics of runs.csv that are compared.
  private static let metrics = [
    "ms_per_tib", "guest_cpu_ns", "lock_hold_ns_p50", "lock_hold_ns_p99", "lock_hold_ns_max",
  ]

  static func cell(_ strategy: String, _ results: [(run: RunRecord, holds: [UInt64]?)]) -> NoiseReport.Cell {
    let watched = results.compactMap(\.run.isPreempted)
    var cell = NoiseReport.Cell(
      strategy: strategy, repetitions: results.count, preempted: watched.isEmpty ? nil : watched.count { $0 },
      metrics: [])
    for name in metrics {
      guard let column = RunRecord.columns.first(where: { $0.name == name }) else { continue }
      let samples = results.compactMap { column.number($0.run) }
      let statistic = { NoiseStatistic.median(samples, $0) }
      guard let metric = metric(column.name, column.unit, pool: samples.count, scale: 1, statistic) else { continue }
      cell.metrics.append(metric)
      cell.metrics[cell.metrics.count - 1].spread = NoiseStatistic.spread(samples)
    }
    let sequences = results.compactMap(\.holds)
    if let metric = metric(
      "lock_hold_ns_max_repeatable", "ns", pool: sequences.count, scale: CycleClock.nanosecondsPerTick,
      { NoiseStatistic.repeatableMaximum(sequences, $0) })
    {
      cell.metrics.append(metric)
    }
    return cell
  }

  private static func metric(
    _ name: String, _ unit: String, pool: Int, scale: Double, _ statistic: ([Int]) -> Double?
  ) -> NoiseReport.Metric? {
    guard pool > 0, let whole = statistic(Array(0..<pool)) else { return nil }
    let arms = NoiseStatistic.arms(count: pool, seed: seed)
    var difference: Double?
    if whole > 0, !arms.first.isEmpty, let first = statistic(arms.first), let second = statistic(arms.second) {
      difference = (second - first) / whole
    }
    return NoiseReport.Metric(
      name: name, unit: unit, median: whole * scale, spread: nil, difference: difference,
      resolvable: NoiseReport.repetitions.map {
        NoiseStatistic.resolvable(pool: pool, repetitions: $0, seed: seed, statistic)
      })
  }

  /// Keeps the compared values, and ends the run after whole rounds. Time starts with the first round; at least one is
  /// run.
  private final class Observer: RunObserver {
    struct TimeIsUp: Error {}

    private(set) var results: [(run: RunRecord, holds: [UInt64]?)] = []
    private let cells: Int
    private let seconds: Double
    private let showProgress: (Double) -> Void
    private var began: UInt64?

    init(cells: Int, seconds: Double, _ showProgress: @escaping (Double) -> Void) {
      self.cells = cells
      self.seconds = seconds
      self.showProgress = showProgress
    }

    func finished(_ repetition: RepetitionResult) throws {
      results.append((repetition.run, repetition.holdSequence?.lengths))
      if began == nil { began = MonotonicClock.nanoseconds() }
      if results.count.isMultiple(of: cells) && elapsed >= seconds { throw TimeIsUp() }
    }

    func progress(done: Int, total: Int, label: String) { showProgress(elapsed) }

    private var elapsed: Double { began.map { Double(MonotonicClock.nanoseconds() - $0) / 1e9 } ?? 0 }
  }
}
