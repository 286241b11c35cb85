import Delivery
import Fixtures
import GuestMemory
import Harness
import Hinting
import Instruments

/// One speed pass of each strategy there is, by its registry entry and with default options, over a fresh 8 GiB guest
/// that is put back before each pass and warm after a walk of its lists.
///
/// Figures are over all blocks free at the start. Holds, and what one of them looks at, are of a pass with the probe.
let benchmarks: @Sendable () -> Void = {
  for entry in Strategies.all {
    benchmark(
      entry.card.name, per: "block", times: ["scan", "return"],
      counts: ["kicks", "descriptors", "holds", "items", "hints", "restarts", "pages withheld"]
    ) { region in
      Bench.of(entry).pass(region)
    }
  }
}

/// One strategy, ready to run again and again.
final class Bench {
  private let name: String
  private let guest = GuestFixture.fresh(bytes: 8 * GuestFixture.gibibyte)
  private let walks: ListWalks
  private let runner: StrategyRunner
  private let session: Session
  private let stop = StopFlag()
  /// Of a pass with the probe.
  private var probed: [String: Int] = [:]

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
    name = entry.card.name
    walks = ListWalks(guest)
    session = Session(lowestOrder: guest.core.highestOrder, stop: stop)
    do {
      runner = try entry.configured().runner()
      try runner.prepare(guest.core, lowestOrder: guest.core.highestOrder)
      probed = try probedPass()
    } catch { fatalError("\(name): \(error)") }
  }

  deinit { stop.deallocate() }

  func pass(_ region: Region) -> Done {
    putBack()
    _ = walks.iterated()
    let pass = runner.speedPass(.init(guest), session, bracket: region)
    require(pass.outcome)
    return Done(
      walks.blocks,
      nanoseconds: [
        "scan": CycleClock.nanoseconds(fromTicks: pass.scanTicks),
        "return": CycleClock.nanoseconds(fromTicks: pass.returnTicks),
      ],
      counts: probed.merging(
        ["kicks": pass.kicks, "descriptors": pass.descriptors, "restarts": pass.restarts], uniquingKeysWith: { $1 }))
  }

  private func probedPass() throws -> [String: Int] {
    let holds = try HoldLog(capacity: 1 << 20)
    let hints = try HintLog(capacity: 1 << 20)
    putBack()
    let pass = runner.probedPass(.init(guest), holds.probe(), session, hints)
    require(pass.outcome)
    return [
      "holds": holds.count + holds.dropped, "items": holds.samples.reduce(0) { $0 + Int($1.items) },
      "hints": hints.hints.count, "pages withheld": Int(pass.pagesWithheldMax),
    ]
  }

  private func putBack() {
    guest.restore()
    runner.reset(guest.core)
  }

  /// A design's own cap ends a session as it should be ended.
  private func require(_ outcome: Outcome) {
    if outcome != .complete && outcome != .limit { fatalError("\(name): \(outcome)") }
  }
}
