import Bench
import Delivery
import GuestMemory
import Records
import TestSupport
import Testing

@testable import Experiments
@testable import Hinting

/// Random courses, and the experiment as a run has it.
@Suite struct DiscardRunTests {
  private struct Result: Equatable {
    var lost: [PageLoss.Kind: Int] = [:]
    var hints = 0
    var operations = 0
    var shrunk = 0
    var failed = 0
    var outcomes: [Outcome] = []
  }

  private func run(
    _ strategy: ConfiguredStrategy, _ use: HintUse, isUnderPressure: Bool, seed: UInt64, sessions: Int = 4,
    kernel: KernelVersion = .standard, delay: Int = 60
  ) throws -> Result {
    var geometry = GuestGeometry.standard(bytes: 256 << 20, cpus: 4)
    geometry.kernel = kernel
    geometry.vmemmapPage = .small
    let guest = try Guest(geometry)
    guest.fillFresh()
    let runner = strategy.runner()
    let order = strategy.order(wanted: 10, highest: 10)
    try runner.prepare(guest.core, lowestOrder: order)
    runner.reset(guest.core)
    let course = RandomCourse(
      delay: delay, isUnderPressure: isUnderPressure, freePages: guest.core.freePages, seed: seed)
    let world = DiscardWorld(guest, runner, use, reclaims: isUnderPressure, course)
    let stop = StopFlag()
    defer { stop.deallocate() }
    var result = Result()
    for _ in 0..<sessions {
      course.settle(world)
      let (outcome, losses) = world.runSession(Session(lowestOrder: order, stop: stop))
      result.outcomes.append(outcome)
      for loss in losses { result.lost[loss.kind, default: 0] += 1 }
    }
    result.hints = world.hints
    result.operations = course.operations
    result.shrunk = world.blocksShrunk
    result.failed = world.allocationsFailed
    return result
  }

  private func strategy(_ name: String, _ given: [String: String] = [:]) throws -> ConfiguredStrategy {
    try Strategies.entry(named: name).configured(given)
  }

  /// Whatever the course, who is safe by the search loses nothing.
  @Test(arguments: Strategies.all.map(\.card).filter { $0.reports }.map(\.name), KernelVersion.allCases)
  func whoServesItLosesNothing(name: String, kernel: KernelVersion) throws {
    for seed in TestSeeds.first(3) {
      let strategy = try strategy(name)
      for isUnderPressure in [false, true] {
        let logged = try run(strategy, .log, isUnderPressure: isUnderPressure, seed: seed, sessions: 2, kernel: kernel)
        #expect(logged.lost.isEmpty, "seed \(seed), pressure \(isUnderPressure): \(logged)")
        guard StrategyGoal(of: strategy) == .reclaim else { continue }
        let discarded = try run(
          strategy, .discard, isUnderPressure: isUnderPressure, seed: seed, sessions: 2, kernel: kernel)
        #expect(discarded.lost.isEmpty, "seed \(seed), pressure \(isUnderPressure): \(discarded)")
      }
    }
  }

  @Test func addressesAreLostInRandomCourses() throws {
    for name in ["walk-callback", "free-list-multi-buffer", "budgeted-resume", "record-unused-pages"] {
      let result = try run(try strategy(name), .discard, isUnderPressure: true, seed: 1, sessions: 8, delay: 200)
      #expect((result.lost[.taken] ?? 0) > 0 && result.lost[.returned] == nil, "\(name): \(result)")
    }
  }

  @Test func theShrinkerAndNothingElseLosesTheDriversBlocks() throws {
    let merged = try run(try strategy("alloc-max-order"), .discard, isUnderPressure: true, seed: 1)
    #expect((merged.lost[.returned] ?? 0) > 0 && merged.shrunk > 0, "\(merged)")
    #expect(merged.lost[.taken] == nil && merged.lost[.inUse] == nil)
    let calm = try run(try strategy("alloc-max-order"), .discard, isUnderPressure: false, seed: 1)
    #expect(calm.lost.isEmpty && calm.shrunk == 0 && calm.hints > 0)
    let waiting = try run(try strategy("alloc-max-order", ["ack": "wait"]), .discard, isUnderPressure: true, seed: 1)
    // Reclaim works as before, on blocks that the host is done with.
    #expect(waiting.lost.isEmpty && waiting.shrunk > 0, "\(waiting)")
    let without = try run(
      try strategy("alloc-max-order", ["shrinker": "off"]), .discard, isUnderPressure: true, seed: 1)
    #expect(without.lost.isEmpty && without.shrunk == 0 && without.failed > 0, "\(without)")
  }

  @Test(arguments: FaultyHolder.Fault.allCases) func faultsAreCaughtInRandomCourses(fault: FaultyHolder.Fault) throws {
    let strategy = try StrategyEntry(FaultyHolder.self).configured(["fault": fault.rawValue])
    let result = try run(strategy, .discard, isUnderPressure: true, seed: 2, sessions: 6)
    #expect(result.lost.isEmpty == (fault == .none), "\(fault): \(result)")
  }

  @Test func aCourseRepeatsItselfAndAnotherSeedIsAnother() throws {
    let strategy = try strategy("alloc-max-order")
    let runs = try [7, 7, 8].map { try run(strategy, .discard, isUnderPressure: true, seed: $0) }
    #expect(runs[0] == runs[1] && runs[0] != runs[2])
  }

  /// A host that acts at once leaves nobody time.
  @Test func aPromptHostOfTheDriverLosesLittle() throws {
    let strategy = try strategy("alloc-max-order")
    func lost(_ delay: Int) throws -> Int {
      try run(strategy, .discard, isUnderPressure: true, seed: 3, delay: delay).lost.values.reduce(0, +)
    }
    #expect(try lost(0) < lost(200))
  }

  // MARK: as a run

  @Test func rowsAgreeWithThemselves() throws {
    var group = MatrixFixtures.group(
      ["256M"], states: ["fresh"],
      ["walk-callback", "alloc-max-order", "alloc-max-order:ack=wait", "page-reporting:order=9"])
    group.experimentOptions["sessions"] = ["3"]
    var config = MatrixFixtures.config(group, repetitions: 1)
    config.experiments = ["discard"]
    let run = try MatrixRun.run(try MatrixFixtures.matrix(config))
    #expect(run.observer.results.count == 16)
    var verdicts: [String: String] = [:]
    for result in run.observer.results {
      #expect(result.failure == nil)
      let rows = try #require(result.experiment)
      #expect(rows.rows.count == 1)
      let row = Dictionary(
        uniqueKeysWithValues: zip(rows.columns, rows.rows[0]).compactMap { name, text in text.map { (name, $0) } })
      func number(_ name: String) throws -> Double { try #require(row[name].flatMap { Double($0) }, "\(name)") }
      let kinds = try ["returned", "taken", "in_use"].map { try number("pages_lost_\($0)") }
      #expect(try kinds.reduce(0, +) == number("pages_lost"))
      #expect(try number("pages_lost_per_session") == number("pages_lost") / 3)
      #expect(try (number("sessions_with_loss") > 0) == (number("pages_lost") > 0))
      #expect(try number("hints") == Double(result.run.found.blocksReported ?? -1))
      #expect((row["steps_to_loss"] == nil) == (row["shortest_loss"] == nil))
      let name =
        result.run.identity.strategy.hasSuffix("ack=wait")
        ? "ack" : String(result.run.identity.strategy.prefix { $0 != ":" })
      verdicts["\(name) \(row["host_action"] ?? "") \(row["pressure"] ?? "")"] = row["verdict"]
    }
    #expect(verdicts.count == 16)
    for (key, verdict) in verdicts {
      let loses =
        key == "walk-callback discard on" || key == "walk-callback discard off" || key == "alloc-max-order discard on"
      #expect(verdict.hasPrefix("loses ") == loses && (verdict == "safe") == !loses, "\(key): \(verdict)")
      #expect(verdict.hasSuffix("under pressure") == (loses && key.hasSuffix("on")), "\(key): \(verdict)")
    }
  }
}
