import Testing

@testable import Delivery
@testable import GuestMemory
@testable import Hinting

/// Facts, section 7b.
@Suite struct PageReportingTests {
  typealias State = PageReporting.State

  /// Small blocks beside the large ones, so that no watermark stands in the way.
  private func guest(_ blocks: [Int: UInt64], granule: Int = 0, orders: Int = 11) throws -> Guest {
    var all = blocks
    all[6, default: 0] += 1200
    return try TestGuests.with([.init(blocks: all)], granule: granule, orders: orders)
  }

  private func standard(_ bytes: UInt64, nodes: Int = 1, granule: Int = 0) throws -> Guest {
    let guest = try Guest(.standard(bytes: bytes, nodes: nodes, cpus: 2, granuleOrder: granule))
    guest.fillFresh()
    return guest
  }

  private func isReported(_ guest: Guest, _ block: Block) -> Bool { guest.core.page(block.pfn).isReported }

  private func state(_ bench: Bench<PageReporting>) -> UInt64 { bench.strategy.hooks.words[0] }

  // MARK: what a session comes to

  @Test(arguments: [(1, 0), (2, 0), (3, 4), (2, 9)])
  func anIdleGuestIsReportedWholeAndThenNothingIsAskedFor(nodes: Int, granule: Int) throws {
    let guest = try standard(3 << 30, nodes: nodes, granule: granule)
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    let free = guest.core.freePages
    recorder.onReport = { blocks in
      #expect(blocks.count <= 32)
      #expect(guest.core.freePages == free - blocks.reduce(0) { $0 + $1.pages })
      #expect(blocks.allSatisfy { !guest.core.page($0.pfn).isBuddy && guest.core.page($0.pfn).isUnlinked })
    }
    #expect(bench.collect(recorder) == .complete)
    #expect(state(bench) == State.idle)
    #expect(recorder.duplicates == 0)
    let blocks = guest.core.zones.filter { $0.isAboveLow(by: 32 << 9, Linux6_1.self) }.flatMap {
      guest.freeBlocks(fromOrder: 9, zone: $0.index)
    }
    #expect(!blocks.isEmpty && Set(blocks) == Set(recorder.hints))
    #expect(blocks.allSatisfy { isReported(guest, $0) && bench.strategy.isKnownToHost($0, guest.core) })
    #expect(guest.core.freePages == free)
    #expect(recorder.pagesTaken == recorder.pagesReturned)
    #expect(guest.validate().isEmpty)
    let again = SessionRecorder()
    #expect(bench.collect(again) == .complete && again.items.isEmpty)
    #expect(bench.work(again) == .complete && again.hints.isEmpty)
  }

  @Test(arguments: [0, 3, 9, 10])
  func anyOrderCanBeTheLowest(order: Int) throws {
    let guest = try standard(256 << 20)
    let bench = try Bench(PageReporting.self, guest, lowestOrder: order)
    #expect(bench.collect(SessionRecorder()) == .complete)
    // A small zone may refuse its largest blocks.
    for zone in guest.core.zones where zone.isAboveLow(by: 33 << 10, Linux6_1.self) {
      for block in guest.freeBlocks(zone: zone.index) {
        #expect(isReported(guest, block) == (block.order >= order), "\(block)")
      }
    }
    #expect(guest.validate().isEmpty)
  }

  @Test(arguments: [10, 8, 7])
  func aGuestWithFewerOrdersIsReportedToo(orders: Int) throws {
    let guest = try guest([orders - 1: 100, orders - 2: 50], orders: orders)
    let bench = try Bench(PageReporting.self, guest, lowestOrder: orders - 2)
    #expect(bench.collect(SessionRecorder()) == .complete)
    #expect(bench.blocks(fromOrder: orders - 2).allSatisfy { isReported(guest, $0) })
    #expect(guest.validate().isEmpty)
  }

  @Test func theSheetIsFilledFromItsEndAndCarriedOverListsOfTheZone() throws {
    let guest = try TestGuests.with([
      .init(blocks: [6: 1200, 9: 20, 10: 20]), .init(kind: .movable, blocks: [6: 1200, 9: 3]),
    ])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    let lists = guest.list(order: 9) + guest.list(order: 10)
    let last = guest.list(zone: 1, order: 9)
    #expect(bench.work(recorder) == .complete)
    #expect(
      recorder.batches.map { Array($0.reversed()) } == [Array(lists[..<32]), Array(lists[32...]), last])
  }

  @Test func typesOfOneOrderComeBeforeTheNextOrder() throws {
    let guest = try TestGuests.with([
      .init(
        blocks: [:],
        byType: [.movable: [6: 1200, 9: 2, 10: 2], .unmovable: [9: 2, 10: 2], .highAtomic: [10: 1]])
    ])
    let lists = [9, 10].flatMap { order in
      [Migratetype.unmovable, .movable, .highAtomic].flatMap { guest.list(order: order, $0) }
    }
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    _ = bench.work(recorder)
    #expect(recorder.batches == [Array(lists.reversed())])
    // What is put back is movable by then, the atomic reserve excepted.
    #expect(guest.list(order: 9, .unmovable).isEmpty && guest.list(order: 10, .unmovable).isEmpty)
    #expect(guest.list(order: 10).count == 4 && guest.list(order: 10, .highAtomic).count == 1)
  }

  // MARK: requests

  @Test func aFreeAsksOnceAndOnlyFromTheReportingOrder() throws {
    let guest = try guest([8: 1, 9: 2, 10: 40])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    _ = bench.collect(SessionRecorder())
    for (order, asks) in [(8, false), (9, true), (10, true)] {
      let block = guest.list(order: order)[0]
      bench.take(block)
      #expect(state(bench) == State.idle)
      bench.free(block)
      #expect(bench.strategy.isWorkRequested == asks, "order \(order)")
      bench.strategy.hooks.words[0] = State.idle
    }
  }

  @Test func aFreeWhileTheWorkRunsIsTheNextRuns() throws {
    let guest = try guest([10: 40])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let used = guest.list(order: 10)[39]
    bench.take(used)
    let recorder = SessionRecorder()
    recorder.onReport = { [self] _ in
      recorder.onReport = { _ in }
      #expect(state(bench) == State.active)
      bench.free(used)
      #expect(state(bench) == State.requested)
    }
    #expect(bench.work(recorder) == .complete)
    #expect(bench.strategy.isWorkRequested)
  }

  @Test func theDrainNeverAsks() throws {
    // With `notifies` each block put back would.
    let guest = try guest([9: 10, 10: 40])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    #expect(bench.work(recorder) == .complete)
    #expect(recorder.hints.count == 50)
    #expect(state(bench) == State.idle)
  }

  @Test func delayAndCapacityAreTheOptions() throws {
    let guest = try guest([10: 100])
    let plain = try Bench(PageReporting.self, guest, lowestOrder: 9)
    #expect(plain.strategy.workDelayNanoseconds == 2_000_000_000 && plain.strategy.bufferBytes == 256)
    let bench = try Bench(PageReporting.self, guest, ["delay": "7", "capacity": "5"], lowestOrder: 9)
    #expect(bench.strategy.workDelayNanoseconds == 7_000_000)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.hints.count == 100 && recorder.batches.allSatisfy { $0.count <= 5 })
  }

  // MARK: budget

  @Test(arguments: [1, 31, 32, 33, 63, 64, 65, 511, 512, 513, 2000])
  func aRunReportsAListsBudgetAndOneMore(count: Int) throws {
    let guest = try guest([10: UInt64(count)], granule: 6)
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let limit = (count + 511) / 512 + 1
    var left = Set(guest.list(order: 10))
    var runs = 0
    while bench.strategy.isWorkRequested && runs < 100 {
      let recorder = SessionRecorder()
      #expect(bench.work(recorder) == .complete)
      #expect(recorder.batches.count == min(limit, (left.count + 31) / 32))
      #expect(left.isSuperset(of: recorder.hints) && recorder.duplicates == 0)
      left.subtract(recorder.hints)
      // What is left leads the list.
      #expect(bench.strategy.isWorkRequested == !left.isEmpty)
      if !left.isEmpty { #expect(left.contains(guest.list(order: 10)[0])) }
      runs += 1
    }
    #expect(left.isEmpty)
    #expect(runs <= 16 && runs <= bench.strategy.runsPerSession(bench.guest.core))
  }

  @Test(arguments: [(1, 32), (4, 7), (16, 1), (1024, 3), (3, 1024)])
  func aSessionOfAnIdleGuestNeedsNoMoreRunsThanItsBound(share: Int, capacity: Int) throws {
    let guest = try TestGuests.with(
      [
        .init(
          blocks: [:],
          byType: [
            .movable: [6: 40_000, 9: 700, 10: 1500], .unmovable: [9: 33, 10: 70], .reclaimable: [9: 1, 10: 65],
          ])
      ], granule: 6)
    let bench = try Bench(
      PageReporting.self, guest, ["share": "\(share)", "capacity": "\(capacity)"], lowestOrder: 9)
    var runs = 0
    while bench.strategy.isWorkRequested {
      _ = bench.work(SessionRecorder())
      runs += 1
      if runs > bench.strategy.runsPerSession(bench.guest.core) { break }
    }
    #expect(runs <= bench.strategy.runsPerSession(bench.guest.core))
    #expect(bench.blocks(fromOrder: 9).allSatisfy { isReported(guest, $0) })
  }

  @Test func skippingReportedBlocksIsFreeOfTheBudgetAndBoundByNothing() throws {
    // The published hold: one new block behind two thousand reported ones.
    let guest = try guest([10: 2000], granule: 6)
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    _ = bench.collect(SessionRecorder())
    let last = guest.list(order: 10)[1999]
    guest.core.page(last.pfn).setReported(false)
    let recorder = SessionRecorder()
    _ = bench.work(recorder)
    #expect(recorder.hints == [last])
    #expect(recorder.items.max() == 2000)
  }

  @Test func aSessionEndsBesideSomebodyWhoFreesAllTheTime() throws {
    let guest = try guest([10: 40])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    recorder.onReport = { _ in
      let block = guest.list(order: 10)[0]
      bench.take(block)
      bench.free(block)
    }
    #expect(bench.collect(recorder) == .complete)
    #expect(bench.strategy.isWorkRequested)
    #expect(recorder.batches.count >= bench.strategy.runsPerSession(bench.guest.core))
  }

  // MARK: watermarks

  @Test(arguments: [0, 100])
  func nothingIsReportedWithoutRoomAboveTheLowWatermark(boost: UInt64) throws {
    // 40 blocks of 512; 16384 pages must be free above low.
    for (low, reports) in [(4096, false), (4095, true)] as [(UInt64, Bool)] {
      let guest = try TestGuests.with([.init(blocks: [9: 40], min: low - boost)])
      guest.core.zone(0).watermarkBoostField.pointee = boost
      let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
      let recorder = SessionRecorder()
      #expect(bench.work(recorder) == .complete)
      #expect(recorder.batches.isEmpty == !reports && recorder.items.isEmpty == !reports)
      #expect(state(bench) == State.idle)
    }
  }

  @Test func theAtomicReserveIsNoRoom() throws {
    let guest = try TestGuests.with([
      .init(blocks: [:], min: 0, byType: [.movable: [9: 33], .highAtomic: [9: 1]])
    ])
    let recorder = SessionRecorder()
    _ = try Bench(PageReporting.self, guest, lowestOrder: 9).work(recorder)
    #expect(!recorder.hints.isEmpty)
    let less = try TestGuests.with([
      .init(blocks: [:], min: 0, byType: [.movable: [9: 32], .highAtomic: [9: 2]])
    ])
    let none = SessionRecorder()
    _ = try Bench(PageReporting.self, less, lowestOrder: 9).work(none)
    #expect(none.hints.isEmpty)
  }

  @Test func isolatingNeverTakesTheZoneBelowMin() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 40], min: 20_000)])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let list = guest.list(order: 10)
    let recorder = SessionRecorder()
    var least = UInt64.max
    recorder.onReport = { _ in least = min(least, guest.core.freePages) }
    #expect(bench.work(recorder) == .complete)
    // The 21st would have left 19456.
    #expect(least == 20_480)
    #expect(recorder.batches.map(\.count) == [20])
    // A refusal asks for nothing; the refused block leads its list.
    #expect(state(bench) == State.idle)
    #expect(guest.list(order: 10) == Array(list[20...] + list[..<20].reversed()))
    _ = bench.work(recorder)
    #expect(Set(recorder.hints) == Set(list) && recorder.duplicates == 0)
  }

  // MARK: the flag

  @Test func aBlockThatWasAllocatedIsReportedAgain() throws {
    let guest = try guest([10: 40])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    _ = bench.collect(SessionRecorder())
    let block = guest.list(order: 10)[7]
    bench.take(block)
    #expect(!bench.strategy.isKnownToHost(block, guest.core))
    bench.free(block)
    #expect(!isReported(guest, block) && !bench.strategy.isKnownToHost(block, guest.core))
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.hints == [block] && isReported(guest, block))
  }

  @Test func aSplitBlocksHalfIsUnreported() throws {
    let guest = try guest([10: 40])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    _ = bench.collect(SessionRecorder())
    let pfn = try #require(bench.allocate(order: 8, .userMovable))
    #expect(!isReported(guest, Block(pfn: pfn + 512, order: 9)))
    #expect(guest.core.page(pfn + 512).isBuddy)
  }

  @Test func aMergedBlockOverTwoReportedHalvesIsUnreportedAndGoesAgain() throws {
    let guest = try guest([10: 40])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let whole = guest.list(order: 10)[3]
    let halves = [Block(pfn: whole.pfn, order: 9), Block(pfn: whole.pfn + 512, order: 9)]
    bench.take(whole)
    let recorder = SessionRecorder()
    // Each half free, and reported, while the other is in use.
    bench.free(halves[0])
    _ = bench.collect(recorder)
    #expect(isReported(guest, halves[0]))
    bench.take(halves[0])
    bench.free(halves[1])
    _ = bench.collect(recorder)
    #expect(isReported(guest, halves[1]))
    #expect(Set(recorder.hints).isSuperset(of: halves))
    #expect(bench.free(halves[0]) == whole)
    #expect(!isReported(guest, whole) && bench.strategy.isWorkRequested)
    let again = SessionRecorder()
    _ = bench.collect(again)
    #expect(again.hints == [whole] && isReported(guest, whole))
  }

  @Test func whatMergesWhenItIsPutBackIsUnreported() throws {
    let guest = try guest([10: 40])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    _ = bench.collect(SessionRecorder())
    let whole = guest.list(order: 10)[3]
    let halves = [Block(pfn: whole.pfn, order: 9), Block(pfn: whole.pfn + 512, order: 9)]
    bench.take(whole)
    bench.free(halves[0])
    let recorder = SessionRecorder()
    recorder.onReport = { blocks in
      // Its buddy comes back while the host acts.
      if blocks.contains(halves[0]) { bench.free(halves[1]) }
    }
    _ = bench.work(recorder)
    #expect(recorder.hints == [halves[0]])
    #expect(guest.isFree(whole) && !isReported(guest, whole) && !bench.strategy.isKnownToHost(whole, guest.core))
    #expect(bench.strategy.isWorkRequested)
    _ = bench.collect(recorder)
    #expect(recorder.hints == [halves[0], whole])
  }

  // MARK: refused reports

  @Test(arguments: [1, 2, 3])
  func aRefusedReportMarksNothingAndEndsTheRun(which: Int) throws {
    // Two full sheets and a rest, and another zone behind.
    let guest = try TestGuests.with([
      .init(blocks: [6: 1200, 9: 40, 10: 34]), .init(kind: .movable, blocks: [6: 1200, 10: 50]),
    ])
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    recorder.onReport = { _ in recorder.reportsSucceed = recorder.batches.count != which }
    let free = guest.core.freePages
    guard case .error = bench.work(recorder) else {
      Issue.record("a refused report ends the run")
      return
    }
    #expect(recorder.batches.count == which)
    let accepted = Set(recorder.batches.dropLast().flatMap { $0 })
    #expect(Set(bench.blocks(fromOrder: 9).filter { isReported(guest, $0) }) == accepted)
    #expect(guest.core.freePages == free && guest.validate().isEmpty)
    #expect(recorder.pagesTaken == recorder.pagesReturned)
    #expect(state(bench) == State.idle)
    recorder.onReport = { _ in }
    recorder.reportsSucceed = true
    for _ in 0..<3 { _ = bench.work(recorder) }
    #expect(bench.blocks(fromOrder: 9).allSatisfy { isReported(guest, $0) })
  }

  // MARK: ISOLATE

  @Test func isolatedBlocksAreLeftAlone() throws {
    let guest = try TestGuests.with([.init(blocks: [:], byType: [.movable: [6: 1200, 10: 40], .isolate: [10: 3]])])
    let isolated = guest.list(order: 10, .isolate)
    let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    recorder.onReport = { _ in #expect(guest.list(order: 10, .isolate) == isolated) }
    _ = bench.collect(recorder)
    #expect(Set(recorder.hints).isDisjoint(with: isolated) && recorder.hints.count == 40)
    #expect(isolated.allSatisfy { !isReported(guest, $0) })
  }

  @Test func reportedThoughIsolatedTheyAreGoneFromTheRangeBeingOfflined() throws {
    let guest = try TestGuests.with([.init(blocks: [:], byType: [.movable: [6: 1200, 10: 40], .isolate: [10: 3]])])
    let isolated = guest.list(order: 10, .isolate)
    let free = guest.core.freePages
    let bench = try Bench(PageReporting.self, guest, ["isolate": "take"], lowestOrder: 9)
    let recorder = SessionRecorder()
    var isWhole = true
    recorder.onReport = { _ in isWhole = isWhole && isolated.allSatisfy(guest.isFree) }
    _ = bench.collect(recorder)
    #expect(!isWhole)
    #expect(Set(recorder.hints).isSuperset(of: isolated))
    #expect(Set(guest.list(order: 10, .isolate)) == Set(isolated) && guest.core.freePages == free)
    #expect(guest.validate().isEmpty)
  }

  // MARK: stopping

  @Test func aStopPutsBackWhatIsTakenAndMarksNothing() throws {
    for hold in 0..<12 {
      let guest = try TestGuests.with([
        .init(blocks: [6: 1200, 9: 40, 10: 50]), .init(kind: .movable, blocks: [6: 1200, 10: 50]),
      ])
      let bench = try Bench(PageReporting.self, guest, lowestOrder: 9)
      let recorder = SessionRecorder()
      recorder.afterHold = { if $0 == hold { bench.stop.set() } }
      if hold == 0 { bench.stop.set() }
      let outcome = bench.collect(recorder)
      let isDone = recorder.items.count < hold || outcome == .complete
      #expect(isDone || outcome == .stopped, "hold \(hold)")
      #expect(recorder.items.count <= hold + 1)
      #expect(bench.strategy.isWorkRequested == !isDone)
      #expect(recorder.pagesTaken == recorder.pagesReturned && guest.validate().isEmpty)
      let marked = Set(
        guest.core.zones.flatMap { guest.freeBlocks(fromOrder: 9, zone: $0.index) }.filter { isReported(guest, $0) })
      #expect(marked == Set(recorder.hints))
      bench.stop.clear()
      recorder.afterHold = { _ in }
      #expect(bench.collect(recorder) == .complete)
      #expect(recorder.hints.count == 140 && recorder.duplicates == 0)
    }
  }

  // MARK: beside others

  @Test(arguments: 0..<60)
  func besideAnotherCPUReportedMeansFreeSinceItsReport(seed: UInt64) throws {
    var draws = SeededGenerator(seed: seed, stream: 3)
    let guest = try standard(
      [128, 256, 512][draws.below(3)] << 20, nodes: 1 + draws.below(2), granule: [0, 0, 4, 9][draws.below(4)])
    let order = max([9, 10, 7, 9][draws.below(4)], guest.core.granuleOrder)
    let capacity = [32, 5, 1][draws.below(3)]
    let bench = try Bench(
      PageReporting.self, guest, ["capacity": "\(capacity)", "share": "\([16, 1, 64][draws.below(3)])"],
      lowestOrder: order)
    let context: Comment = "seed \(seed), order \(order), capacity \(capacity)"
    let total = guest.core.freePages
    let neighbour = Neighbour(bench, seed: seed, orders: [0, 3, 4, 8, 9, 9, 10, 10])
    let recorder = SessionRecorder()
    var known: [UInt64: Int] = [:]
    neighbour.onTake = { taken in
      for (pfn, order) in known where pfn < taken.end && taken.pfn < pfn + 1 << UInt64(order) { known[pfn] = nil }
    }
    /// Blocks away now.
    func away() -> UInt64 {
      total - guest.core.freePages - neighbour.held.reduce(0) { $0 + $1.pages }
        - bench.pagesKept
    }
    recorder.afterHold = { _ in
      for block in guest.freeBlocks() where isReported(guest, block) {
        #expect(known[block.pfn] == block.order, context)
      }
      neighbour.act()
    }
    recorder.onReport = { blocks in
      #expect(blocks.count <= capacity, context)
      #expect(blocks.allSatisfy { !guest.core.page($0.pfn).isBuddy }, context)
      #expect(away() == blocks.reduce(0) { $0 + $1.pages }, context)
      recorder.reportsSucceed = !draws.chance(0.05)
      if recorder.reportsSucceed { for block in blocks { known[block.pfn] = block.order } }
      neighbour.act()
      #expect(blocks.allSatisfy { !guest.core.page($0.pfn).isBuddy }, context)
    }
    for _ in 0..<3 {
      _ = bench.collect(recorder)
      neighbour.act()
      #expect(away() == 0, context)
      #expect(guest.validate(held: neighbour.held).isEmpty, context)
    }
    // Left alone it comes to rest.
    neighbour.leave()
    recorder.afterHold = { _ in }
    recorder.onReport = { _ in }
    recorder.reportsSucceed = true
    bench.strategy.hooks.request()
    #expect(bench.collect(recorder) == .complete, context)
    #expect(state(bench) == State.idle, context)
    for zone in guest.core.zones where zone.isAboveLow(by: UInt64(capacity) << UInt64(order), Linux6_1.self) {
      // No isolate is refused where a whole sheet of the largest blocks may go.
      guard zone.freePages > zone.watermark(.min) + zone.reservedHighAtomic + UInt64(capacity + 1) << 10 else {
        continue
      }
      #expect(guest.freeBlocks(fromOrder: order, zone: zone.index).allSatisfy { isReported(guest, $0) }, context)
    }
    #expect(guest.core.freePages == total && guest.validate().isEmpty, context)
  }
}
