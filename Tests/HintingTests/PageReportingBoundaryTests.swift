import Delivery
import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 7a.
@Suite struct PageReportingBoundaryTests {
  typealias Hooks = PageReportingBoundary.Hooks
  typealias TestBench = Bench<PageReportingBoundary>

  /// Two zones with blocks of several orders and migratetypes.
  private func twoZones(granule: Int = 0) throws -> Guest {
    try TestGuests.with(
      [
        .init(kind: .dma32, blocks: [10: 40, 9: 3], min: 1),
        .init(
          blocks: [:], min: 1,
          byType: [
            .movable: [10: 50, 9: 7, 4: 20], .unmovable: [10: 5, 9: 2], .reclaimable: [9: 4], .highAtomic: [9: 3],
            .isolate: [10: 2, 9: 1],
          ]),
      ], granule: granule)
  }

  // MARK: what is reported, and in which order

  @Test(arguments: [0, 4]) func everyBlockIsReportedFromHighToLowByOrderAndMigratetype(granule: Int) throws {
    let guest = try twoZones(granule: granule)
    let bench = try TestBench(PageReportingBoundary.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    let free = guest.core.freePages
    let isolated = [10, 9].map { guest.list(zone: 1, order: $0, .isolate) }
    #expect(bench.collect(recorder) == .complete)
    let zone = guest.core.zone(1)
    let places = recorder.hints.filter { $0.pfn >= zone.startPFN }.map { block in
      (order: block.order, type: guest.core.pageblockMigratetype(block.pfn).rawValue)
    }
    #expect(zip(places, places.dropFirst()).allSatisfy { ($0.order, $0.type) >= ($1.order, $1.type) })
    #expect(places.count == 71)
    #expect(recorder.hints.count == 43 + 71 && recorder.duplicates == 0)
    #expect([10, 9].map { guest.list(zone: 1, order: $0, .isolate) } == isolated)
    #expect(guest.core.freePages == free && recorder.pagesTaken == recorder.pagesReturned)
    #expect(bench.faults().isEmpty && guest.validate().isEmpty)
    for block in recorder.hints { #expect(bench.strategy.isKnownToHost(block, guest.core)) }
    #expect(guest.list(zone: 1, order: 9, .isolate).allSatisfy { !bench.strategy.isKnownToHost($0, guest.core) })
  }

  @Test func aListIsTakenFromItsTail() throws {
    let guest = try TestGuests.with(40, order: 10)
    let bench = try TestBench(PageReportingBoundary.self, guest)
    let before = guest.list(order: 10)
    let recorder = SessionRecorder()
    _ = bench.collect(recorder)
    #expect(recorder.hints == before.reversed())
    #expect(recorder.batches.map(\.count) == [16, 16, 8])
    // Each goes to the boundary, which is the one put back before it.
    #expect(guest.list(order: 10) == recorder.hints.reversed())
  }

  @Test func behindReportedBlocksTheHeadIsNext() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 80], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest)
    _ = bench.collect(SessionRecorder())
    var other = bench.other()
    // Ten of the head are used and freed again: unreported, at the head or at the tail.
    let used = (0..<33).compactMap { _ in other.allocate(order: 10, .userMovable) }
    #expect(used.count == 33)
    for pfn in used { other.free(pfn: pfn, order: 10) }
    let list = guest.list(order: 10)
    #expect(Set(list.prefix(33).map(\.pfn)) == Set(used))
    #expect(guest.core.page(list[33].pfn).isReported && bench.strategy.isWorkRequested)
    let recorder = SessionRecorder()
    #expect(bench.work(recorder) == .complete)
    #expect(recorder.hints == Array(list.prefix(33)))
    #expect(bench.faults().isEmpty)
  }

  @Test(arguments: [1, 5, 16, 1024]) func atMostCapacityBlocksAreOffTheLists(capacity: Int) throws {
    let guest = try twoZones()
    let bench = try TestBench(
      PageReportingBoundary.self, guest, ["capacity": "\(capacity)"], lowestOrder: 4)
    let recorder = SessionRecorder()
    var batches = 0
    // The queue of 128 has room for 127.
    let most = min(capacity, 127)
    recorder.onReport = { batch in
      batches += 1
      #expect(batch.count <= most)
      #expect(guest.validate(held: batch).isEmpty)
    }
    #expect(bench.collect(recorder) == .complete)
    #expect(batches > 0)
    let limit = bench.strategy.itemsPerHoldLimit(guest.core) ?? 0
    #expect(recorder.items.allSatisfy { $0 <= limit })
  }

  // MARK: the layout

  @Test func layoutWhileActiveIsUnreportedThenBoundaryThenReported() throws {
    let guest = try twoZones()
    let bench = try TestBench(PageReportingBoundary.self, guest, lowestOrder: 4)
    let recorder = SessionRecorder()
    var activeHolds = 0
    recorder.afterHold = { _ in
      let faults = bench.faults()
      #expect(faults.isEmpty, "\(faults)")
      if guest.core.zones.contains(where: { bench.hooks.has(Hooks.active, $0) }) { activeHolds += 1 }
    }
    #expect(bench.collect(recorder) == .complete)
    #expect(activeHolds > 5)
    #expect(guest.core.zones.allSatisfy { !bench.hooks.has(Hooks.active, $0) })
  }

  /// Another CPU allocates, frees, merges and steals between all holds, while zones are active and while blocks are
  /// off the lists.
  @Test(arguments: 1...8) func theBoundaryStaysRightWhatOtherCPUsDo(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed, stream: 205)
    let guest = try twoZones(granule: seed % 4 == 3 ? 3 : 0)
    let lowest = [0, 4, 9, 10][random.below(4)]
    let given = [
      "capacity": ["2", "5", "16"][random.below(3)], "migratetype": random.chance(0.5) ? "saved" : "pageblock",
      "isolate": random.chance(0.5) ? "take" : "skip",
    ]
    let bench = try TestBench(PageReportingBoundary.self, guest, given, lowestOrder: lowest)
    var others = [bench.other(0), bench.other(1)]
    var held: [Block] = []
    var reported: Set<Block> = []
    func act() {
      for _ in 0..<(1 + random.below(12)) {
        let cpu = random.below(2)
        if random.chance(0.5) {
          let gfp: GFP = [.userMovable, .kernel, [.reclaimable, .kswapd], .atomicContext][random.below(4)]
          let order = [0, 1, 3, 4, 7, 9, 10][random.below(7)]
          if let pfn = others[cpu].allocate(order: order, gfp) { held.append(Block(pfn: pfn, order: order)) }
        } else if !held.isEmpty {
          let block = held.remove(at: random.below(held.count))
          others[cpu].free(pfn: block.pfn, order: block.order)
        } else if random.chance(0.2) {
          others[cpu].drainPerCPULists()
        }
      }
    }
    func check(_ place: String) {
      let faults = bench.faults()
      #expect(faults.isEmpty, "seed \(seed), \(place), order \(lowest), \(given): \(faults)")
      for block in bench.reportedBlocks() where !reported.contains(block) {
        Issue.record("seed \(seed), \(place): \(block) was never reported as that")
      }
    }
    let recorder = SessionRecorder()
    // The first holds of each round, so that it comes to an end.
    var disturbances = 0
    recorder.afterHold = { hold in
      guard disturbances > 0 else { return }
      disturbances -= 1
      act()
      check("hold \(hold)")
    }
    recorder.onReport = { batch in
      reported.formUnion(batch)
      guard disturbances > 0 else { return }
      let faults = guest.validate(held: held + batch)
      #expect(faults.isEmpty, "seed \(seed), report \(recorder.batches.count): \(faults)")
      act()
      check("a report")
    }
    for round in 0..<4 {
      disturbances = 15
      for zone in guest.core.zones where !bench.hooks.has(Hooks.requested, zone) && random.chance(0.5) {
        bench.hooks.request(zone)
      }
      _ = bench.collect(recorder)
      #expect(guest.core.zones.allSatisfy { !bench.hooks.has(Hooks.active, $0) }, "seed \(seed), round \(round)")
      #expect(recorder.pagesTaken == recorder.pagesReturned)
      for _ in 0..<30 { act() }
      check("round \(round)")
      let faults = guest.validate(held: held)
      #expect(faults.isEmpty, "seed \(seed), round \(round): \(faults)")
    }
    #expect(!recorder.batches.isEmpty)
    for block in held { others[0].free(pfn: block.pfn, order: block.order) }
    for cpu in others.indices { others[cpu].drainPerCPULists() }
    #expect(guest.validate().isEmpty && bench.faults().isEmpty, "seed \(seed)")
  }

  @Test func whatIsFreedToTheTailWhileActiveGoesBeforeTheBoundary() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 40, 9: 40], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    let zone = guest.core.zone(0)
    var freed: Page?
    recorder.onReport = { batch in
      guard freed == nil, recorder.batches.count == 2 else { return }
      // A block of order 9, put to the tail as FPI_TO_TAIL does.
      var other = bench.other()
      let page = guest.core.page(guest.list(order: 9)[0].pfn)
      other.withZoneLocked(zone) { hold in
        hold.takeOff(page, from: .movable)
        hold.putBack(page, order: 9, .movable)
      }
      freed = page
      #expect(zone.freeList(order: 9, .movable).last == page)
      let isAtBoundary = bench.hooks.tail(
        of: zone.freeList(order: 9, .movable), zone, order: 9, .movable)
      #expect(zone.freeList(order: 9, .movable).page(before: isAtBoundary) == page)
    }
    #expect(bench.collect(recorder) == .complete)
    #expect(freed.map(\.isReported) == true)
    #expect(bench.faults().isEmpty)
  }

  @Test func theBoundaryMovesOnWhenItsBlockIsRemovedOrMoved() throws {
    for moves in [false, true] {
      let guest = try TestGuests.with([.init(blocks: [10: 40], min: 1)])
      let bench = try TestBench(PageReportingBoundary.self, guest)
      let recorder = SessionRecorder()
      let zone = guest.core.zone(0)
      var done = false
      recorder.onReport = { _ in
        guard recorder.batches.count == 2 else { return }
        let list = zone.freeList(order: 10, .movable)
        let word = bench.hooks.boundary(10, .movable)
        guard let page = list.first(where: { $0.position.rawValue == bench.hooks.words[word] }),
          let next = list.next(after: page)
        else {
          Issue.record("the boundary isn't an entry with another behind it")
          return
        }
        let count = bench.hooks.words[bench.hooks.reported(zone, 10)]
        var other = bench.other()
        other.withZoneLocked(zone) { hold in
          if moves {
            guest.core.setPageblockMigratetypes(guest.core.pfn(page), order: 10, .unmovable)
            guest.core.move(page, zone, order: 10, to: .unmovable, hold.hooks)
          } else {
            hold.take(page)
          }
        }
        #expect(bench.hooks.words[word] == next.position.rawValue)
        #expect(!page.isReported && bench.hooks.words[bench.hooks.reported(zone, 10)] == count - 1)
        if !moves { other.free(pfn: guest.core.pfn(page), order: 10) }
        done = true
      }
      #expect(bench.collect(recorder) == .complete)
      #expect(done && bench.faults().isEmpty && guest.validate().isEmpty)
      #expect(bench.reportedBlocks().count == 40)
    }
  }

  // MARK: the hook at free

  @Test func workIsRequestedOnlyAtTheHighWaterMark() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 100], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest)
    _ = bench.collect(SessionRecorder())
    #expect(!bench.strategy.isWorkRequested)
    let zone = guest.core.zone(0)
    var other = bench.other()
    let used = (0..<70).compactMap { _ in other.allocate(order: 10, .userMovable) }
    for (index, pfn) in used.enumerated() {
      #expect(bench.strategy.isWorkRequested == (index >= 32))
      other.free(pfn: pfn, order: 10)
      let isEnough = zone.blocksFree(order: 10) >= bench.hooks.words[bench.hooks.reported(zone, 10)] + 32
      #expect(bench.strategy.isWorkRequested == isEnough)
    }
    #expect(bench.strategy.isWorkRequested)
  }

  @Test func freesBelowTheLowestOrderAskForNothing() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 100], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest)
    _ = bench.collect(SessionRecorder())
    var other = bench.other()
    let used = (0..<80).compactMap { _ in other.allocate(order: 10, .userMovable) }
    // One half of each, by itself.
    for pfn in used { guest.core.page(pfn + 512).pointer.pointee.refcount = 1 }
    for pfn in used { other.free(pfn: pfn, order: 9) }
    other.drainPerCPULists()
    #expect(guest.core.zone(0).blocksFree(order: 9) == 80 && !bench.strategy.isWorkRequested)
  }

  @Test func atMostOneRequestIsOutstanding() throws {
    let guest = try twoZones()
    let bench = try TestBench(PageReportingBoundary.self, guest, lowestOrder: 9)
    // Both zones ask; the work is scheduled once.
    #expect(bench.hooks.words[Hooks.zonesRequested] == 2 && bench.hooks.words[Hooks.scheduled] == 1)
    let recorder = SessionRecorder()
    #expect(bench.work(recorder) == .complete)
    #expect(bench.hooks.words[Hooks.zonesRequested] == 0 && !bench.strategy.isWorkRequested)
    bench.hooks.request(guest.core.zone(1))
    bench.hooks.request(guest.core.zone(0))
    #expect(bench.hooks.words[Hooks.scheduled] == 1)
    // A zone that asks while the work runs is found by it, not scheduled anew.
    let again = SessionRecorder()
    var other = bench.other()
    let used = (0..<33).compactMap { _ in other.allocate(order: 10, .userMovable) }
    var asked = 0
    again.afterHold = { hold in
      guard hold == 1 else { return }
      asked = Int(bench.hooks.words[Hooks.zonesRequested])
      #expect(bench.hooks.words[Hooks.scheduled] == 0)
      for pfn in used { other.free(pfn: pfn, order: 10) }
    }
    #expect(bench.work(again) == .complete)
    #expect(asked == 1 && bench.hooks.words[Hooks.zonesRequested] == 0)
    #expect(Set(again.hints.map(\.pfn)).isSuperset(of: used))
  }

  @Test func puttingBackNeverAsks() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 200], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest)
    let recorder = SessionRecorder()
    var requests: [Bool] = []
    recorder.afterHold = { _ in requests.append(bench.hooks.has(Hooks.requested, guest.core.zone(0))) }
    #expect(bench.work(recorder) == .complete)
    // Asked for until a fill finds too few, never again: the puts of 200 blocks change nothing.
    #expect(requests == Array(repeating: true, count: 12) + [false, false])
    #expect(!bench.strategy.isWorkRequested)
  }

  @Test func isolatedBlocksCountForTheMarkSoThatEveryFreeAsks() throws {
    let guest = try TestGuests.with([.init(blocks: [:], min: 1, byType: [.movable: [10: 4], .isolate: [10: 32]])])
    let bench = try TestBench(PageReportingBoundary.self, guest)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.hints.count == 4)
    for _ in 0..<3 {
      var other = bench.other()
      let taken = other.allocate(order: 10, .userMovable)
      let pfn = try #require(taken)
      #expect(!bench.strategy.isWorkRequested)
      other.free(pfn: pfn, order: 10)
      #expect(bench.strategy.isWorkRequested)
      #expect(bench.work(SessionRecorder()) == .complete)
    }
  }

  @Test func resetAsksForZonesAboveTheMarkOnly() throws {
    let guest = try TestGuests.with([
      .init(kind: .dma32, blocks: [10: 31, 9: 31], min: 1), .init(blocks: [10: 1, 9: 32], min: 1),
    ])
    let bench = try TestBench(PageReportingBoundary.self, guest, lowestOrder: 9)
    #expect(guest.core.zones.map { bench.hooks.has(Hooks.requested, $0) } == [false, true])
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.hints.count == 33)
    bench.reset()
    #expect(bench.reportedBlocks().isEmpty && bench.strategy.isWorkRequested && bench.faults().isEmpty)
  }

  // MARK: putting back

  @Test func aBlockThatMergedIsNotReported() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 40], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest, lowestOrder: 9)
    let zone = guest.core.zone(0)
    var other = bench.other()
    let taken = other.allocate(order: 10, .userMovable)
    let pfn = try #require(taken)
    // The block's upper half is free, its lower half in use until the upper one is reported.
    guest.core.page(pfn + 512).pointer.pointee.refcount = 1
    other.free(pfn: pfn + 512, order: 9)
    other.drainPerCPULists()
    let recorder = SessionRecorder()
    var freed = false
    recorder.onReport = { batch in
      guard !freed, batch.contains(Block(pfn: pfn + 512, order: 9)) else { return }
      other.free(pfn: pfn, order: 9)
      other.drainPerCPULists()
      freed = true
    }
    bench.hooks.words[bench.hooks.flags(zone)] &= ~Hooks.requested
    bench.hooks.words[Hooks.zonesRequested] = 0
    bench.hooks.request(zone)
    #expect(bench.work(recorder) == .complete)
    #expect(freed && guest.core.page(pfn).order == 10 && guest.validate().isEmpty)
    #expect(!bench.strategy.isKnownToHost(Block(pfn: pfn, order: 10), guest.core))
    #expect(bench.reportedBlocks().count == 39 && bench.faults().isEmpty)
    bench.hooks.request(zone)
    #expect(bench.work(recorder) == .complete)
    #expect(bench.strategy.isKnownToHost(Block(pfn: pfn, order: 10), guest.core))
  }

  /// What is freed again is no longer known, though its neighbours are.
  @Test func usedBlocksAreForgotten() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 40], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest)
    _ = bench.collect(SessionRecorder())
    var other = bench.other()
    let taken = other.allocate(order: 10, .userMovable)
    let pfn = try #require(taken)
    let block = Block(pfn: pfn, order: 10)
    #expect(!bench.strategy.isKnownToHost(block, guest.core))
    other.free(pfn: pfn, order: 10)
    #expect(!bench.strategy.isKnownToHost(block, guest.core))
    #expect(bench.reportedBlocks().count == 39)
  }

  /// The review's first question: would the pageblock's migratetype not do?
  @Test func savedMigratetypeIsThePageblocksWhereNoStealMadeThemDiffer() throws {
    let pictures = try ["saved", "pageblock"].map { choice in
      let guest = try twoZones()
      let bench = try TestBench(PageReportingBoundary.self, guest, ["migratetype": choice], lowestOrder: 9)
      #expect(bench.collect(SessionRecorder()) == .complete)
      return lists(guest)
    }
    #expect(pictures[0] == pictures[1] && !pictures[0].isEmpty)
  }

  @Test(arguments: ["saved", "pageblock"]) func afterAStealTheBlocksPageblockSendsItToAnotherList(
    choice: String
  ) throws {
    // 400 pages of one pageblock are in use and movable; an unmovable request then takes its free blocks to its own
    // lists and leaves the pageblock as it is.
    let guest = try TestGuests.with([.init(blocks: [9: 1], min: 0)])
    let bench = try TestBench(PageReportingBoundary.self, guest, ["migratetype": choice], lowestOrder: 3)
    var other = bench.other()
    for _ in 0..<400 { #expect(other.allocate(order: 0, .userMovable) != nil) }
    other.drainPerCPULists()
    #expect(other.allocate(order: 4, .kernel) != nil)
    let stolen = (3...6).flatMap { guest.list(order: $0, .unmovable) }
    #expect(!stolen.isEmpty && (3...6).allSatisfy { guest.list(order: $0).isEmpty })
    for block in stolen { #expect(guest.core.pageblockMigratetype(block.pfn) == .movable) }
    bench.hooks.request(guest.core.zone(0))
    let recorder = SessionRecorder()
    #expect(bench.work(recorder) == .complete)
    #expect(Set(recorder.hints) == Set(stolen))
    let left = (3...6).flatMap { guest.list(order: $0, .unmovable) }
    let moved = (3...6).flatMap { guest.list(order: $0, .movable) }
    #expect(Set(left) == (choice == "saved" ? Set(stolen) : []))
    #expect(Set(moved) == (choice == "saved" ? [] : Set(stolen)))
    #expect(bench.faults().isEmpty)
  }

  private func lists(_ guest: Guest) -> [[Block]] {
    guest.core.zones.flatMap { zone in
      (0...10).flatMap { order in Migratetype.allCases.map { guest.list(zone: zone.index, order: order, $0) } }
    }
  }

  // MARK: isolation

  /// The review's objection: while the host acts, pages without a reference that aren't free stand in the way.
  @Test func aRangeCannotBeAllocatedWhileABlockOfItIsReported() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 40], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest)
    let recorder = SessionRecorder()
    var other = bench.other()
    var failures: [ContiguousFailure?] = []
    recorder.onReport = { batch in
      for block in [batch[0], guest.list(order: 10)[0]] {
        do throws(ContiguousFailure) {
          try other.allocateContiguous(pfn: block.pfn, pages: 1024, drainFirst: true)
          failures.append(nil)
          other.freeContiguous(pfn: block.pfn, pages: 1024)
          other.drainPerCPULists()
        } catch {
          failures.append(error == .busy(pfn: block.pfn) ? error : nil)
        }
      }
    }
    _ = bench.work(recorder)
    #expect(failures.count == 2 * recorder.batches.count)
    // Blocks that aren't held just then can be had.
    for (index, failure) in failures.enumerated() { #expect((failure != nil) == (index % 2 == 0)) }
    let block = recorder.hints[0]
    #expect(throws: Never.self) {
      try other.allocateContiguous(pfn: block.pfn, pages: 1024, drainFirst: true)
    }
    #expect(!bench.strategy.isKnownToHost(block, guest.core))
    other.freeContiguous(pfn: block.pfn, pages: 1024)
    other.drainPerCPULists()
    #expect(guest.validate().isEmpty && bench.faults().isEmpty)
  }

  @Test func aBlockIsolatedWhileItIsReportedGoesBackToIsolate() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 40], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest)
    let recorder = SessionRecorder()
    let free = guest.core.freePages
    var isolated: Block?
    recorder.onReport = { batch in
      guard isolated == nil else { return }
      isolated = batch[3]
      guest.core.setPageblockMigratetypes(batch[3].pfn, order: 10, .isolate)
    }
    #expect(bench.collect(recorder) == .complete)
    let block = try #require(isolated)
    #expect(guest.list(order: 10, .isolate) == [block] && guest.list(order: 10).count == 39)
    #expect(guest.core.freePages == free - 1024)
    #expect(bench.faults().isEmpty && guest.validate().isEmpty)
  }

  @Test(arguments: ["take", "skip"]) func isolatedBlocksOnOtherListsAreReportedOrLeftAlone(choice: String) throws {
    let guest = try TestGuests.with([.init(blocks: [10: 40], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest, ["isolate": choice])
    let odd = guest.list(order: 10)[7]
    guest.core.setPageblockMigratetypes(odd.pfn, order: 10, .isolate)
    let free = guest.core.freePages
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.hints.contains(odd) == (choice == "take"))
    #expect(bench.strategy.isKnownToHost(odd, guest.core) == (choice == "take"))
    #expect(guest.list(order: 10, .isolate) == [odd])
    #expect(guest.core.freePages == free - 1024)
    #expect(bench.faults().isEmpty && guest.validate().isEmpty)
  }

  // MARK: endings

  /// As posted: the callback returned nothing.
  @Test func whatTheQueueRefusedCountsAsReported() throws {
    let guest = try TestGuests.with(40, order: 10)
    let bench = try TestBench(PageReportingBoundary.self, guest)
    let recorder = SessionRecorder()
    recorder.reportsSucceed = false
    #expect(bench.collect(recorder) == .complete)
    #expect(bench.reportedBlocks().count == 40)
  }

  @Test func aStoppedSessionHoldsNothingAndGoesOnLater() throws {
    for hold in 0..<8 {
      let guest = try twoZones()
      let bench = try TestBench(PageReportingBoundary.self, guest, lowestOrder: 9)
      let recorder = SessionRecorder()
      if hold == 0 { bench.stop.set() }
      recorder.afterHold = { if $0 == hold { bench.stop.set() } }
      #expect(bench.collect(recorder) == .stopped)
      #expect(recorder.items.count <= hold + 1)
      #expect(recorder.pagesTaken == recorder.pagesReturned)
      #expect(guest.validate().isEmpty && bench.strategy.isWorkRequested)
      #expect(guest.core.zones.allSatisfy { !bench.hooks.has(Hooks.active, $0) })
      #expect(bench.reportedBlocks().count == recorder.hints.count)
      bench.stop.clear()
      #expect(bench.collect(SessionRecorder()) == .complete)
      #expect(!bench.strategy.isWorkRequested)
    }
  }

  @Test func aSessionEndsThoughOthersFreeAsFastAsItReports() throws {
    let guest = try TestGuests.with([.init(blocks: [10: 40], min: 1)])
    let bench = try TestBench(PageReportingBoundary.self, guest)
    let recorder = SessionRecorder()
    var other = bench.other()
    recorder.afterHold = { _ in
      // All that is free is used for a moment: nothing is known any more.
      let used = (0..<40).compactMap { _ in other.allocate(order: 10, .userMovable) }
      for pfn in used { other.free(pfn: pfn, order: 10) }
    }
    #expect(bench.collect(recorder) == .limit)
    #expect(recorder.batches.count > 10)
    #expect(bench.strategy.isWorkRequested && bench.faults().isEmpty && guest.validate().isEmpty)
    recorder.afterHold = { _ in }
    #expect(bench.collect(recorder) == .complete)
    #expect(bench.reportedBlocks().count == 40)
  }

  @Test func theDelayIsATenthOfASecond() throws {
    let guest = try TestGuests.with(1, order: 10)
    #expect(try TestBench(PageReportingBoundary.self, guest).strategy.workDelayNanoseconds == 100_000_000)
    #expect(try TestBench(PageReportingBoundary.self, guest, ["delay": "7"]).strategy.workDelayNanoseconds == 7_000_000)
  }
}

extension Bench<PageReportingBoundary> {
  fileprivate func reportedBlocks() -> [Block] {
    guest.core.zones.flatMap { zone in
      (0...10).flatMap { order in
        Migratetype.allCases.flatMap { type in
          zone.freeList(order: order, type).filter(\.isReported).map { Block(pfn: guest.core.pfn($0), order: order) }
        }
      }
    }
  }

  /// What isn't as 7a says: counters, requests, and the layout of each list.
  fileprivate func faults() -> [String] {
    typealias Hooks = PageReportingBoundary.Hooks
    var faults: [String] = []
    var requests: UInt64 = 0
    for zone in guest.core.zones {
      if hooks.has(Hooks.requested, zone) { requests += 1 }
      let isActive = hooks.has(Hooks.active, zone)
      for order in 0...10 {
        var reported: UInt64 = 0
        for type in Migratetype.allCases {
          let name = "zone \(zone.index) order \(order) \(type.name)"
          let list = Array(zone.freeList(order: order, type))
          let flags = list.map(\.isReported)
          reported += UInt64(flags.count { $0 })
          for page in list where page.isReported && !(page.isBuddy && page.order == order) {
            faults.append("\(name): a reported page isn't Buddy of its order")
          }
          if order < hooks.lowest && flags.contains(true) { faults.append("\(name): reported below the lowest order") }
          var before = flags[...]
          if isActive && order >= hooks.lowest {
            let boundary = hooks.words[hooks.boundary(order, type)]
            let index = list.firstIndex { $0.position.rawValue == boundary } ?? list.count
            if index == list.count && boundary != zone.freeList(order: order, type).end.rawValue {
              faults.append("\(name): the boundary isn't on the list")
            }
            if flags[index...].contains(false) { faults.append("\(name): unreported behind the boundary") }
            before = flags[..<index]
          }
          // What earlier runs left reported is one run, too.
          let runs = zip(before, before.dropFirst()).count { $0 != $1 && $1 }
          if runs + (before.first == true ? 1 : 0) > 1 { faults.append("\(name): reported blocks lie apart: \(flags)") }
        }
        let count = hooks.words[hooks.reported(zone, order)]
        if count != reported {
          faults.append("zone \(zone.index) order \(order): \(count) counted, \(reported) reported")
        }
      }
    }
    let asked = hooks.words[Hooks.zonesRequested]
    if asked != requests { faults.append("\(asked) requests counted, \(requests) zones ask") }
    return faults
  }
}
