import Instruments

@testable import GuestMemory
@testable import Hinting

/// Interleaves one strategy and scripted mutators at every lock boundary.
///
/// A critical section under zone->lock is atomic in the model, so that an interleaving is which of the mutators'
/// sections run between which of the strategy's holds: before it begins, after each hold, before each hold (what the
/// strategy looks at without the lock lies between the two), and while a report is outstanding. At each such place the
/// scheduler decides, again and again, whose turn it is; a schedule is the list of decisions, and is run by replay
/// from the saved guest. Where a strategy looks at several things without the lock, one after the other (lists it
/// finds empty), nobody runs between the looks: each look only decides whether there is a hold.
///
/// **Why a position seen before need not be gone on from.** A position is: all of the allocator's memory, the words of
/// the strategy's hooks, what each mutator has done and holds, the place, what the strategy has done so far in figures
/// (holds, entries looked at, reports, pages it holds, which decide its counters and how full its buffer is), what the
/// watches remember, and a hash of all that the strategy does from here on if nobody else acts. Mutators and watches
/// have no other state. The strategy has some that can't be read, its local variables; but every run goes to its end
/// undisturbed once its given decisions are used up, so that its locals show: where it stands in which list, what it
/// carries over and what it means to do next all steer what comes. Two runs with the same position thus have the same
/// future under the same decisions. Hints already copied are judged in each run by the holds before, whichever
/// position it leads to. ``SchedulerTests`` compares with exploration that never prunes.
final class Scheduler<S: StrategyPasses, H: AllocatorHooks, Rules: KernelRules> {
  enum Place: Int {
    case start, afterHold, beforeHold, report, held
  }

  private struct Position {
    var visible: Int
    /// How much of the run's trace comes before it.
    var traced: Int
    var ready: [Int]
  }

  private struct Task {
    var decisions: [UInt8]
    /// From which position, by which decision.
    var parent: Int
    var choice: UInt8
  }

  let bench: Bench<S>
  let mutators: [ScheduledMutator<H, Rules>]
  private let guest: Guest
  private let image: AllocatorMemory
  private let words: SharedWords.View?
  private let looksUnlocked: Bool
  let watches: [any ScheduleWatch]
  private let begin: (Bench<S>) -> Void
  private let repair: (Bench<S>) -> Void
  private let limit: Int?
  private let startPages: PageRuns
  private let startFree: UInt64
  /// Never ends without it, should a strategy not end.
  private let mostHolds = 400
  private(set) var report = ScheduleReport()

  // One run's.
  private var recorder = SessionRecorder()
  private var ledger = HintLedger()
  private var decisions: [UInt8] = []
  private var given: [UInt8] = []
  private var positions: [Position] = []
  private var trace: [Int] = []
  private var isBroken = false
  private var random: SeededGenerator?

  /// The guest's hash, until somebody has acted.
  private var knownHash: Int?

  // All runs'.
  private var freeBlocks: [Int: Set<Block>] = [:]
  private var judged: Set<Int> = []

  /// - Parameters:
  ///   - scripts: one for each mutator; CPUs 1 and up.
  ///   - rules: those of the guest's kernel, which the strategy and the mutators follow.
  ///   - looksUnlocked: whether the strategy reads anything without the lock. Where it doesn't, before a hold is after
  ///   the last.
  ///   - begin: what has happened before the session.
  ///   - repair: after a fault, so that the strategy can be let run to its end.
  init(
    _ bench: Bench<S>, _ scripts: [[Section]], hooks: H, rules: Rules.Type, looksUnlocked: Bool = true,
    watches: [any ScheduleWatch] = [], begin: @escaping (Bench<S>) -> Void = { _ in },
    repair: @escaping (Bench<S>) -> Void = { _ in }
  ) {
    self.bench = bench
    guest = bench.guest
    mutators = scripts.enumerated().map { [guest] in ScheduledMutator(guest, cpu: $0 + 1, $1, hooks) }
    self.looksUnlocked = looksUnlocked
    self.watches = watches
    self.begin = begin
    self.repair = repair
    image = AllocatorMemory(guest)
    words = Mirror(reflecting: bench.hooks).children.lazy.compactMap { $0.value as? SharedWords.View }.first
    limit = bench.strategy.itemsPerHoldLimit(guest.core)
    startPages = PageRuns(guest.freeBlocks())
    startFree = guest.core.freePages
  }

  // MARK: exploring

  /// Every interleaving. `prunes`: false runs each by itself.
  func explore(prunes: Bool = true, mostRuns: Int = 200_000) -> ScheduleReport {
    report = ScheduleReport()
    var tasks = [Task(decisions: [], parent: 0, choice: 0)]
    var children: [Int: [UInt8: Int]] = [:]
    var turns: [Int: Int] = [:]
    var fresh = 1
    while let task = tasks.popLast(), report.faults.isEmpty {
      if report.runs == mostRuns {
        report.faults.append("more than \(mostRuns) runs")
        break
      }
      run(task.decisions)
      // Hashes of the rest of the trace, from its end.
      var rest = [Int](repeating: 0, count: trace.count + 1)
      for index in trace.indices.reversed() { rest[index] = combined(trace[index], rest[index + 1]) }
      var parent = task.parent
      var choice = task.choice
      for (index, position) in positions.enumerated() {
        var key = combined(position.visible, rest[position.traced])
        if !prunes {
          // Nothing is ever the same.
          key = fresh
          fresh += 1
        }
        children[parent, default: [:]][choice] = key
        let isNew = children[key] == nil
        if isNew {
          children[key] = [:]
          turns[key] = position.ready.count
          for mutator in position.ready {
            let turn = UInt8(mutator + 1)
            tasks.append(
              Task(
                decisions: decisions[..<(task.decisions.count + index)] + [turn], parent: key, choice: turn))
          }
        }
        parent = key
        choice = 0
        // What comes after a position that was met before was gone on from there.
        if !isNew { break }
      }
    }
    report.positions = children.count - 1
    report.interleavings = paths(children, turns)
    return report
  }

  /// `runs` schedules drawn from a seed.
  func explore(seed: UInt64, runs: Int) -> ScheduleReport {
    report = ScheduleReport()
    var draws = SeededGenerator(seed: seed, stream: 31)
    for _ in 0..<runs where report.faults.isEmpty {
      random = draws
      run([])
      draws = random ?? draws
      random = nil
    }
    return report
  }

  /// How many ways lead from the first position to an end.
  private func paths(_ children: [Int: [UInt8: Int]], _ turns: [Int: Int]) -> Double {
    var known: [Int: Double] = [:]
    func count(_ key: Int) -> Double {
      if let known = known[key] { return known }
      let next = children[key] ?? [:]
      // To go on, or a mutator's turn; a decision that leads to no further one ends the schedule.
      var sum = Double(turns[key, default: 0] + 1 - next.count)
      for child in next.values { sum += count(child) }
      known[key] = sum
      return sum
    }
    return children[0]?[0].map(count) ?? 1
  }

  private func combined(_ a: Int, _ b: Int) -> Int {
    var hasher = Hasher()
    hasher.combine(a)
    hasher.combine(b)
    return hasher.finalize()
  }

  // MARK: one run

  private func run(_ given: [UInt8]) {
    self.given = given
    decisions = []
    positions = []
    trace = []
    isBroken = false
    ledger = HintLedger()
    image.restore()
    knownHash = nil
    bench.stop.clear()
    bench.reset()
    begin(bench)
    for mutator in mutators { mutator.reset() }
    for watch in watches { watch.begin() }
    listen()
    report.runs += 1

    arrive(.start)
    // Who takes no lock looks and sends in one go: others act before that or after it.
    if limit == 0 { ledger.didLook(free: guest.freeBlocks()) }
    let outcome = bench.collect(recorder, under: Rules.self)
    if case .error(let reason) = outcome { fault("ended with \(reason)") }
    trace.append(combined(outcome.name.hashValue, bench.session.restarts))
    for watch in watches where !isBroken {
      for text in watch.didEnd(outcome, restarts: bench.session.restarts) { fault(text) }
    }
    if recorder.pagesTaken > recorder.pagesReturned { arrive(.held) }
    bench.giveBack(recorder, under: Rules.self)
    leave()
  }

  private func listen() {
    let recorder = SessionRecorder()
    recorder.keepsBuffers = false
    self.recorder = recorder
    recorder.beforeHold = { [unowned self] in
      knownHash = nil
      for watch in watches { watch.willAcquire() }
      if looksUnlocked { arrive(.beforeHold) }
    }
    recorder.atAcquire = { [unowned self] in
      ledger.didAcquire(free: free(), own: recorder.batches.last ?? [])
      for watch in watches { watch.didAcquire() }
    }
    recorder.afterHold = { [unowned self] holds in
      knownHash = nil
      let items = recorder.items[holds - 1]
      ledger.didRelease(items: items)
      trace.append(combined(items, guestHash()))
      if let limit, items > limit { fault("\(items) entries in a hold, the strategy's cap is \(limit)") }
      for watch in watches { for text in watch.didRelease(items: items) { fault(text) } }
      if holds >= mostHolds {
        if holds == mostHolds { fault("no end after \(holds) holds") }
        bench.stop.set()
      }
      arrive(.afterHold)
    }
    recorder.onHint = { [unowned self] block in
      trace.append(block.hashValue)
      let isLocked = guest.core.lock(of: guest.core.zone(0)).isLocked
      if !isLocked || !ledger.isFreeInHold(block) { fault("\(block) is hinted and isn't free") }
    }
    recorder.onSend = { [unowned self] blocks in
      // Not which: they are of the past, and judged here.
      trace.append(blocks.count)
      for text in ledger.faultsOfSend(blocks) { fault(text) }
      for watch in watches { for text in watch.didSend(blocks) { fault(text) } }
    }
    recorder.onReport = { [unowned self] blocks in
      trace.append(blocks.hashValue)
      for text in ledger.faultsOfReport(blocks) { fault(text) }
      for block in blocks where guest.core.page(block.pfn).isBuddy { fault("\(block) is reported and not held") }
      for watch in watches { for text in watch.didReport(blocks) { fault(text) } }
      arrive(.report)
    }
  }

  /// The strategy stands here; the others' turn.
  private func arrive(_ place: Place) {
    if isBroken { return }
    if place == .report || place == .held { knownHash = nil }
    judge(place)
    while !isBroken {
      let ready = mutators.indices.filter { !mutators[$0].isDone }
      if ready.isEmpty { return }
      let choice: UInt8
      if decisions.count < given.count {
        choice = given[decisions.count]
      } else if random != nil {
        choice = draw(ready)
      } else {
        positions.append(Position(visible: visible(place), traced: trace.count, ready: ready))
        choice = 0
      }
      decisions.append(choice)
      if choice == 0 { return }
      mutators[Int(choice) - 1].step()
      knownHash = nil
      let held = mutators.flatMap(\.held)
      for watch in watches { watch.didStep(held) }
      judge(place)
    }
  }

  private func draw(_ ready: [Int]) -> UInt8 {
    guard var draws = random else { return 0 }
    defer { random = draws }
    return draws.chance(0.5) ? 0 : UInt8(ready[draws.below(ready.count)] + 1)
  }

  /// What the rest of the sections do is nobody's concern but the guest's.
  private func leave() {
    for mutator in mutators { mutator.leave() }
    report.sections += mutators.reduce(0) { $0 + $1.effective }
    report.holds += recorder.items.count
    report.reports += recorder.reports.count + recorder.batches.count
    if isBroken { return }
    var own = bench.other(0, under: Rules.self)
    own.drainPerCPULists()
    report.ends.insert(image.hash)
    if let text = guest.validate().first { fault("at the end: \(text)") }
    if guest.core.freePages != startFree { fault("\(guest.core.freePages) pages free at the end of \(startFree)") }
    if recorder.pagesTaken != recorder.pagesReturned {
      fault("\(recorder.pagesTaken) pages taken, \(recorder.pagesReturned) given back")
    }
    for zone in guest.core.zones where zone.pointer.pointee.bad_pages > 0 { fault("a bad page") }
  }

  // MARK: judging

  private var withheld: UInt64 { recorder.pagesTaken - recorder.pagesReturned }

  private func visible(_ place: Place) -> Int {
    var hasher = Hasher()
    hasher.combine(stateHash())
    hasher.combine(place.rawValue)
    hasher.combine(recorder.items.count)
    hasher.combine(recorder.items.reduce(0, +))
    hasher.combine(recorder.reports.count)
    hasher.combine(recorder.batches.count)
    hasher.combine(withheld)
    for watch in watches { watch.hash(into: &hasher) }
    return hasher.finalize()
  }

  private func guestHash() -> Int {
    if let knownHash { return knownHash }
    let hash = image.hash
    knownHash = hash
    return hash
  }

  private func stateHash() -> Int {
    var hasher = Hasher()
    hasher.combine(guestHash())
    if let words { for index in 0..<words.count { hasher.combine(words[index]) } }
    for mutator in mutators { mutator.hash(into: &hasher) }
    return hasher.finalize()
  }

  private func free() -> Set<Block> {
    let hash = guestHash()
    if let known = freeBlocks[hash] { return known }
    let blocks = Set(guest.freeBlocks())
    freeBlocks[hash] = blocks
    return blocks
  }

  private func judge(_ place: Place) {
    // What the given decisions lead through was judged when they were first taken.
    if isBroken || decisions.count < given.count { return }
    for watch in watches { for text in watch.faults() { fault(text) } }
    let state = stateHash()
    report.states.insert(state)
    // Right behind a hold the sink hasn't been told yet what went or came.
    let toldPages = place == .afterHold ? nil : withheld
    guard judged.insert(combined(state, toldPages.map { Int($0) } ?? -1)).inserted else { return }
    let others = mutators.flatMap(\.held)
    let missing = startPages.subtracting(PageRuns(guest.freeBlocks() + perCPUBlocks() + others))
    if let toldPages, missing.pages != toldPages {
      fault("\(missing.pages) pages are off the lists, the sink knows of \(toldPages)")
    }
    if place == .report, let batch = recorder.batches.last, missing != PageRuns(batch) {
      fault("what is off the lists during a report isn't what is reported")
    }
    if let text = guest.validate(held: others + granules(of: missing)).first { fault("\(text)") }
  }

  private func perCPUBlocks() -> [Block] {
    let core = guest.core
    return core.zones.flatMap { zone in
      (0..<core.cpuCount).flatMap { cpu in
        (0..<PerCPUList.listCount).flatMap { index in
          core.perCPUList(zone, cpu: cpu).list(index).map {
            Block(pfn: core.pfn($0), order: PerCPUList.order(index: index, pageblockOrder: core.pageblockOrder))
          }
        }
      }
    }
  }

  private func granules(of pages: PageRuns) -> [Block] {
    let order = guest.core.granuleOrder
    return pages.runs.flatMap { run in
      stride(from: run.lowerBound, to: run.upperBound, by: 1 << order).map { Block(pfn: $0, order: order) }
    }
  }

  private func fault(_ text: String) {
    if isBroken { return }
    isBroken = true
    report.faults.append("\(text) (decisions \(decisions))")
    repair(bench)
  }
}
