import Delivery
import GuestMemory
import Records
import Testing

@testable import Experiments
@testable import Hinting

/// The shortest schedule that loses a page, and what a strategy serves by it.
@Suite struct LossSearchTests {
  private func strategy(_ name: String, _ given: [String: String] = [:]) throws -> ConfiguredStrategy {
    try Strategies.entry(named: name).configured(given)
  }

  private func shortest(
    _ name: String, _ given: [String: String] = [:], _ use: HintUse = .discard, isUnderPressure: Bool = true
  ) throws -> LosingSchedule? {
    try LossSearch.finding(try strategy(name, given), use, isUnderPressure: isUnderPressure).shortest
  }

  // MARK: the record's strategies

  @Test(arguments: Strategies.all.map(\.card).filter { $0.reports }.map(\.name))
  func noStrategyLosesUnderADirtyLog(name: String) throws {
    for isUnderPressure in [false, true] {
      #expect(try shortest(name, [:], .log, isUnderPressure: isUnderPressure) == nil)
    }
  }

  /// Who holds what it reports until the host has acted loses nothing, who doesn't does; except the driver as merged.
  @Test(arguments: Strategies.all.map(\.card).filter { $0.reports && $0.name != "alloc-max-order" })
  func addressesOfBlocksThatNobodyHoldsAreLost(card: StrategyCard) throws {
    for isUnderPressure in [false, true] {
      let found = try shortest(card.name, [:], .discard, isUnderPressure: isUnderPressure)
      #expect((found == nil) == card.takesWhatItReports, "\(card.name): \(found?.text ?? "safe")")
      if let found {
        // A user is all it takes.
        #expect(found.kind != .returned && found.departures == 1, "\(found)")
        #expect(found.lines.count { $0.hasPrefix("a user allocates") } == 1, "\(found.text)")
        // Queued one by one under the lock, or copied there and sent later; who takes no lock copies and sends at once.
        let isCopied = found.kind == .inUse
        #expect(found.lines.count == (isCopied ? 4 : 3), "\(found.text)")
        let steps = isCopied ? ["a user"] : ["the strategy queues", "the strategy sends"]
        #expect(steps.contains { found.lines[isCopied ? 1 : 0].hasPrefix($0) }, "\(found.text)")
      }
    }
  }

  /// Facts since 6.1, section 2: the block hinted last goes back, is used, and then the host acts.
  @Test func theDriverAsMergedLosesWhatItsShrinkerReturns() throws {
    let found = try #require(try shortest("alloc-max-order"))
    #expect(found.kind == .returned)
    #expect(found.lines.count == 4, "\(found.text)")
    #expect(found.lines[0].contains("takes") && found.lines[1].contains("shrinker"))
    #expect(found.lines[2].hasPrefix("a user allocates") && found.lines[3].hasPrefix("the host acts"))
    #expect(try shortest("alloc-max-order", [:], .discard, isUnderPressure: false) == nil)
    #expect(try shortest("alloc-max-order", ["shrinker": "off"]) == nil)
    #expect(try shortest("alloc-max-order", ["ack": "wait"]) == nil)
  }

  @Test func whatAStrategyServesFollows() throws {
    let goals = StrategyGoals(ofStrategyNamed: "alloc-max-order")
    #expect(goals.text == "migration; reclaim with shrinker=off or ack=wait")
    for card in Strategies.all.map(\.card) where card.name != "alloc-max-order" {
      let expected: StrategyGoal = !card.reports ? .none : card.takesWhatItReports ? .reclaim : .migration
      #expect(StrategyGoals(ofStrategyNamed: card.name).standard == expected, "\(card.name)")
    }
  }

  @Test func fullNamesServeByTheirOptions() {
    let names: [(String, StrategyGoal)] = [
      ("alloc-max-order", .migration), ("alloc-max-order:reserve=0:node=any:stop=keep", .migration),
      ("alloc-max-order:reserve=0:node=any:stop=keep:shrinker=on:ack=wait", .reclaim),
      ("alloc-max-order:shrinker=off", .reclaim), ("page-reporting:order=9:gone=1", .reclaim), ("none", .none),
      ("nobody", .none), ("", .none),
    ]
    for (name, goal) in names { #expect(StrategyGoal(ofFullName: name) == goal, "\(name)") }
  }

  // MARK: faults

  private func faulty(_ fault: FaultyHolder.Fault) throws -> ConfiguredStrategy {
    try StrategyEntry(FaultyHolder.self).configured(["fault": fault.rawValue])
  }

  @Test(arguments: FaultyHolder.Fault.allCases) func eachFaultIsCaught(fault: FaultyHolder.Fault) throws {
    let found = try LossSearch.finding(try faulty(fault), .discard, isUnderPressure: true).shortest
    let calm = try LossSearch.finding(try faulty(fault), .discard, isUnderPressure: false).shortest
    switch fault {
    case .none: #expect(found == nil && calm == nil, "\(found?.text ?? "")")
    case .listsAtOnce, .shrinksPending:
      #expect(found?.kind == .returned && calm == nil, "\(found?.text ?? "safe")")
    case .returnsEarly: #expect(found?.kind == .returned && calm?.kind == .returned, "\(found?.text ?? "safe")")
    case .namesUsed: #expect(found?.kind == .inUse && found?.departures == 0, "\(found?.text ?? "safe")")
    }
  }

  /// A log of writes doesn't help where nobody writes.
  @Test func aBlockThatWasNeverFreeIsLostUnderALog() throws {
    let found = try LossSearch.finding(try faulty(.namesUsed), .log, isUnderPressure: true).shortest
    #expect(found?.kind == .inUse)
    for fault in FaultyHolder.Fault.allCases where fault != .namesUsed {
      #expect(try LossSearch.finding(try faulty(fault), .log, isUnderPressure: true).shortest == nil, "\(fault)")
    }
  }

  // MARK: the search

  /// The same course from the same state ends in the same way, whatever was run before.
  @Test(arguments: ["alloc-max-order", "walk-callback", "page-reporting", "bitmap-hinting"])
  func aSearchRepeatsItself(name: String) throws {
    let strategy = try strategy(name)
    let runs = try (0..<2).map { _ in
      let search = try #require(
        try LossSearch.inSmallestGuest(strategy, .discard, isUnderPressure: true))
      let found = search.run()
      // Once more in the same guest.
      #expect(search.run() == found)
      #expect(found.schedules > 1)
      return found
    }
    #expect(runs[0] == runs[1])
  }

  /// Nobody but the host acts while the strategy holds a zone's lock.
  @Test func usersWaitForTheLock() throws {
    final class Watching: DiscardCourse {
      let scripted = ScriptedCourse()
      var lockedPauses = 0
      func pause(_ world: DiscardWorld) {
        let before = scripted.choices.count
        scripted.pause(world)
        guard world.isLocked else { return }
        lockedPauses += 1
        #expect(scripted.choices[before...].allSatisfy { $0.step == .host })
      }
      func wait(_ world: DiscardWorld) { scripted.wait(world) }
    }
    let guest = try LossSearch.guest(blocks: 4)
    let runner = try strategy("walk-callback").runner()
    try runner.prepare(guest.core, lowestOrder: 10)
    let course = Watching()
    let world = DiscardWorld(guest, runner, .discard, reclaims: true, course)
    world.reset()
    let stop = StopFlag()
    defer { stop.deallocate() }
    let result = world.runSession(Session(lowestOrder: 10, stop: stop))
    #expect(result.outcome == .complete && result.losses.isEmpty)
    #expect(world.hints == 4 && course.lockedPauses > 4)
  }
}
