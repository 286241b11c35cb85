import Benchmark
import Delivery
import Fixtures
import GuestMemory
import Hinting
import Instruments

/// One speed pass of each strategy there is, by its registry entry and with default options, over a fresh 8 GiB guest
/// that is put back before each pass and warm after a walk of its lists.
let benchmarks: @Sendable () -> Void = {
  GuestFixture.refuseDebugBuild()
  for entry in Strategies.all {
    Benchmark(
      entry.card.name,
      configuration: .init(
        metrics: [scanPerBlock, returnPerBlock, scan, cpuTime, kicks], warmupIterations: 2, maxDuration: .seconds(2),
        maxIterations: 500)
    ) { benchmark in
      let bench = Bench.of(entry)
      let pass = bench.pass()
      guard case .complete = pass.outcome else {
        benchmark.error("\(entry.card.name): \(pass.outcome)")
        return
      }
      let nanoseconds = CycleClock.nanoseconds(fromTicks:)
      benchmark.measurement(scanPerBlock, Int(nanoseconds(pass.scanTicks) * 1000 / Double(bench.blocks)))
      benchmark.measurement(returnPerBlock, Int(nanoseconds(pass.returnTicks) * 1000 / Double(bench.blocks)))
      benchmark.measurement(scan, Int(nanoseconds(pass.scanTicks)))
      benchmark.measurement(cpuTime, Int(pass.cpuNanoseconds))
      benchmark.measurement(kicks, pass.kicks)
    }
  }
}

// Whole numbers only: picoseconds, where a block takes few nanoseconds.
let scanPerBlock = BenchmarkMetric.custom("scan, ps/block", polarity: .prefersSmaller, useScalingFactor: false)
let returnPerBlock = BenchmarkMetric.custom("return, ps/block", polarity: .prefersSmaller, useScalingFactor: false)
let scan = BenchmarkMetric.custom("scan, ns", polarity: .prefersSmaller, useScalingFactor: false)
let cpuTime = BenchmarkMetric.custom("guest CPU, ns", polarity: .prefersSmaller, useScalingFactor: false)
let kicks = BenchmarkMetric.custom("kicks", polarity: .prefersSmaller, useScalingFactor: false)

/// One strategy, ready to run again and again.
final class Bench {
  let blocks: Int
  private let guest = GuestFixture.fresh(bytes: 8 * GuestFixture.gibibyte)
  private let walks: ListWalks
  private let runner: StrategyRunner
  private let order: Int
  private let stop = StopFlag()

  // Benchmarks run one after another on one thread.
  nonisolated(unsafe) private static var current: (name: String, bench: Bench)?

  static func of(_ entry: StrategyEntry) -> Bench {
    if let current, current.name == entry.card.name { return current.bench }
    current = nil
    let bench = Bench(entry)
    current = (entry.card.name, bench)
    return bench
  }

  private init(_ entry: StrategyEntry) {
    walks = ListWalks(guest)
    order = guest.core.highestOrder
    blocks = walks.blocks
    do {
      runner = try entry.configured().runner()
      try runner.prepare(guest.core, lowestOrder: order)
    } catch { fatalError("\(entry.card.name): \(error)") }
  }

  deinit { stop.deallocate() }

  func pass() -> SpeedPass {
    guest.restore()
    runner.reset(guest.core)
    _ = walks.iterated()
    return runner.speedPass(.init(guest), Session(lowestOrder: order, stop: stop))
  }
}
