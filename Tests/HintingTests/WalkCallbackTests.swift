import Delivery
import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 3.
@Suite struct WalkCallbackTests {
  /// Blocks of several orders and types in two zones.
  private func guest() throws -> Guest {
    try TestGuests.with([
      .init(kind: .dma32, blocks: [10: 3, 9: 2, 0: 5]),
      .init(
        blocks: [:], byType: [.unmovable: [10: 2, 3: 1], .movable: [10: 4, 6: 3, 1: 2], .reclaimable: [6: 1, 0: 7]]),
    ])
  }

  /// What the walk comes by: zone by zone, from the highest order down, type by type.
  private func walk(_ guest: Guest, lowestOrder: Int = 0) -> [[Block]] {
    guest.core.zones.flatMap { zone in
      (lowestOrder...10).reversed().flatMap { order in
        Migratetype.allCases.map { guest.list(zone: zone.index, order: order, $0) }
      }
    }
  }

  @Test(arguments: [0, 6, 10])
  func eachListIsOneHoldFromTheHighestOrderDown(lowestOrder: Int) throws {
    let guest = try guest()
    let recorder = SessionRecorder()
    let bench = try Bench(WalkCallback.self, guest, lowestOrder: lowestOrder)
    #expect(bench.collect(recorder) == .complete)
    let lists = walk(guest, lowestOrder: lowestOrder)
    #expect(recorder.named == lists.flatMap { $0 })
    #expect(recorder.items == lists.map(\.count))
    #expect(recorder.hints.sorted() == guest.freeBlocks(fromOrder: lowestOrder).sorted())
    #expect(bench.strategy.dropped == 0 && recorder.plainKicks == 0)
    #expect(recorder.commands == 2 && recorder.descriptors == recorder.named.count + 2)
  }

  @Test func theCallbackRunsUnderTheLockAndItsKicksTooAsTheDesignHadIt() throws {
    let guest = try TestGuests.with(20, order: 4)
    let bench = try Bench(WalkCallback.self, guest, ["kick": "past-half"], lowestOrder: 4)
    let recorder = SessionRecorder()
    recorder.queueSize = 8
    recorder.descriptorsFree = 8
    let lock = guest.core.lock(of: guest.core.zone(0))
    var unlocked = 0
    var kicksInTheHold = 0
    recorder.onHint = { _ in unlocked += lock.isLocked ? 0 : 1 }
    recorder.onReclaim = { _ in
      unlocked += lock.isLocked ? 0 : 1
      return 0
    }
    recorder.afterHold = { if $0 == 6 * Migratetype.count + 2 { kicksInTheHold = recorder.plainKicks } }
    #expect(bench.collect(recorder) == .limit)
    #expect(unlocked == 0)
    // The one list that has blocks, MOVABLE's of order 4, is the second of the seventh order.
    #expect(recorder.items.firstIndex(of: 20) == 6 * Migratetype.count + 1)
    // 7 fit; those that leave 3, 2 and 1 entries kick.
    #expect(recorder.named.count == 7)
    #expect(kicksInTheHold == 3)
  }

  // MARK: the queue

  /// A queue that takes whatever it is given, and a host that uses entries now and then: what the strategy alone sees
  /// to.
  private final class OpenQueue {
    let size: Int
    var free: Int
    var leastAfterAdd: Int
    var hints: [Block] = []
    /// Entries free at each kick.
    var kicks: [Int] = []
    var commands = 0
    var looks = 0
    /// How many entries the host has used at the driver's n-th look.
    let used: (Int) -> Int
    var isFreeAtAdd: (Block) -> Bool = { _ in true }
    var notFree = 0

    init(size: Int, used: @escaping (Int) -> Int) {
      self.size = size
      free = size
      leastAfterAdd = size
      self.used = used
    }

    struct Sink: HintSink {
      let queue: OpenQueue
      mutating func command() { queue.commands += 1 }
      mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int) {
        Issue.record("no buffer is sent")
      }
      mutating func hint(_ block: Block) -> Bool {
        queue.free -= 1
        queue.leastAfterAdd = min(queue.leastAfterAdd, queue.free)
        queue.hints.append(block)
        if !queue.isFreeAtAdd(block) { queue.notFree += 1 }
        return true
      }
      var queueSize: Int { queue.size }
      var descriptorsFree: Int { queue.free }
      mutating func kick() { queue.kicks.append(queue.free) }
      mutating func reclaim() {
        queue.looks += 1
        queue.free = min(queue.size, queue.free + queue.used(queue.looks))
      }
      mutating func report(_ block: Block) -> Bool { false }
      mutating func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool { false }
      mutating func waitUntilUsed() -> Bool { false }
      mutating func reportEach(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool { false }
      mutating func didTake(pages: UInt64, initialized: Bool) { Issue.record("nothing is taken") }
      mutating func didReturn(pages: UInt64) { Issue.record("nothing is returned") }
    }
  }

  private func run(
    _ strategy: inout WalkCallback, _ guest: Guest, _ queue: OpenQueue, _ recorder: SessionRecorder, lowestOrder: Int
  ) -> Outcome {
    let stop = StopFlag()
    defer { stop.deallocate() }
    var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: SessionRecorder.Probe(recorder: recorder))
    var sink = OpenQueue.Sink(queue: queue)
    var session = Session(lowestOrder: lowestOrder, stop: stop)
    return strategy.collect(&cpu, &sink, &session)
  }

  private func strategy(_ given: [String: String]) throws -> WalkCallback {
    WalkCallback(try StrategyEntry(WalkCallback.self).configured(given).options)
  }

  @Test(arguments: 0..<60)
  func theCommandsEntryIsNeverUsedAndEveryBlockIsSentOrDropped(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let guest = try guest()
    guest.reorderLists(.shuffled, seed: seed)
    guest.restore()
    let size = 2 << generator.below(5)
    let kick = ["none", "half", "past-half"][generator.below(3)]
    var draws = generator
    let queue = OpenQueue(size: size) { _ in draws.chance(0.3) ? draws.below(size) : 0 }
    var strategy = try strategy(["kick": kick])
    // Somebody else takes blocks between the holds, and gives them back.
    var out: [(Block, Int)] = []
    var freeNow: Set<Block> = []
    queue.isFreeAtAdd = { freeNow.contains($0) && guest.isFree($0) }
    func look() { freeNow = Set(guest.freeBlocks()) }
    look()
    let recorder = SessionRecorder()
    recorder.afterHold = { _ in
      if !out.isEmpty && generator.chance(0.5) {
        let (block, zone) = out.removeFirst()
        guest.giveBack(block, zone: zone)
      } else {
        let zone = generator.below(2)
        guard let block = guest.freeBlocks(zone: zone).randomElement(using: &generator) else { return }
        guest.take(block, zone: zone)
        out.append((block, zone))
      }
      look()
    }
    let outcome = run(&strategy, guest, queue, recorder, lowestOrder: 0)
    #expect(queue.leastAfterAdd >= 1, "seed \(seed)")
    #expect(queue.commands == 2, "seed \(seed)")
    #expect(queue.notFree == 0, "seed \(seed)")
    #expect(strategy.dropped + queue.hints.count == recorder.items.reduce(0, +), "seed \(seed)")
    #expect(outcome == (strategy.dropped > 0 ? .limit : .complete), "seed \(seed)")
    #expect(guest.validate(held: out.map(\.0)).isEmpty, "seed \(seed)")
  }

  @Test(arguments: [2, 4, 8, 64, 128])
  func hintsAreDroppedSilentlyWhereTheHostUsesNone(size: Int) throws {
    // 300 blocks, and the last entry is the command's.
    for (policy, kicks) in [("none", 0), ("half", 1), ("past-half", size / 2 - 1)] {
      let guest = try TestGuests.with(300, order: 2)
      let queue = OpenQueue(size: size) { _ in 0 }
      var strategy = try strategy(["kick": policy])
      #expect(run(&strategy, guest, queue, SessionRecorder(), lowestOrder: 0) == .limit)
      #expect(queue.hints == Array(guest.list(order: 2).prefix(size - 1)))
      #expect(strategy.dropped == 300 - (size - 1))
      #expect(queue.kicks.count == kicks, "\(policy)")
      #expect(queue.commands == 2 && queue.looks == 300)
    }
  }

  @Test(arguments: [2, 4, 8, 32], [2, 3, 5])
  func kicksFollowTheirFormula(size: Int, every: Int) throws {
    let blocks = 500
    // Entries free after each add, where the host uses one entry at every `every`-th look.
    var free = size
    var left: [Int] = []
    for look in 1...blocks {
      if look % every == 0 { free = min(size, free + 1) }
      if free > 1 {
        free -= 1
        left.append(free)
      }
    }
    // The queue fills once, and from then on each entry used is a block sent.
    #expect(left.count == min(blocks, size - 1 + blocks / every))
    let expected = [
      "none": [], "half": left.filter { $0 == size / 2 }, "past-half": left.filter { $0 < size / 2 },
    ]
    for (policy, kicks) in expected {
      let guest = try TestGuests.with(UInt64(blocks), order: 1)
      let queue = OpenQueue(size: size) { $0 % every == 0 ? 1 : 0 }
      var strategy = try strategy(["kick": policy])
      #expect(run(&strategy, guest, queue, SessionRecorder(), lowestOrder: 1) == .limit)
      #expect(queue.kicks == kicks, "\(policy)")
      #expect(queue.hints.count == left.count)
      #expect(strategy.dropped == blocks - left.count)
    }
  }

  @Test(arguments: ["none", "half", "past-half"])
  func aHostThatKeepsUpGetsEveryBlock(policy: String) throws {
    let guest = try TestGuests.with(500, order: 1)
    let queue = OpenQueue(size: 8) { _ in 1 }
    var strategy = try strategy(["kick": policy])
    #expect(run(&strategy, guest, queue, SessionRecorder(), lowestOrder: 1) == .complete)
    #expect(queue.hints == guest.list(order: 1))
    #expect(strategy.dropped == 0 && queue.kicks.isEmpty)
  }

  @Test(arguments: [0, 1])
  func aQueueWithoutRoomForHintsIsAnError(size: Int) throws {
    let guest = try TestGuests.with(5, order: 10)
    let queue = OpenQueue(size: size) { _ in 0 }
    var strategy = try strategy([:])
    guard case .error = run(&strategy, guest, queue, SessionRecorder(), lowestOrder: 10) else {
      Issue.record("a driver without a queue goes on")
      return
    }
    #expect(queue.commands == 0 && queue.hints.isEmpty)
  }

  @Test(arguments: ["interrupt", "busy-wait"])
  func afterTheStopOnlyTheBusyWaitLooksForUsedEntries(_ reclaim: String) throws {
    let guest = try TestGuests.with(30, order: 10)
    let bench = try Bench(WalkCallback.self, guest, ["reclaim": reclaim])
    let recorder = SessionRecorder()
    var looksAfterwards = 0
    recorder.onReclaim = { recorder in
      // The host uses nothing until the session is over, then one at each third look.
      guard recorder.commands == 2 else { return 0 }
      looksAfterwards += 1
      return looksAfterwards % 3 == 0 ? 1 : 0
    }
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.named.count == 30)
    #expect(looksAfterwards == (reclaim == "busy-wait" ? 90 : 0))
    #expect(recorder.descriptorsFree == (reclaim == "busy-wait" ? 128 : 98))
  }

  // MARK: the host's stop

  @Test(arguments: [1, 2, 7, 49, 50])
  func afterAStopNoFurtherBlockIsVisited(blocks: Int) throws {
    // In the middle of a list, from under the lock.
    let guest = try TestGuests.with([.init(blocks: [10: 50, 9: 20])])
    let bench = try Bench(WalkCallback.self, guest, lowestOrder: 0)
    let recorder = SessionRecorder()
    recorder.onHint = { _ in if recorder.named.count == blocks { bench.stop.set() } }
    #expect(bench.collect(recorder) == .stopped)
    #expect(recorder.named == Array(guest.list(order: 10).prefix(blocks)))
    #expect(recorder.items.reduce(0, +) == blocks)
    #expect(recorder.commands == 2)
  }

  @Test func aStopDuringACallbackLetsThatOneEnd() throws {
    let guest = try TestGuests.with(50, order: 10)
    let bench = try Bench(WalkCallback.self, guest)
    let recorder = SessionRecorder()
    var before = -1
    recorder.onReclaim = { recorder in
      if recorder.named.count == 20 && before < 0 {
        bench.stop.set()
        before = recorder.named.count
      }
      return 0
    }
    #expect(bench.collect(recorder) == .stopped)
    #expect(recorder.named.count == before + 1)
    #expect(recorder.commands == 2)
  }

  @Test func betweenTwoListsAStopEndsTheWalkWithoutAnotherHold() throws {
    let guest = try guest()
    for hold in [0, 1, 2, 54, 55, 70, 109] {
      let bench = try Bench(WalkCallback.self, guest, lowestOrder: 0)
      let recorder = SessionRecorder()
      if hold == 0 { bench.stop.set() }
      recorder.afterHold = { if $0 == hold { bench.stop.set() } }
      #expect(bench.collect(recorder) == .stopped)
      #expect(recorder.items.count == hold)
      #expect(recorder.named == walk(guest).prefix(hold).flatMap { $0 })
      #expect(recorder.commands == 2)
    }
  }

  // MARK: what the strategy is known for

  @Test func aBlockThatIsSplitBetweenTwoHoldsGoesOutTwice() throws {
    let guest = try TestGuests.with(3, order: 10)
    let bench = try Bench(WalkCallback.self, guest, lowestOrder: 0)
    let recorder = SessionRecorder()
    var taken: UInt64?
    var other = bench.other()
    // After MOVABLE's list of the highest order a page is allocated from one of its blocks.
    recorder.afterHold = { hold in
      if hold == 2 { taken = other.allocate(order: 5, .userMovable) }
    }
    #expect(bench.collect(recorder) == .complete)
    let pfn = try #require(taken)
    // The halves that were put back, 9 down to 5, lie in a block that was hinted whole.
    let whole = Block(pfn: pfn / 1024 * 1024, order: 10)
    let again = recorder.named.filter { whole.pfn <= $0.pfn && $0.end <= whole.end && $0 != whole }
    #expect(recorder.named.contains(whole))
    #expect(again.map(\.order) == [9, 8, 7, 6, 5])
    #expect(recorder.named.count == 3 + 5)
  }

  @Test func theHoldIsAsLongAsTheList() throws {
    // What v33 was to mend: no bound but the list's length.
    for blocks in [10, 1000, 5000] {
      let guest = try TestGuests.with(UInt64(blocks), order: 0)
      let bench = try Bench(WalkCallback.self, guest, lowestOrder: 0)
      let recorder = SessionRecorder()
      _ = bench.collect(recorder)
      #expect(recorder.items.max() == blocks)
      #expect(bench.strategy.itemsPerHoldLimit(guest.core) == nil)
    }
  }
}
