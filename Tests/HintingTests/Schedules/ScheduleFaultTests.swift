import Testing

@testable import GuestMemory
@testable import Hinting

/// Strategies broken on purpose: each is caught in at least one interleaving, and none where nobody interferes.
@Suite struct ScheduleFaultTests {
  private func guest() throws -> Guest { try ScheduleCase.GuestShape.mixed.guest() }

  /// Explores beside others, and beside nobody.
  private func faults<S: StrategyPasses, H: AllocatorHooks>(
    _ bench: Bench<S>, _ hooks: H, _ scripts: [[Section]], watches: [any ScheduleWatch] = [],
    begin: @escaping (Bench<S>) -> Void = { _ in }, repair: @escaping (Bench<S>) -> Void = { _ in }
  ) -> (alone: [String], among: [String]) {
    func explored(_ scripts: [[Section]]) -> [String] {
      Scheduler(bench, scripts, hooks: hooks, watches: watches, begin: begin, repair: repair).explore().faults
    }
    return (explored([]), explored(scripts))
  }

  /// What befalls a saved node: taken, on a per-CPU list, merged, moved.
  private static let walkScripts: [[[Section]]] = [
    [[.take(order: 9, .movable, at: 1), .freeFirst]],
    [[.allocate(order: 9, .userMovable), .drain]],
    // The lower half goes to the list's tail, since the other pageblock is free, and heads the merged block.
    [[.takeRange(order: 10, .movable), .freeFirst, .freeLast]],
  ]

  @Test(arguments: ["trusts-node", "trusts-order", "late"])
  func aWalkThatDoesNotLookAgainIsCaught(_ fault: String) throws {
    let bench = try Bench(FaultyWalk.self, guest(), ["fault": fault], lowestOrder: 8)
    var caught: [String] = []
    for scripts in Self.walkScripts {
      let (alone, among) = faults(bench, NoHooks(), scripts)
      // A hint outside the lock is one whatever others do.
      #expect(alone.isEmpty || fault == "late")
      caught += among
    }
    #expect(!caught.isEmpty, "\(fault)")
  }

  @Test(arguments: ["trusts-peek", "returns-early"])
  func aBlockThatIsNotHeldWhileItIsReportedIsCaught(_ fault: String) throws {
    let bench = try Bench(HastyTaker.self, guest(), ["fault": fault])
    let (alone, among) = faults(bench, NoHooks(), [[.take(order: 10, .movable, at: 0), .freeLast]])
    #expect(alone.isEmpty == (fault == "trusts-peek"))
    #expect(!among.isEmpty)
  }

  @Test func theSameDesignsWithoutAFaultKeepTheRules() throws {
    for scripts in Self.walkScripts {
      let walk = try faults(Bench(FaultyWalk.self, guest(), lowestOrder: 8), NoHooks(), scripts)
      #expect(walk.alone.isEmpty && walk.among.isEmpty, "\(walk)")
      let taker = try faults(Bench(HastyTaker.self, guest()), NoHooks(), scripts)
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

  @Test func pageReportingThatKeepsTheFlagIsCaught() throws {
    let bench = try Bench(PageReporting.self, guest(), ["capacity": "4"], lowestOrder: 9)
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

  private func boundaryFaults<H: AllocatorHooks>(
    _ hooks: (PageReportingBoundary.Hooks) -> H
  ) throws -> (alone: [String], among: [String]) {
    let bench = try Bench(PageReportingBoundary.self, ScheduleCase.GuestShape.large.guest(), ["capacity": "2"])
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

  @Test func aBoundaryThatIsNotMovedOnIsCaught() throws {
    let (alone, among) = try boundaryFaults { KeepsBoundary(hooks: $0) }
    #expect(alone.isEmpty)
    #expect(among.count == 1 && among[0].contains("boundary"), "\(among)")
  }

  @Test func aCounterThatIsNotCountedDownIsCaught() throws {
    let (alone, among) = try boundaryFaults { KeepsCount(hooks: $0) }
    #expect(alone.isEmpty)
    #expect(among.count == 1 && among[0].contains("counted"), "\(among)")
  }

  @Test func v5sOwnHooksAreNotCaught() throws {
    let (alone, among) = try boundaryFaults { $0 }
    #expect(alone.isEmpty && among.isEmpty)
  }

  @Test func aBitThatIsNotSetIsCaught() throws {
    let bench = try Bench(
      BitmapHinting.self, ScheduleCase.GuestShape.large.guest(), ["capacity": "2", "clear": "locked"])
    let watches = [BitmapWatch(bench, capacity: 2, losesNothing: true)]
    let right = faults(bench, bench.hooks, Self.largeScript, watches: watches)
    #expect(right.alone.isEmpty && right.among.isEmpty, "\(right)")
    let (alone, among) = faults(bench, KeepsBitClear(), Self.largeScript, watches: watches)
    #expect(alone.isEmpty)
    #expect(among.count == 1 && among[0].contains("lost its bit"), "\(among)")
  }
}
