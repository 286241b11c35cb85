import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 2: whatever becomes of the saved node, it is checked before it is followed.
@Suite struct SavedNodeScheduleTests {
  /// What is free, and what another CPU does.
  private static let scripts: [([Migratetype: [Int: UInt64]], [Section])] = [
    // Taken and back at the head (ABA); at the head, moved to another migratetype's list.
    (
      [.movable: [8: 3, 9: 3]],
      [
        .take(order: 9, .movable, at: 1), .freeFirst, .take(order: 9, .movable, at: 0),
        .steal(order: 9, for: .unmovable), .take(order: 8, .movable, at: 1), .freeLast, .freeLast,
        .steal(order: 9, for: .reclaimable),
      ]
    ),
    // Through a per-CPU list, which in a guest of this size takes two at a time, and back.
    (
      [.movable: [8: 3, 9: 3, 10: 2]],
      [.allocate(order: 9, .userMovable), .freeLast, .drain, .allocate(order: 9, .userMovable), .drain, .freeLast]
    ),
    // The lower half of a pageblock goes to its list's tail, and is merged where it stands.
    (
      [.movable: [8: 2, 9: 1, 10: 1]],
      [.takeRange(order: 10, .movable), .freeFirst, .freeLast, .take(order: 8, .movable, at: 1), .freeLast]
    ),
  ]

  @Test(arguments: KernelVersion.allCases) func everyFateOfTheSavedNodeIsMet(_ kernel: KernelVersion) throws {
    try meetEveryFate(kernel.rules)
  }

  private func meetEveryFate<Rules: KernelRules>(_ rules: Rules.Type) throws {
    var met: [ResumeWatch.Situation: Int] = [:]
    for (blocks, script) in Self.scripts {
      let guest = try TestGuests.with(
        [.init(blocks: [:], min: 1, byType: blocks)], granule: 8, cpus: 2, kernel: Rules.version)
      let bench = try Bench(BudgetedResume.self, guest, ["budget": "1", "restarts": "2"], lowestOrder: 8)
      let watch = ResumeWatch(guest, lowestOrder: 8, perHold: 1, restartsPerList: 2)
      let report = Scheduler(bench, [script], hooks: bench.hooks, rules: rules, watches: [watch]).explore()
      #expect(report.faults.isEmpty, "\(report.faults)")
      met.merge(watch.met) { $0 + $1 }
    }
    for situation in ResumeWatch.Situation.allCases {
      #expect(met[situation, default: 0] > 0, "no interleaving in which the saved node is \(situation)")
    }
  }

  /// The NULL test that was proposed meets a poisoned node in some interleaving.
  @Test func theNullTestIsCaught() throws {
    let bench = try Bench(
      BudgetedResume.self, ScheduleCase.GuestShape.mixed.guest(.linux61), ["budget": "1", "check": "null"],
      lowestOrder: 9)
    let scripts: [[Section]] = [[.take(order: 9, .movable, at: 1), .freeFirst]]
    let report = Scheduler(bench, scripts, hooks: bench.hooks, rules: Linux6_1.self).explore()
    #expect(report.faults.count == 1 && report.faults[0].contains("LIST_POISON1"), "\(report.faults)")
  }
}
