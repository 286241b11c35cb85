import Testing

@testable import Delivery
@testable import GuestMemory
@testable import Hinting

/// What was proposed for page reporting since it was merged; facts since 6.1, section 3.
@Suite struct PageReportingProposalsTests {
  private func guest(
    _ blocks: [Int: UInt64], granule: Int = 0, kernel: KernelVersion = .linux61
  ) throws -> Guest {
    var all = blocks
    all[6, default: 0] += 1200
    return try TestGuests.with([.init(blocks: all)], granule: granule, kernel: kernel)
  }

  private func isReported(_ guest: Guest, _ block: Block) -> Bool { guest.core.page(block.pfn).isReported }

  // MARK: which type runs

  @Test func onlyAnOptionThatChangesTheCodeChangesTheType() throws {
    func type(_ options: [String: String]) throws -> any StrategyPasses.Type {
      try Strategies.entry(named: "page-reporting").configured(options).type
    }
    for options in [[:], ["capacity": "5", "share": "1", "delay": "0", "isolate": "take"], ["take": "32"]] {
      #expect(try type(options) == PageReporting.self, "\(options)")
    }
    for options in [
      ["skip": "64"], ["take": "31"], ["flush": "512"], ["buffers": "individual"], ["budget": "1"], ["trigger": "1"],
    ] {
      #expect(try type(options) == BoundedPageReporting.self, "\(options)")
    }
    #expect(try type(["keep-reported": "on", "skip": "3"]) == KeepingPageReporting.self)
    #expect(try type(["keep-reported": "notice"]) == NoticingPageReporting.self)
    let other = try Strategies.entry(named: "page-reporting").configured(["skip": "3"]).with("skip", "0")
    let isMerged = other.type == PageReporting.self
    #expect(isMerged)
  }

  @Test func cellsAreTheSameAsBeforeTheOptionsExisted() throws {
    let entry = try Strategies.entry(named: "page-reporting")
    let before = "page-reporting:order=session:capacity=32:delay=2000:share=16:isolate=skip"
    #expect(try entry.configured().identityName == before)
    #expect(try entry.configured(["take": "4", "skip": "64"]).identityName == before + ":skip=64:take=4")
  }

  // MARK: skip

  @Test(arguments: [(1024, 1024), (1 << 14, 1024), (1000, 64)])
  func aListOfReportedBlocksIsSkippedAPieceAHold(count: Int, skip: Int) throws {
    // As merged: one hold of them all.
    let guest = try guest([10: UInt64(count)], granule: 6)
    let merged = try Bench(PageReporting.self, guest, lowestOrder: 9)
    _ = merged.collect(SessionRecorder())
    let whole = SessionRecorder()
    merged.hooks.request()
    #expect(merged.work(whole) == .complete)
    #expect(whole.items == [count])
    let bench = try Bench(BoundedPageReporting.self, guest, ["skip": "\(skip)"], lowestOrder: 9)
    let recorder = SessionRecorder()
    #expect(bench.work(recorder) == .complete)
    #expect(recorder.items.count == (count + skip - 1) / skip)
    #expect(recorder.items.dropLast().allSatisfy { $0 == skip } && recorder.items.reduce(0, +) == count)
    #expect(recorder.hints.isEmpty && !bench.strategy.isWorkRequested)
  }

  /// The patch goes on until as many were skipped as there are blocks of the order, of whatever type.
  @Test func aShortListBesideALongOneIsGoneThroughOnce() throws {
    let guest = try TestGuests.with(
      [.init(blocks: [:], byType: [.movable: [6: 1200, 10: 2000], .highAtomic: [10: 70]])], granule: 6)
    let merged = try Bench(PageReporting.self, guest, lowestOrder: 10)
    _ = merged.collect(SessionRecorder())
    let bench = try Bench(BoundedPageReporting.self, guest, ["skip": "50"], lowestOrder: 10)
    let recorder = SessionRecorder()
    #expect(bench.work(recorder) == .complete)
    // Both lists, and for one the entry at which it is round.
    #expect(recorder.items.reduce(0, +) <= 2072)
    #expect(recorder.items.max() == 50)
  }

  @Test func theListIsDoneThoughTheFirstSkippedEntryIsGone() throws {
    let guest = try guest([10: 300], granule: 6)
    let merged = try Bench(PageReporting.self, guest, lowestOrder: 9)
    _ = merged.collect(SessionRecorder())
    let bench = try Bench(BoundedPageReporting.self, guest, ["skip": "10"], lowestOrder: 9)
    let first = guest.list(order: 10)[0]
    let recorder = SessionRecorder()
    recorder.afterHold = { if $0 == 1 { bench.take(first) } }
    #expect(bench.work(recorder) == .complete)
    #expect(recorder.items.reduce(0, +) == 300)
  }

  @Test func anUnreportedBlockBehindReportedOnesIsFound() throws {
    for place in [0, 1, 99, 100, 101, 1999] {
      let guest = try guest([10: 2000], granule: 6)
      let merged = try Bench(PageReporting.self, guest, lowestOrder: 9)
      _ = merged.collect(SessionRecorder())
      let block = guest.list(order: 10)[place]
      guest.core.page(block.pfn).setReported(false)
      let bench = try Bench(BoundedPageReporting.self, guest, ["skip": "100"], lowestOrder: 9)
      let recorder = SessionRecorder()
      #expect(bench.work(recorder) == .complete)
      #expect(recorder.hints == [block] && isReported(guest, block), "at \(place)")
      #expect((recorder.items.max() ?? 0) <= 101)
    }
  }

  // MARK: take

  @Test(arguments: [1, 2, 7, 31, 32], KernelVersion.allCases)
  func aHoldTakesAndPutsBackNoMoreThanItMay(take: Int, kernel: KernelVersion) throws {
    func run<Rules: KernelRules>(_ rules: Rules.Type) throws {
      let guest = try guest([9: 40, 10: 100], granule: 6, kernel: kernel)
      let bench = try Bench(BoundedPageReporting.self, guest, ["take": "\(take)", "skip": "3"], lowestOrder: 9)
      let recorder = SessionRecorder()
      var free = guest.core.freePages
      recorder.afterHold = { _ in
        let now = guest.core.freePages
        #expect(max(now, free) - min(now, free) <= UInt64(take) << 10)
        free = now
      }
      recorder.onReport = { blocks in #expect(blocks.count <= 32) }
      #expect(bench.collect(recorder, under: rules) == .complete)
      #expect(recorder.items.allSatisfy { $0 <= take + 4 })
      #expect(bench.blocks(fromOrder: 9).allSatisfy { isReported(guest, $0) })
      #expect(recorder.hints.count == 140 && recorder.duplicates == 0)
      #expect(recorder.pagesTaken == recorder.pagesReturned && guest.validate().isEmpty)
    }
    try run(kernel.rules)
  }

  /// The same blocks in the same sheets as without bounds, whatever they are.
  @Test(arguments: 0..<30) func anIdleGuestIsReportedAsWithoutBounds(seed: UInt64) throws {
    var draws = SeededGenerator(seed: seed, stream: 5)
    let shape: [Migratetype: [Int: UInt64]] = [
      .movable: [6: 40_000, 9: UInt64(draws.below(400)), 10: UInt64(draws.below(900))],
      .unmovable: [9: UInt64(draws.below(90)), 10: UInt64(draws.below(90))],
      .reclaimable: [10: UInt64(draws.below(40))],
    ]
    let guest = try TestGuests.with([.init(blocks: [:], byType: shape)], granule: 6)
    let given = ["capacity": "\([32, 5, 1][draws.below(3)])", "share": "\([16, 1, 64][draws.below(3)])"]
    let bounds = ["skip": "\(1 + draws.below(200))", "take": "\(1 + draws.below(40))"]
    var reports: [[[Block]]] = []
    func session<S: ReportingStrategy & StrategyPasses>(_ type: S.Type, _ options: [String: String]) throws {
      guest.restore()
      let bench = try Bench(type, guest, options, lowestOrder: 9)
      let recorder = SessionRecorder()
      #expect(bench.collect(recorder) == .complete)
      #expect(!bench.strategy.isWorkRequested, "seed \(seed)")
      #expect(bench.blocks(fromOrder: 9).allSatisfy { isReported(guest, $0) }, "seed \(seed)")
      reports.append(recorder.batches)
    }
    try session(PageReporting.self, given)
    try session(BoundedPageReporting.self, given.merging(bounds) { $1 })
    #expect(reports[0] == reports[1], "seed \(seed), \(given), \(bounds)")
  }

  @Test func aRefusedReportGoesBackInBoundedHoldsToo() throws {
    let guest = try guest([10: 40])
    let bench = try Bench(BoundedPageReporting.self, guest, ["take": "3"], lowestOrder: 9)
    let recorder = SessionRecorder()
    recorder.reportsSucceed = false
    let free = guest.core.freePages
    guard case .error = bench.work(recorder) else {
      Issue.record("a refused report ends the run")
      return
    }
    #expect(guest.core.freePages == free && guest.validate().isEmpty)
    #expect(recorder.items.allSatisfy { $0 <= 4 } && recorder.pagesTaken == recorder.pagesReturned)
    #expect(!bench.blocks(fromOrder: 9).contains { isReported(guest, $0) })
  }

  @Test func aStopPutsBackWhatIsTakenInBoundedHolds() throws {
    for hold in 0..<60 {
      let guest = try guest([9: 40, 10: 50], granule: 6)
      let bench = try Bench(BoundedPageReporting.self, guest, ["skip": "7", "take": "5"], lowestOrder: 9)
      let recorder = SessionRecorder()
      recorder.afterHold = { if $0 == hold { bench.stop.set() } }
      if hold == 0 { bench.stop.set() }
      let outcome = bench.collect(recorder)
      #expect(outcome == .stopped || recorder.hints.count == 90, "hold \(hold)")
      #expect(recorder.items.allSatisfy { $0 <= 13 })
      #expect(recorder.pagesTaken == recorder.pagesReturned && guest.validate().isEmpty)
      #expect(Set(bench.blocks(fromOrder: 9).filter { isReported(guest, $0) }) == Set(recorder.hints))
    }
  }

  // MARK: buffers, flush

  @Test func individualBuffersAreOneKickAndABufferABlock() throws {
    let guest = try guest([10: 100], granule: 6)
    for (options, ownBuffers) in [([:], 0), (["buffers": "individual"], 4)] {
      let recorder = SessionRecorder()
      guest.restore()
      let bench = try Bench(BoundedPageReporting.self, guest, options, lowestOrder: 9)
      #expect(bench.collect(recorder) == .complete)
      #expect(recorder.batches.count == 4 && recorder.batchesOfOwnBuffers == ownBuffers)
      #expect(recorder.kicks == 4 && recorder.descriptors == 100)
    }
  }

  @Test(arguments: [false, true]) func theHostUsesAChainOnceAndBuffersOneByOne(isEach: Bool) throws {
    let device = try HintDevice(size: 32)
    try device.startHost(ackNanoseconds: 0, cpu: nil)
    let arena = try HintArena(bytes: 4096)
    let sheet = arena.buffer(bytes: 32 * 8)
    for index in 0..<32 { sheet.store(Block(pfn: UInt64(index) << 10, order: 10).rawValue, at: index) }
    let isAccepted = isEach ? device.driver.reportEach(sheet, 0..<32) : device.driver.report(sheet, 0..<32)
    #expect(isAccepted)
    let figures = try #require(device.stopHost())
    #expect(figures.chains == (isEach ? 32 : 1))
    #expect(figures.descriptors == 32)
  }

  @Test(arguments: [0, 1, 511, 512, 1024, 40_000, 100_000])
  func aFlushReportsNoMorePagesThanItsBudget(pages: Int) throws {
    let guest = try guest([9: 40, 10: 100], granule: 6)
    let all: UInt64 = 40 << 9 + 100 << 10
    let bench = try Bench(BoundedPageReporting.self, guest, ["flush": "\(pages)"], lowestOrder: 9)
    let recorder = SessionRecorder()
    let outcome = bench.collect(recorder)
    let reported = recorder.hints.reduce(0) { $0 + $1.pages }
    if pages == 0 {
      #expect(outcome == .complete && reported == all)
      return
    }
    #expect(outcome == .limit && bench.strategy.isWorkRequested)
    #expect(reported <= UInt64(pages) && reported + 1024 > UInt64(pages))
    #expect(recorder.pagesTaken == recorder.pagesReturned && guest.validate().isEmpty)
    // The next ones report the rest, and nothing twice.
    for _ in 0..<(Int(all) / max(pages, 1024) + 2) where pages >= 1024 { _ = bench.collect(recorder) }
    if pages >= 1024 {
      #expect(bench.blocks(fromOrder: 9).allSatisfy { isReported(guest, $0) } && recorder.duplicates == 0)
    }
  }

  // MARK: budget, trigger

  @Test(arguments: [1, 2, 5, 100], [1, 32])
  func aRunReportsItsBudgetOfEachList(budget: Int, capacity: Int) throws {
    let guest = try guest([9: 40, 10: 500], granule: 6)
    let bench = try Bench(
      BoundedPageReporting.self, guest, ["budget": "\(budget)", "capacity": "\(capacity)"], lowestOrder: 10)
    var left = 500
    var runs = 0
    let most = bench.strategy.runsPerSession(guest.core)
    while bench.strategy.isWorkRequested && runs <= most {
      let recorder = SessionRecorder()
      #expect(bench.work(recorder) == .complete)
      let reported = recorder.hints.count
      // What doesn't fill a report is reported at the zone's end.
      let whole = min(left, budget * capacity)
      #expect(reported == whole || left - reported < capacity && reported - whole < capacity)
      left -= reported
      runs += 1
      #expect(bench.strategy.isWorkRequested == (left > 0))
    }
    #expect(left == 0 && runs <= most)
    #expect(bench.blocks(fromOrder: 10).allSatisfy { isReported(guest, $0) })
  }

  @Test func aSessionCoversAllWhateverItsBudget() throws {
    for budget in [1, 3, 1000] {
      let guest = try guest([9: 700, 10: 900], granule: 6)
      let bench = try Bench(BoundedPageReporting.self, guest, ["budget": "\(budget)"], lowestOrder: 9)
      #expect(bench.collect(SessionRecorder()) == .complete && !bench.strategy.isWorkRequested)
      #expect(bench.blocks(fromOrder: 9).allSatisfy { isReported(guest, $0) })
    }
  }

  /// In all forms that have the option; as merged the first free requests.
  @Test func freesRequestARunOnceTheyReachTheThreshold() throws {
    func run<S: ReportingStrategy & StrategyPasses>(
      _ type: S.Type, _ options: [String: String], trigger: Int, _ requests: [Bool]
    ) throws {
      let guest = try guest([10: 40])
      let bench = try Bench(type, guest, options.merging(["trigger": "\(trigger)"]) { $1 }, lowestOrder: 9)
      _ = bench.collect(SessionRecorder())
      #expect(!bench.strategy.isWorkRequested)
      let blocks = Array(guest.list(order: 10).prefix(requests.count + 1))
      for block in blocks { bench.take(block) }
      // Below the lowest order nothing counts.
      bench.free(Block(pfn: blocks[0].pfn, order: 8))
      #expect(!bench.strategy.isWorkRequested)
      for (block, expected) in zip(blocks.dropFirst(), requests) {
        bench.free(block)
        #expect(bench.strategy.isWorkRequested == expected, "\(type), \(trigger)")
      }
      // A run takes what was freed, and counting begins anew.
      guard requests.contains(true) else { return }
      _ = bench.collect(SessionRecorder())
      #expect(bench.blocks(fromOrder: 9).allSatisfy { isReported(guest, $0) })
      let next = guest.list(order: 10)[0]
      bench.take(next)
      bench.free(next)
      #expect(bench.strategy.isWorkRequested == (trigger <= 1024))
    }
    try run(PageReporting.self, [:], trigger: 0, [true, true, true])
    for (type, options) in [
      (BoundedPageReporting.self as any (ReportingStrategy & StrategyPasses).Type, [:]),
      (KeepingPageReporting.self, ["keep-reported": "on"]), (NoticingPageReporting.self, ["keep-reported": "notice"]),
    ] {
      try run(type, options, trigger: 1024, [true, true])
      try run(type, options, trigger: 1025, [false, true, true])
      try run(type, options, trigger: 4096, [false, false, false, true])
      try run(type, options, trigger: 1 << 20, [false, false, false, false])
    }
  }

  // MARK: keep-reported=on

  /// Facts, 3.3: kept across a split.
  @Test func thePartsOfASplitBlockStayReportedOnlyWhereKept() throws {
    func run<S: ReportingStrategy & StrategyPasses>(_ type: S.Type, keeps: Bool) throws {
      let guest = try TestGuests.with([.init(blocks: [10: 40], min: 1)])
      let bench = try Bench(type, guest, keeps ? ["keep-reported": "on"] : [:], lowestOrder: 9)
      _ = bench.collect(SessionRecorder())
      let whole = guest.list(order: 10)[0]
      var cpu = bench.other()
      let pfn = cpu.withZoneLocked(guest.core.zone(0)) { hold in
        var mode = GuestCore.TakeMode.own
        let page = guest.core.take(
          hold.zone, order: 0, .movable, avoidFragmentation: false, &mode, hold.ruled)
        guest.core.addFreePages(hold.zone, -1)
        return page.map(guest.core.pfn)
      }
      #expect(pfn == whole.pfn)
      #expect(!guest.core.page(whole.pfn).isReported)
      let parts = (0..<10).map { Block(pfn: whole.pfn + 1 << UInt64($0), order: $0) }
      #expect(parts.allSatisfy { guest.isFree($0) && isReported(guest, $0) == keeps })
      bench.hooks.request()
      let recorder = SessionRecorder()
      #expect(bench.collect(recorder) == .complete)
      #expect(recorder.hints == (keeps ? [] : [parts[9]]))
      // A freed page has no mark, and what it merges with loses its own.
      #expect(bench.free(Block(pfn: whole.pfn, order: 0)) == whole)
      #expect(!isReported(guest, whole) && bench.strategy.isWorkRequested)
      #expect(guest.validate().isEmpty)
    }
    try run(PageReporting.self, keeps: false)
    try run(KeepingPageReporting.self, keeps: true)
  }

  @Test func twoReportedHalvesMergeToAReportedBlockWhereKept() throws {
    let guest = try guest([10: 40])
    let bench = try Bench(KeepingPageReporting.self, guest, ["keep-reported": "on"], lowestOrder: 9)
    _ = bench.collect(SessionRecorder())
    let whole = guest.list(order: 10)[3]
    let halves = [Block(pfn: whole.pfn, order: 9), Block(pfn: whole.pfn + 512, order: 9)]
    for (first, second) in [(halves[0], halves[1]), (halves[1], halves[0])] {
      bench.take(whole)
      bench.free(first)
      _ = bench.collect(SessionRecorder())
      #expect(isReported(guest, first))
      // Freed beside a reported buddy: not reported, once it is known to the host: both.
      let recorder = SessionRecorder()
      bench.free(second)
      #expect(guest.isFree(whole) && !isReported(guest, whole))
      _ = bench.collect(recorder)
      #expect(recorder.hints == [whole] && isReported(guest, whole))
    }
    // Put back beside a buddy that is reported by then.
    bench.take(whole)
    var cpu = bench.other()
    cpu.withZoneLocked(guest.core.zone(0)) { hold in
      for half in halves {
        let page = guest.core.page(half.pfn)
        page.pointer.pointee.refcount = 0
        page.setReported(true)
        hold.putBack(page, order: 9, .movable)
      }
    }
    #expect(guest.isFree(whole) && isReported(guest, whole))
    #expect(!guest.core.page(halves[1].pfn).isReported)
  }

  @Test(arguments: 0..<40, KernelVersion.allCases)
  func besideAnotherCPUAMarkedBlockWasReportedWhole(seed: UInt64, kernel: KernelVersion) throws {
    func run<Rules: KernelRules>(_ rules: Rules.Type) throws {
      var draws = SeededGenerator(seed: seed, stream: 6)
      var geometry = GuestGeometry.standard(
        bytes: [128, 256][draws.below(2)] << 20, nodes: 1, cpus: 2, granuleOrder: 7)
      geometry.kernel = kernel
      let guest = try Guest(geometry)
      guest.fillFresh()
      let bench = try Bench(
        KeepingPageReporting.self, guest,
        ["keep-reported": "on", "skip": "\(1 + draws.below(30))", "take": "\(1 + draws.below(32))"],
        lowestOrder: [9, 10, 7][draws.below(3)])
      let context: Comment = "seed \(seed), \(kernel.rawValue)"
      // Granules that the host knows of, and that nobody has had since.
      var known = Set<UInt64>()
      func granules(_ block: Block) -> StrideTo<UInt64> { stride(from: block.pfn, to: block.end, by: 1 << 7) }
      var held: [Block] = []
      func act() {
        var cpu = bench.other(under: rules)
        for _ in 0..<draws.below(4) {
          if held.isEmpty || draws.chance(0.5) {
            let order = [7, 8, 9, 9, 10][draws.below(5)]
            guard let pfn = cpu.allocate(order: order, .userMovable) else { continue }
            held.append(Block(pfn: pfn, order: order))
            known.subtract(granules(held[held.count - 1]))
          } else {
            let block = held.remove(at: draws.below(held.count))
            cpu.free(pfn: block.pfn, order: block.order)
          }
        }
      }
      /// What is on no list isn't known any more; what is with the host still is.
      func look(away: [Block]) {
        var listed = Set<UInt64>()
        for block in guest.freeBlocks() + away { listed.formUnion(granules(block)) }
        known.formIntersection(listed)
        for block in guest.freeBlocks() where guest.core.page(block.pfn).isReported {
          #expect(granules(block).allSatisfy(known.contains), "\(block), seed \(seed), \(kernel.rawValue)")
        }
      }
      let recorder = SessionRecorder()
      var away: [Block] = []
      recorder.afterHold = { _ in
        let free = PageRuns(guest.freeBlocks())
        away = away.filter { !free.contains($0) }
        look(away: away)
        act()
        look(away: away)
      }
      recorder.onReport = { blocks in
        for block in blocks { known.formUnion(granules(block)) }
        away = blocks
        act()
        look(away: away)
      }
      for _ in 0..<2 {
        _ = bench.collect(recorder, under: rules)
        act()
      }
      #expect(guest.validate(held: held).isEmpty, context)
    }
    try run(kernel.rules)
  }

  // MARK: keep-reported=notice

  private func noticing(_ guest: Guest) throws -> Bench<NoticingPageReporting> {
    try Bench(NoticingPageReporting.self, guest, ["keep-reported": "notice"], lowestOrder: 9)
  }

  /// Facts, 3.5.
  @Test(arguments: [0, 3, 9, 10])
  func aPartOfAReportedBlockIsToldOnceBeforeItsUserHasIt(order: Int) throws {
    let guest = try TestGuests.with([.init(blocks: [10: 40], min: 1)])
    let bench = try noticing(guest)
    let never = try #require(bench.allocate(order: order, .userMovable))
    #expect(bench.hooks.notices == 0)
    var cpu = bench.other()
    cpu.free(pfn: never, order: order)
    cpu.drainPerCPULists()
    _ = bench.collect(SessionRecorder())
    let pfn = try #require(bench.allocate(order: order, .userMovable))
    #expect(bench.hooks.lastNotices == [Block(pfn: pfn, order: order)])
    #expect(!guest.core.page(pfn).isDroppable && !guest.core.page(pfn).isReported)
    cpu.free(pfn: pfn, order: order)
    // It has been told, and is told again only if it was reported again.
    let again = try #require(bench.allocate(order: order, .userMovable))
    if again == pfn { #expect(bench.hooks.notices == 1) }
  }

  @Test func aReportedBlockThatMergesWithAnotherIsStillTold() throws {
    let guest = try guest([10: 40])
    let bench = try noticing(guest)
    _ = bench.collect(SessionRecorder())
    let whole = guest.list(order: 10)[3]
    bench.take(whole)
    guest.core.page(whole.pfn).setDroppable(false)
    bench.free(Block(pfn: whole.pfn + 512, order: 9))
    _ = bench.collect(SessionRecorder())
    #expect(bench.free(Block(pfn: whole.pfn, order: 9)) == whole)
    #expect(!isReported(guest, whole) && guest.core.page(whole.pfn).isDroppable)
    #expect(!guest.core.page(whole.pfn + 512).isDroppable && !guest.core.page(whole.pfn + 512).isReported)
  }

  /// The host may drop it from the report on, though it is in no block that is marked as reported.
  @Test func aReportedBlockThatMergesWhenItIsPutBackIsStillTold() throws {
    let guest = try guest([10: 40])
    let bench = try noticing(guest)
    let whole = guest.list(order: 10)[3]
    bench.take(whole)
    bench.free(Block(pfn: whole.pfn + 512, order: 9))
    let recorder = SessionRecorder()
    recorder.onReport = { blocks in
      if blocks.contains(Block(pfn: whole.pfn + 512, order: 9)) { bench.free(Block(pfn: whole.pfn, order: 9)) }
    }
    _ = bench.work(recorder)
    #expect(guest.isFree(whole))
    #expect(guest.core.page(whole.pfn).isDroppable || isReported(guest, whole))
  }

  @Test func theLastNoticesAreKept() throws {
    let guest = try TestGuests.with([.init(blocks: [6: 1200, 10: 300], min: 1)], granule: 6)
    let bench = try noticing(guest)
    _ = bench.collect(SessionRecorder())
    var taken: [Block] = []
    for _ in 0..<200 { taken.append(Block(pfn: try #require(bench.allocate(order: 10, .userMovable)), order: 10)) }
    #expect(bench.hooks.notices == 200 && bench.hooks.lastNotices == Array(taken.suffix(128)))
    bench.reset()
    #expect(bench.hooks.notices == 0 && bench.hooks.lastNotices.isEmpty)
  }
}
