import Delivery
import Instruments

@testable import Bench
@testable import GuestMemory
@testable import Hinting

/// Runs one strategy on one guest, single-threaded, and says which rules it breaks.
struct ConformanceCheck {
  let entry: StrategyEntry
  let configured: ConfiguredStrategy
  let guest: Guest
  let lowestOrder: Int
  var cpu = 0
  /// Where the stop comes in the stopped sessions: any number.
  var stopDraw: UInt64 = 0
  /// Replaced to show that a wrong account is noticed.
  var account: (Guest, Int, [HintLog.Hint]) -> SessionAccount = {
    SessionAccount($0, lowestOrder: $1, hints: $2)
  }

  func violations() throws -> [Violation] {
    switch guest.geometry.kernel {
    case .linux61: try run(configured.type, Linux6_1.self)
    case .linux612: try run(configured.type, Linux6_12.self)
    case .mainline: try run(configured.type, Mainline.self)
    }
  }

  /// What one session did.
  private struct Seen {
    var outcome: Outcome
    var restarts: Int
    /// Holds until the strategy had no more to say.
    var holds: Int
    var observer: SessionObserver
  }

  private func run<S: StrategyPasses, Rules: KernelRules>(_ type: S.Type, _ rules: Rules.Type) throws -> [Violation] {
    var violations: [Violation] = []
    func fail(_ rule: Violation.Rule, _ detail: String) { violations.append(Violation(rule: rule, detail: detail)) }
    let stop = StopFlag()
    defer { stop.deallocate() }

    guest.restore()
    let before = AllocatorState(guest)
    var strategy = S(configured.options)
    try strategy.prepare(guest.core, lowestOrder: lowestOrder)
    let device = try HintDevice(size: strategy.queueSize)

    // The session that is judged hint by hint, and whole at its end.
    let seen = session(&strategy, rules, stop, before, device) { seen in
      judgeEnd(seen, before, fail)
    }
    violations += seen.observer.violations
    judgeAfterwards(seen, before, .brokenAfterwards, fail)
    guest.restore()
    if let difference = AllocatorState(guest).difference(from: before) { fail(.restoreDiffers, difference) }

    // Again, with what the strategy kept.
    let again = session(&strategy, rules, stop, before, device) { _ in }
    guest.restore()
    if again.observer.hints != seen.observer.hints {
      fail(.notDeterministic, "\(seen.observer.hints.count) hints, then \(again.observer.hints.count), or others")
    } else if again.outcome != seen.outcome || again.restarts != seen.restarts {
      fail(.notDeterministic, "\(seen.outcome), \(seen.restarts) restarts; then \(again.outcome), \(again.restarts)")
    } else if !configured.card.followsTime && again.observer.holds != seen.observer.holds {
      fail(.notDeterministic, "other holds of the locks")
    }

    judgeStop(&strategy, rules, stop, seen, before, device, &violations)
    stop.clear()
    try judgePasses(seen, stop, fail)
    guest.restore()
    return violations
  }

  private func session<S: StrategyPasses, Rules: KernelRules>(
    _ strategy: inout S, _ rules: Rules.Type, _ stop: StopFlag, _ before: AllocatorState, _ device: HintDevice,
    stopAfter holds: Int? = nil,
    atEnd: (Seen) -> Void
  ) -> Seen {
    let observer = SessionObserver(
      guest, lowestOrder: lowestOrder, stop: stop, namesParts: configured.card.namesParts)
    stop.clear()
    observer.stopsAfterHold = holds
    if holds == 0 { observer.setStop() }
    strategy.reset(guest.core)
    var cpu = GuestCPU(
      guest.core, cpu: cpu, node: guest.geometry.node(ofCPU: cpu), probe: ObservingProbe(observer: observer),
      hooks: strategy.hooks, rules: rules)
    var sink = ObservingSink(observer: observer, device)
    var session = Session(lowestOrder: lowestOrder, stop: stop)
    let outcome = strategy.collect(&cpu, &sink, &session)
    let seen = Seen(
      outcome: outcome, restarts: session.restarts,
      holds: observer.holds.count - observer.holdsGivingBackAfterStop, observer: observer)
    atEnd(seen)
    observer.collectingEnded()
    strategy.giveBack(&cpu, &sink, &session)
    withExtendedLifetime(device) {}
    // Where the highest order has per-CPU lists, what came back may stand on them.
    var drain = GuestCPU(
      guest.core, cpu: self.cpu, node: cpu.node, probe: NoProbe(), hooks: strategy.hooks, rules: rules)
    drain.drainPerCPULists()
    return seen
  }

  // MARK: while the blocks are held

  private func judgeEnd(_ seen: Seen, _ before: AllocatorState, _ fail: (Violation.Rule, String) -> Void) {
    let hints = seen.observer.hints
    let missing = guest.missingPages()
    if missing.pages != seen.observer.pagesWithheld {
      fail(.withheldWrong, "\(missing.pages) pages are gone, the sink knows of \(seen.observer.pagesWithheld)")
    }
    // Of a strategy that works in batches all are back by now.
    for hint in hints
    where hint.isHeld && configured.card.effect != .takesBatches && !missing.contains(hint.block) {
      fail(.notHeld, "\(hint.block) was reported as held and isn't")
      break
    }
    let faults = guest.validate(held: missing.blocks(of: guest))
    if let fault = faults.first { fail(.brokenWhileHeld, "\(fault)") }

    let account = account(guest, lowestOrder, hints)
    let counted = PageByPageAccount(guest, lowestOrder: lowestOrder, hints: hints)
    if let difference = counted.difference(from: account) { fail(.accountDiffers, difference) }
    if seen.restarts == 0 && counted.total.blocksDuplicate > 0 {
      fail(.repeatedWithoutRestart, "\(counted.total.blocksDuplicate) blocks went out again")
    }
    if seen.outcome == .complete { judgeCoverage(hints, fail) }
    judgeUntouchable(before, fail)
  }

  /// A session that is complete has hinted every block that the strategy can reach.
  private func judgeCoverage(_ hints: [HintLog.Hint], _ fail: (Violation.Rule, String) -> Void) {
    let hinted = Set(hints.map(\.block))
    func needs(_ blocks: [Block]) {
      if let block = blocks.first(where: { !hinted.contains($0) }) { fail(.incomplete, "\(block) was never hinted") }
    }
    if !configured.card.reports { return }
    switch configured.card.effect {
    case .readsOnly:
      let blocks = guest.snapshot?.blocks(fromOrder: lowestOrder) ?? []
      if configured.card.namesParts {
        let runs = PageRuns(hints.map(\.block))
        if let block = blocks.first(where: { !runs.contains($0) }) { fail(.incomplete, "\(block) was never hinted") }
      } else {
        needs(blocks)
      }
    case .takesBuffers:
      // All that it didn't take itself.
      for zone in guest.core.zones where canGiveABlock(zone) {
        needs((guest.snapshot?.blocks(zone: zone.index, fromOrder: lowestOrder) ?? []).filter(guest.isFree))
      }
    case .takesBatches:
      // One bitmap for all zones of a type forgets some of them: the published flaw.
      if configured.options["index"] == "type" { return }
      let runs = PageRuns(hints.map(\.block))
      for zone in guest.core.zones where reportsEverything(zone) {
        let blocks = guest.snapshot?.blocks(zone: zone.index, fromOrder: lowestOrder) ?? []
        if let block = blocks.first(where: { !runs.contains($0) && !isLeftOut($0) }) {
          fail(.incomplete, "\(block) was never reported")
        }
      }
    case .takesBlocks:
      // What an option keeps back only the strategy knows.
      guard configured.options == (try? entry.configured())?.options else { return }
      for zone in guest.core.zones where zone.type <= .normal && isAllocatable(zone) {
        fail(.incomplete, "node \(zone.node) \(zone.type.name) still has a block to allocate")
      }
    }
  }

  /// Whether a block of the highest order may leave the zone without breaking its min watermark: a strategy that takes
  /// its buffer where it walks has nowhere to write before the first such zone.
  private func canGiveABlock(_ zone: Zone) -> Bool {
    guard let snapshot = guest.snapshot else { return false }
    let image = snapshot.zones[zone.index]
    return image.freePages > zone.watermark(.min) + (1 << UInt64(guest.core.highestOrder)) + image.highAtomic
  }

  /// Whether a strategy that works in batches has reason to report this zone, and room to: its thresholds are 16 and 32
  /// blocks, it wants up to 32 blocks above the low watermark and holds as many (facts, 7 and 8); where an option sets
  /// how many it holds, that many.
  private func reportsEverything(_ zone: Zone) -> Bool {
    guard let snapshot = guest.snapshot else { return false }
    let blocks = snapshot.blocks(zone: zone.index, fromOrder: lowestOrder).filter { !isLeftOut($0) }
    let counts = Dictionary(grouping: blocks, by: \.order).mapValues(\.count)
    let largest = blocks.map(\.pages).max() ?? 0
    let image = snapshot.zones[zone.index]
    let batch = max(32, configured.options["capacity"].flatMap { Int($0) } ?? 32)
    return (counts.values.max() ?? 0) >= batch
      && image.freePages > zone.watermark(.low) + image.boost + image.highAtomic + UInt64(2 * batch + 1) * largest
  }

  /// Whether a strategy that works in batches leaves the block alone: an isolated one, and before 5.7 one of CMA's.
  private func isLeftOut(_ block: Block) -> Bool {
    let type = guest.core.pageblockMigratetype(block.pfn)
    return type == .isolate || type == .cma && configured.card.name == "page-reporting-boundary"
  }

  /// Whether GFP without any right to a reserve could still get a block of the highest order from the zone (facts, 6
  /// and 12).
  private func isAllocatable(_ zone: Zone) -> Bool {
    let core = guest.core
    let memory = zone.pointer.pointee
    let highest = core.highestOrder
    guard (0..<3).contains(where: { !zone.freeList(order: highest, Migratetype(rawValue: $0)).isEmpty }) else {
      return false
    }
    let free = Int64(memory.nr_free_pages) - Int64(memory.nr_reserved_highatomic) - (1 << Int64(highest)) + 1
    return free > Int64(memory.watermark.0 + memory.watermark_boost) + memory.lowmem_reserve.2
  }

  /// The lists that the strategy leaves alone stand as they stood.
  private func judgeUntouchable(_ before: AllocatorState, _ fail: (Violation.Rule, String) -> Void) {
    let now = AllocatorState(guest)
    switch configured.card.effect {
    case .readsOnly:
      if let difference = now.difference(from: before) { fail(.listsChanged, difference) }
    case .takesBuffers: break
    case .takesBatches:
      // The bitmap doesn't tell on which list a block stands, and nobody asked; the option is there to show what for.
      if configured.card.name == "bitmap-hinting" || configured.options["isolate"] == "take" { return }
      let isolated = Migratetype.isolate
      if now.lists.filter({ $0.type == isolated }) != before.lists.filter({ $0.type == isolated }) {
        fail(.untouchableTaken, "ISOLATE's lists changed")
      }
    case .takesBlocks:
      func isOff(_ list: AllocatorState.List) -> Bool {
        guest.core.zone(list.zone).type > .normal || list.type >= .highAtomic
      }
      if now.lists.filter(isOff) != before.lists.filter(isOff) {
        fail(.untouchableTaken, "ZONE_MOVABLE's, HIGHATOMIC's or ISOLATE's lists changed")
      }
    }
  }

  // MARK: when all is given back

  private func judgeAfterwards(
    _ seen: Seen, _ before: AllocatorState, _ rule: Violation.Rule, _ fail: (Violation.Rule, String) -> Void
  ) {
    if let fault = guest.validate().first { fail(rule, "\(fault)") }
    let missing = guest.missingPages()
    if missing.pages > 0 { fail(rule, "\(missing.pages) pages were never given back") }
    if seen.observer.pagesWithheld > 0 { fail(rule, "\(seen.observer.pagesWithheld) pages are still withheld") }
    let after = AllocatorState(guest)
    for (zone, states) in zip(after.zones, before.zones).enumerated() {
      // NR_FREE_PAGES and the pages leaked as bad.
      let counters = guest.core.highestOrder + 1
      if states.0[counters] != states.1[counters] || states.0[counters + 6] != 0 {
        fail(
          rule,
          "zone \(zone) has \(states.0[counters]) free pages of \(states.1[counters]), \(states.0[counters + 6]) bad")
      }
    }
    if configured.card.effect == .readsOnly, !(configured.card.reordersLists && seen.outcome == .stopped),
      let difference = after.difference(from: before)
    {
      fail(.listsChanged, difference)
    }
  }

  // MARK: stopping

  private func judgeStop<S: StrategyPasses, Rules: KernelRules>(
    _ strategy: inout S, _ rules: Rules.Type, _ stop: StopFlag, _ whole: Seen, _ before: AllocatorState,
    _ device: HintDevice,
    _ violations: inout [Violation]
  ) {
    let holds = whole.holds
    // One step of a strategy may take each zone's lock, and the allocator may ask each zone twice.
    let most = 2 * guest.core.zoneCount + 2
    for stopAfter in Set([0, holds == 0 ? 0 : 1 + Int(stopDraw % UInt64(holds))]) {
      let seen = session(&strategy, rules, stop, before, device, stopAfter: stopAfter) { _ in }
      let late = seen.holds - (seen.observer.holdsAtStop ?? seen.holds)
      if late > most {
        violations.append(Violation(rule: .stopIgnored, detail: "\(late) holds after a stop at hold \(stopAfter)"))
      }
      if seen.outcome != .stopped && seen.outcome != whole.outcome {
        violations.append(Violation(rule: .stopIgnored, detail: "stopped at hold \(stopAfter) it ends \(seen.outcome)"))
      }
      if seen.outcome == .complete && holds - stopAfter > most {
        violations.append(Violation(rule: .stopIgnored, detail: "complete though stopped at hold \(stopAfter)"))
      }
      let rules: Set<Violation.Rule> = [.notFree, .notHeld, .reportedTwice, .wrongOrder]
      violations += seen.observer.violations.filter { rules.contains($0.rule) }
      judgeAfterwards(seen, before, .leakedWhenStopped) { violations.append(Violation(rule: $0, detail: $1)) }
      guest.restore()
    }
  }

  // MARK: the passes that are measured

  private func judgePasses(_ seen: Seen, _ stop: StopFlag, _ fail: (Violation.Rule, String) -> Void) throws {
    let core = guest.core
    let runner = entry.runner(configured)
    try runner.prepare(core, lowestOrder: lowestOrder)
    let session = Session(lowestOrder: lowestOrder, stop: stop)

    runner.reset(core)
    let speed = runner.speedPass(.init(guest, number: cpu), session)
    guest.restore()
    runner.reset(core)
    let holdLog = try HoldLog(capacity: 1 << 20)
    let hintLog = try HintLog(capacity: 1 << 22)
    let probed = runner.probedPass(.init(guest, number: cpu), holdLog.probe(), session, hintLog)
    guest.restore()

    func agree<Value: Equatable>(_ what: String, _ values: Value...) {
      if values.contains(where: { $0 != values[0] }) { fail(.passesDiffer, "\(what): \(values)") }
    }
    agree("outcome", speed.outcome, probed.outcome, seen.outcome)
    agree("restarts", speed.restarts, probed.restarts, seen.restarts)
    agree("kicks", speed.kicks, probed.kicks, seen.observer.kicks)
    agree("descriptors", speed.descriptors, probed.descriptors, seen.observer.descriptors)
    agree("hints", hintLog.hints, seen.observer.hints)
    let holds = (0..<holdLog.count).map { holdLog[$0] }
    if !configured.card.followsTime {
      agree(
        "holds", holds.map { SessionObserver.Hold(zone: Int($0.zone), items: Int($0.items)) }, seen.observer.holds)
    }
    if let limit = runner.itemsPerHoldLimit(core), let most = holds.map(\.items).max(), most > limit {
      fail(.holdTooLong, "\(most) entries in one hold, the strategy allows \(limit)")
    }
    if holdLog.dropped > 0 { fail(.passesDiffer, "\(holdLog.dropped) holds found no room in the log") }
  }
}

extension StrategyEntry {
  fileprivate func runner(_ configured: ConfiguredStrategy) -> StrategyRunner { configured.runner() }
}
