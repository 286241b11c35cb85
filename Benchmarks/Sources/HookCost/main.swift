import Delivery
import Fixtures
import GuestMemory
import Hinting
import Instruments

import func Glibc.exit

// What hooks cost who allocates while nobody scans: every strategy that has hooks against the guest without any, in rounds
// A B C ... C B A from the same restored guest. A round gives one figure and one difference to A for each, so that drift
// favours none; what other programs do to the machine hits single rounds.
//
// `--reported` lets each design run to its end before, untimed: then it knows of everything, and has to be told of what
// is freed. Without, its work is asked for and hasn't begun, which is how things stand between a request and the work.
//
// `--counts` counts instructions instead, which are exact: it runs itself under valgrind, as `--count-simulated`.

struct Work: Sendable {
  let name: String
  /// Alloc and free pairs in one call of `body(1)`.
  let pairs: Int
  /// Of a slice, some 0.1 ms.
  let count: Int
  let body: @Sendable (AllocationLoop, Int) -> Bool
}

func pairs(order: Int, count: Int) -> Work {
  Work(name: "order \(order)", pairs: 1, count: count) { loop, count in loop.pairs(order: order, count: count) }
}

/// Order 0 and 9 go through the per-CPU lists, order 10 to the zone under its lock.
let works = [
  pairs(order: 0, count: 2_000),
  pairs(order: 9, count: 100),
  pairs(order: 10, count: 100),
  Work(name: "churn", pairs: AllocationLoop.blocksPerChurn, count: 1) { loop, count in loop.churn(count: count) },
]

/// A strategy's hooks on the guest.
final class Contestant {
  let name: String
  private let runner: StrategyRunner
  private let guest: Guest
  private let order: Int
  private let stop = StopFlag()

  init(_ entry: StrategyEntry, _ guest: Guest, name: String? = nil, _ options: [String: String] = [:]) {
    self.name = name ?? entry.card.name
    self.guest = guest
    do {
      let strategy = try entry.configured(options)
      order = strategy.nativeOrder(highest: guest.core.highestOrder)
      runner = strategy.runner()
      try runner.prepare(guest.core, lowestOrder: order)
    } catch { fatalError("\(entry.card.name): \(error)") }
  }

  deinit { stop.deallocate() }

  /// The guest as every measurement finds it, and a loop on it.
  func start(reported: Bool) -> AllocationLoop {
    guest.restore()
    runner.reset(guest.core)
    if reported { _ = runner.speedPass(.init(guest), Session(lowestOrder: order, stop: stop)) }
    return runner.allocationLoop(guest, cpu: 0)
  }

  /// Nanoseconds a pair: the median of some slices, so that one the scheduler cuts into drops out. The first warms up.
  func measure(_ work: Work, reported: Bool) -> Double {
    let loop = start(reported: reported)
    var slices: [Double] = []
    for slice in 0..<10 {
      let begin = CycleClock.begin()
      let done = work.body(loop, work.count)
      let end = CycleClock.end()
      require(done)
      if slice > 0 { slices.append(CycleClock.nanoseconds(fromTicks: end &- begin)) }
    }
    return Spread(slices).median / Double(work.count * work.pairs)
  }
}

func require(_ done: Bool) { if !done { fatalError("the guest ran out of memory") } }

/// Options that bring other hooks than a strategy has without them.
let otherHooks = [
  (strategy: "page-reporting", option: "trigger", value: "65536"),
  (strategy: "page-reporting", option: "keep-reported", value: "on"),
  (strategy: "page-reporting", option: "keep-reported", value: "notice"),
]

/// Without hooks first, and once more: what the second differs from the first is the measurement's own error.
func contestants(_ guest: Guest) -> [Contestant] {
  guard let plain = Strategies.all.first(where: { !$0.card.hasHooks && !$0.card.reports }) else {
    fatalError("no strategy that does nothing")
  }
  return [Contestant(plain, guest, name: "no hooks"), Contestant(plain, guest, name: "no hooks, again")]
    + Strategies.all.filter(\.card.hasHooks).flatMap { entry in
      [Contestant(entry, guest)]
        + otherHooks.filter { $0.strategy == entry.card.name }.map { other in
          Contestant(
            entry, guest, name: "\(entry.card.name):\(other.option)=\(other.value)", [other.option: other.value])
        }
    }
}

/// One row of the table for each contestant.
func compare(_ all: [Contestant], _ work: Work, rounds: Int, reported: Bool) {
  var times = [[Double]](repeating: [], count: all.count)
  for round in 0..<(rounds + 1) {
    var sums = [Double](repeating: 0, count: all.count)
    for index in Array(all.indices) + all.indices.reversed() {
      sums[index] += all[index].measure(work, reported: reported) / 2
    }
    // The first is for the caches.
    if round == 0 { continue }
    for index in all.indices { times[index].append(sums[index]) }
  }
  for (index, contestant) in all.enumerated() {
    let time = Spread(times[index])
    var row = "\(work.name.column(9, left: true)) \(contestant.name.column(32, left: true))"
    for figure in [time.median, time.lowest, time.highest] { row += figure.text(1).column(9) }
    if index > 0 {
      let more = Spread(zip(times[index], times[0]).map { $0 - $1 })
      for figure in [more.median, more.quantile(0.1), more.quantile(0.9), more.lowest, more.highest] {
        row += figure.text(1).column(9)
      }
    }
    print(row)
  }
}

func compareAll(rounds: Int, reported: Bool) {
  let all = contestants(GuestFixture.fresh(bytes: 8 * GuestFixture.gibibyte))
  print("ns per alloc and free, and the difference to no hooks, over \(rounds) rounds")
  var head = "work".column(9, left: true) + " " + "hooks of".column(32, left: true)
  for name in ["median", "lowest", "highest", "more", "10 %", "90 %", "lowest", "highest"] { head += name.column(9) }
  print(head)
  for work in works { compare(all, work, rounds: rounds, reported: reported) }
}

/// Instructions a pair of each work with each design's hooks, and how many more than without.
func compareCounts(reported: Bool) throws {
  let outcome = try SimulatedSelf.run((reported ? ["--reported"] : []) + [countSimulated])
  let all = contestants(GuestFixture.fresh(bytes: GuestFixture.gibibyte))
  print("instructions per alloc and free, and the difference to no hooks")
  for work in works {
    func instructions(_ contestant: Contestant) throws -> Double {
      Double(try outcome.reading(countName(work, contestant)).instructions) / Double(work.count * work.pairs)
    }
    let plain = try instructions(all[0])
    for contestant in all {
      let count = try instructions(contestant)
      print(
        "\(work.name.column(9, left: true)) \(contestant.name.column(32, left: true))", count.text(2).column(9),
        (count - plain).text(2).column(9))
    }
  }
}

let countSimulated = "--count-simulated"

func countName(_ work: Work, _ contestant: Contestant) -> String { "\(work.name): \(contestant.name)" }

/// What the process under valgrind does: each work with each design's hooks, once to warm up and once counted.
func countAll(reported: Bool) {
  guard SimulatedSelf.answer() else { usage() }
  for contestant in contestants(GuestFixture.fresh(bytes: GuestFixture.gibibyte)) {
    for work in works {
      let loop = contestant.start(reported: reported)
      require(work.body(loop, work.count))
      Simulation.count(as: countName(work, contestant)) { start, stop in
        start()
        let done = work.body(loop, work.count)
        stop()
        require(done)
      }
    }
  }
}

func usage() -> Never {
  print("usage: HookCost [--reported] [--rounds N | --counts]")
  exit(64)
}

GuestFixture.refuseDebugBuild()
var arguments = Array(CommandLine.arguments.dropFirst())
let reported = arguments.first == "--reported"
if reported { arguments.removeFirst() }
switch (arguments.first, arguments.count) {
case (nil, 0): compareAll(rounds: 201, reported: reported)
case ("--rounds", 2):
  guard let rounds = Int(arguments[1]), rounds > 0 else { usage() }
  compareAll(rounds: rounds, reported: reported)
case ("--counts", 1):
  do { try compareCounts(reported: reported) } catch {
    print("HookCost: \(error)")
    exit(69)
  }
case (countSimulated, 1): countAll(reported: reported)
default: usage()
}
