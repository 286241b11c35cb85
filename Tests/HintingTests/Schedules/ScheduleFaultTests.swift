import Testing

@testable import GuestMemory
@testable import Hinting

/// Strategies broken on purpose, under the rules of each kernel: each is caught in at least one interleaving, and none
/// where nobody interferes.
@Suite struct ScheduleFaultTests {
  private func guest(_ kernel: KernelVersion, _ shape: ScheduleCase.GuestShape = .mixed) throws -> Guest {
    try shape.guest(kernel)
  }

  /// Explores beside others, and beside nobody.
  private func faults<S: StrategyPasses, H: AllocatorHooks>(
    _ bench: Bench<S>, _ hooks: H, _ scripts: [[Section]], watches: [any ScheduleWatch] = [],
    begin: @escaping (Bench<S>) -> Void = { _ in }, repair: @escaping (Bench<S>) -> Void = { _ in }
  ) -> (alone: [String], among: [String]) {
    func explored<Rules: KernelRules>(_ rules: Rules.Type, _ scripts: [[Section]]) -> [String] {
      Scheduler(bench, scripts, hooks: hooks, rules: rules, watches: watches, begin: begin, repair: repair).explore()
        .faults
    }
    let rules = bench.guest.geometry.kernel.rules
    return (explored(rules, []), explored(rules, scripts))
  }

  /// What befalls a saved node: taken, on a per-CPU list, merged, moved.
  private static let walkScripts: [[[Section]]] = [
    [[.take(order: 9, .movable, at: 1), .freeFirst]],
    [[.allocate(order: 9, .userMovable), .drain]],
    // The lower half goes to the list's tail, since the other pageblock is free, and heads the merged block.
    [[.takeRange(order: 10, .movable), .freeFirst, .freeLast]],
  ]

  @Test(arguments: ["trusts-node", "trusts-order", "late"], KernelVersion.allCases)
  func aWalkThatDoesNotLookAgainIsCaught(_ fault: String, _ kernel: KernelVersion) throws {
    let bench = try Bench(FaultyWalk.self, guest(kernel), ["fault": fault], lowestOrder: 8)
    var caught: [String] = []
    for scripts in Self.walkScripts {
      let (alone, among) = faults(bench, NoHooks(), scripts)
      // A hint outside the lock is one whatever others do.
      #expect(alone.isEmpty || fault == "late")
      caught += among
    }
    #expect(!caught.isEmpty, "\(fault)")
  }

  @Test(arguments: ["trusts-peek", "returns-early"], KernelVersion.allCases)
  func aBlockThatIsNotHeldWhileItIsReportedIsCaught(_ fault: String, _ kernel: KernelVersion) throws {
    let bench = try Bench(HastyTaker.self, guest(kernel), ["fault": fault])
    let (alone, among) = faults(bench, NoHooks(), [[.take(order: 10, .movable, at: 0), .freeLast]])
    #expect(alone.isEmpty == (fault == "trusts-peek"))
    #expect(!among.isEmpty)
  }

  /// A range was tried over the block while it was out, which makes its pageblocks movable under 6.1's and 6.12's rules. In
  /// 6.1 a free block needn't stand on its pageblock's list.
  @Test(arguments: KernelVersion.allCases)
  func aBlockThatGoesBackToItsOldListIsCaughtWhereListsArePure(_ kernel: KernelVersion) throws {
    let script: [[Section]] = [[.takeRangeAt(pageblock: 0), .takeRangeAt(pageblock: 1)]]
    let right = try faults(Bench(HastyTaker.self, guest(kernel, .unmovable)), NoHooks(), script)
    #expect(right.alone.isEmpty && right.among.isEmpty, "\(right)")
    let bench = try Bench(HastyTaker.self, guest(kernel, .unmovable), ["fault": "keeps-list"])
    let (alone, among) = faults(bench, NoHooks(), script)
    #expect(alone.isEmpty)
    #expect(among.contains { $0.contains("impureList") } == (kernel == .linux612), "\(among)")
  }

  @Test(arguments: KernelVersion.allCases)
  func theSameDesignsWithoutAFaultKeepTheRules(_ kernel: KernelVersion) throws {
    for scripts in Self.walkScripts {
      let walk = try faults(Bench(FaultyWalk.self, guest(kernel), lowestOrder: 8), NoHooks(), scripts)
      #expect(walk.alone.isEmpty && walk.among.isEmpty, "\(walk)")
      let taker = try faults(Bench(HastyTaker.self, guest(kernel)), NoHooks(), scripts)
      #expect(taker.alone.isEmpty && taker.among.isEmpty, "\(taker)")
    }
  }

  /// Blocks of the highest order come and go while others are with the host.
  private static let largeScript: [[Section]] = [
    [
      .take(order: 10, .movable, at: 3), .freeFirst, .take(order: 10, .movable, at: 2), .freeFirst,
      .take(order: 10, .movable, at: 0), .freeFirst,
    ]
  ]

  @Test(arguments: KernelVersion.allCases)
  func pageReportingThatKeepsTheFlagIsCaught(_ kernel: KernelVersion) throws {
    let bench = try Bench(PageReporting.self, guest(kernel), ["capacity": "4"], lowestOrder: 9)
    let watches = [ReportedWatch(bench.guest, capacity: 4)]
    // Both pageblocks of a block, the lower one back first: it is reported, and heads the whole when the other comes
    // back.
    let script: [[Section]] = [
      [
        .takeRange(order: 10, .movable), .takeRange(order: 9, .movable), .freeFirst, .freeFirst, .freeFirst, .freeFirst,
      ]
    ]
    let right = faults(bench, bench.hooks, script, watches: watches)
    #expect(right.alone.isEmpty && right.among.isEmpty, "\(right)")
    let (alone, among) = faults(bench, KeepsReported(hooks: bench.hooks), script, watches: watches)
    #expect(alone.isEmpty)
    #expect(among.count == 1 && among[0].contains("flagged as reported"), "\(among)")
  }

  /// A reported block is split, and the part that was in use comes back beside its reported rest.
  private static let splitScript: [[Section]] = [
    [.take(order: 8, .movable, at: 0), .take(order: 8, .movable, at: 0), .allocate(order: 8, .userMovable), .freeLast]
  ]

  @Test(arguments: KernelVersion.allCases)
  func aMarkThatSurvivesAMergeWithAnUnreportedBlockIsCaught(_ kernel: KernelVersion) throws {
    let options = ["capacity": "4", "keep-reported": "on"]
    let bench = try Bench(KeepingPageReporting.self, guest(kernel), options, lowestOrder: 9)
    let watches = [ReportedWatch(bench.guest, capacity: 4, keepsParts: true)]
    let right = faults(bench, bench.hooks, Self.splitScript, watches: watches)
    #expect(right.alone.isEmpty && right.among.isEmpty, "\(right)")
    let (alone, among) = faults(bench, KeepsHalfReported(hooks: bench.hooks), Self.splitScript, watches: watches)
    #expect(alone.isEmpty)
    #expect(among.count == 1 && among[0].contains("flagged as reported"), "\(among)")
  }

  @Test(arguments: KernelVersion.allCases)
  func aPartOfAReportedBlockThatIsHandedOutUntoldIsCaught(_ kernel: KernelVersion) throws {
    let options = ["capacity": "4", "keep-reported": "notice"]
    let bench = try Bench(NoticingPageReporting.self, guest(kernel), options, lowestOrder: 9)
    let script: [[Section]] = [
      [
        .take(order: 8, .movable, at: 0), .take(order: 8, .movable, at: 0), .allocate(order: 8, .userMovable),
        .allocate(order: 8, .userMovable),
      ]
    ]
    let watches = [NoticeWatch(bench)]
    let right = faults(bench, bench.hooks, script, watches: watches)
    #expect(right.alone.isEmpty && right.among.isEmpty, "\(right)")
    let (alone, among) = faults(bench, TellsFirstPartOnly(hooks: bench.hooks), script, watches: watches)
    #expect(alone.isEmpty)
    #expect(among.count == 1 && among[0].contains("may still drop"), "\(among)")
  }

  private func boundaryFaults<H: AllocatorHooks>(
    _ kernel: KernelVersion, _ hooks: (PageReportingBoundary.Hooks) -> H
  ) throws -> (alone: [String], among: [String]) {
    let bench = try Bench(PageReportingBoundary.self, guest(kernel, .large), ["capacity": "2"])
    return faults(
      bench, hooks(bench.hooks), Self.largeScript, watches: [BoundaryWatch(bench)],
      begin: { bench in bench.hooks.request(bench.guest.core.zone(0)) },
      // Followed any further the lost boundary would lead out of memory.
      repair: { bench in
        for zone in bench.guest.core.zones {
          for order in bench.hooks.lowest...10 {
            for type in Migratetype.allCases {
              bench.hooks.words[bench.hooks.boundary(order, type)] = zone.freeList(order: order, type).end.rawValue
            }
          }
        }
      })
  }

  @Test(arguments: KernelVersion.allCases) func aBoundaryThatIsNotMovedOnIsCaught(_ kernel: KernelVersion) throws {
    let (alone, among) = try boundaryFaults(kernel) { KeepsBoundary(hooks: $0) }
    #expect(alone.isEmpty)
    #expect(among.count == 1 && among[0].contains("boundary"), "\(among)")
  }

  @Test(arguments: KernelVersion.allCases)
  func aCounterThatIsNotCountedDownIsCaught(_ kernel: KernelVersion) throws {
    let (alone, among) = try boundaryFaults(kernel) { KeepsCount(hooks: $0) }
    #expect(alone.isEmpty)
    #expect(among.count == 1 && among[0].contains("counted"), "\(among)")
  }

  @Test(arguments: KernelVersion.allCases) func v5sOwnHooksAreNotCaught(_ kernel: KernelVersion) throws {
    let (alone, among) = try boundaryFaults(kernel) { $0 }
    #expect(alone.isEmpty && among.isEmpty)
  }

  /// Whole blocks and halves come and go, a range among them, and what merges or is split.
  private static let mapScript: [[Section]] = [
    [
      .takeRange(order: 10, .movable), .freeFirst, .freeFirst, .allocate(order: 8, .userMovable), .freeLast,
      .take(order: 10, .movable, at: 0), .freeLast,
    ]
  ]

  @Test(arguments: ForgetsBits.Fault.allCases, KernelVersion.allCases)
  func aMapThatIsNotKeptIsCaught(_ fault: ForgetsBits.Fault, _ kernel: KernelVersion) throws {
    let bench = try Bench(BlockMapReporting.self, guest(kernel), ["capacity": "4", "take": "2"], lowestOrder: 9)
    let watches = [BlockMapWatch(bench.guest, bench.hooks.map, capacity: 4)]
    let right = faults(bench, bench.hooks, Self.mapScript, watches: watches)
    #expect(right.alone.isEmpty && right.among.isEmpty, "\(right)")
    let broken = ForgetsBits(map: bench.hooks.map, fault: fault)
    let (alone, among) = faults(bench, broken, Self.mapScript, watches: watches)
    #expect(alone.isEmpty)
    #expect(!among.isEmpty, "\(fault)")
  }

  @Test(arguments: KernelVersion.allCases) func aBitThatIsNotSetIsCaught(_ kernel: KernelVersion) throws {
    let bench = try Bench(
      BitmapHinting.self, guest(kernel, .large), ["capacity": "2", "clear": "locked"])
    let watches = [BitmapWatch(bench, capacity: 2, losesNothing: true)]
    let right = faults(bench, bench.hooks, Self.largeScript, watches: watches)
    #expect(right.alone.isEmpty && right.among.isEmpty, "\(right)")
    let (alone, among) = faults(bench, KeepsBitClear(), Self.largeScript, watches: watches)
    #expect(alone.isEmpty)
    #expect(among.count == 1 && among[0].contains("lost its bit"), "\(among)")
  }
}
