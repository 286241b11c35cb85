import Testing

@testable import GuestMemory
@testable import Hinting

/// The scheduler itself: that it runs what it says, and that pruning loses nothing.
@Suite struct SchedulerTests {
  private static let one: [[Section]] = [
    [.take(order: 10, .movable, at: 1), .freeFirst]
  ]
  private static let two: [[Section]] = [
    [.take(order: 10, .movable, at: 1), .freeFirst], [.allocate(order: 9, .userMovable)],
  ]

  private func explored(
    _ entry: ScheduleCase, _ scripts: [[Section]], prunes: Bool
  ) throws -> ScheduleReport {
    try entry.scheduled(scripts, on: entry.shape.guest(.linux61)) {
      $0.explore(prunes: prunes, mostRuns: 200_000)
    }
  }

  /// Exploration that takes every position for a new one runs each interleaving by itself. The pruned one comes by the
  /// same states and the same ends, and the paths through its positions are as many.
  @Test(arguments: ScheduleCase.all) func pruningLosesNothing(_ entry: ScheduleCase) throws {
    for scripts in [Self.one, Self.two] {
      let whole = try explored(entry, scripts, prunes: false)
      let pruned = try explored(entry, scripts, prunes: true)
      #expect(whole.faults.isEmpty && pruned.faults.isEmpty, "\(whole.faults) \(pruned.faults)")
      #expect(pruned.states.count == whole.states.count && pruned.ends.count == whole.ends.count)
      #expect(whole.interleavings == Double(whole.runs))
      #expect(pruned.interleavings == whole.interleavings)
      #expect(pruned.runs <= whole.runs)
    }
  }

  /// Of a strategy that takes the lock k times, whatever is in the lists, n sections may stand in k + 2 places.
  @Test(arguments: [(8, 3), (9, 2), (10, 1)])
  func interleavingsAreAsManyAsArithmeticSays(order: Int, holds: Int) throws {
    let entry = ScheduleCase(
      strategy: "free-list-fixed-buffer", lowestOrder: order, looksUnlocked: false, one: .init(0, 0),
      several: .init(0, 0),
      later: (.init(0, 0), .init(0, 0)))
    for sections in 1...4 {
      let script = [[Section](repeating: .drain, count: sections)]
      let report = try explored(entry, script, prunes: true)
      var ways = 1
      for factor in 1...sections { ways = ways * (holds + 1 + factor) / factor }
      #expect(report.interleavings == Double(ways))
      #expect(report.faults.isEmpty)
    }
  }

  @Test func aSeedIsASchedule() throws {
    let entry = try #require(ScheduleCase.all.first { $0.strategy == "page-reporting" })
    func states(_ seed: UInt64) throws -> Int {
      try entry.scheduled(Self.two, on: entry.shape.guest(.linux61)) { $0.explore(seed: seed, runs: 3).states.count }
    }
    #expect(try states(4) == states(4))
  }
}
