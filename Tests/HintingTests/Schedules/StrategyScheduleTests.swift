import Records
import Testing

@testable import GuestMemory
@testable import Hinting

/// Every strategy, in every interleaving with mutators on a small guest: the rules of ``Scheduler`` and of the
/// strategy's watches hold in all of them.
@Suite struct StrategyScheduleTests {
  @Test func everyStrategyIsThere() {
    #expect(Set(ScheduleCase.all.map(\.strategy)) == Set(Strategies.all.map(\.card.name)))
  }

  @Test(arguments: ScheduleCase.all) func besideOneMutatorOfEightSections(_ entry: ScheduleCase) throws {
    let report = try explored(entry, entry.oneScript)
    judge(report, entry, entry.one)
  }

  @Test(arguments: ScheduleCase.all) func besideThreeMutators(_ entry: ScheduleCase) throws {
    let report = try explored(entry, entry.threeScripts)
    judge(report, entry, entry.three)
  }

  private func explored(_ entry: ScheduleCase, _ scripts: [[Section]]) throws -> ScheduleReport {
    try entry.scheduled(scripts) { scheduler in
      let report = scheduler.explore(prunes: true, mostRuns: ScheduleCase.isWhole ? 1_000_000 : 10_000)
      for watch in scheduler.watches { #expect(watch.sightings != 0, "\(type(of: watch)) saw nothing to judge") }
      return report
    }
  }

  /// The figures can't shrink unnoticed.
  private func judge(
    _ report: ScheduleReport, _ entry: ScheduleCase, _ least: (interleavings: Double, positions: Int)
  ) {
    if ScheduleCase.isWhole { print("\(entry): \(report.interleavings) interleavings, \(report.positions) positions") }
    #expect(report.faults.isEmpty, "\(entry): \(report.faults)")
    #expect(report.interleavings >= least.interleavings, "\(entry): \(report.interleavings) interleavings")
    #expect(report.positions >= least.positions, "\(entry): \(report.positions) positions")
    #expect(report.sections > 0)
    let card = Strategies.all.first { $0.card.name == entry.strategy }?.card
    #expect((report.holds > 0) == (card?.isControl == false))
    #expect((report.reports > 0) == (card?.goal == .reclaim))
  }
}
