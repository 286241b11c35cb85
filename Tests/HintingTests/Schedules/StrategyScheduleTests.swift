import Records
import Testing

@testable import GuestMemory
@testable import Hinting

/// Every strategy, in every interleaving with mutators on a small guest, under the rules of each kernel: the rules of
/// ``Scheduler`` and of the strategy's watches hold in all of them, from 6.12 on also that every free block stands on its
/// pageblock's list.
///
/// Explored are, beside one mutator, all cases under all kernels; beside several, all under 6.1, all beside fewer sections
/// under 6.12, and under mainline those in which ranges are taken from blocks that may be with the host.
@Suite struct StrategyScheduleTests {
  @Test func everyStrategyIsThere() {
    #expect(Set(ScheduleCase.all.map(\.strategy)) == Set(Strategies.all.map(\.card.name)))
  }

  @Test(arguments: ScheduleCase.all, KernelVersion.allCases)
  func besideOneMutator(_ entry: ScheduleCase, _ kernel: KernelVersion) throws {
    let report = try explored(entry, kernel, entry.oneScript)
    judge(report, entry, kernel, kernel == .linux61 ? entry.one : entry.later.one)
  }

  @Test(arguments: ScheduleCase.besideSeveral)
  func besideSeveralMutators(_ entry: ScheduleCase, _ kernel: KernelVersion) throws {
    let report = try explored(entry, kernel, entry.severalScripts(kernel))
    judge(report, entry, kernel, kernel == .linux61 ? entry.several : entry.later.several)
  }

  private func explored(
    _ entry: ScheduleCase, _ kernel: KernelVersion, _ scripts: [[Section]]
  ) throws -> ScheduleReport {
    try entry.scheduled(scripts, on: entry.shape.guest(kernel)) { scheduler in
      let report = scheduler.explore(prunes: true, mostRuns: ScheduleCase.isWhole ? 1_000_000 : 10_000)
      for watch in scheduler.watches { #expect(watch.sightings != 0, "\(type(of: watch)) saw nothing to judge") }
      return report
    }
  }

  /// The figures can't shrink unnoticed.
  private func judge(
    _ report: ScheduleReport, _ entry: ScheduleCase, _ kernel: KernelVersion, _ least: ScheduleCase.Extent
  ) {
    let name = "\(entry), \(kernel.rawValue)"
    if ScheduleCase.isWhole { print("\(name): \(report.interleavings) interleavings, \(report.positions) positions") }
    #expect(report.faults.isEmpty, "\(name): \(report.faults)")
    #expect(report.interleavings >= least.interleavings, "\(name): \(report.interleavings) interleavings")
    #expect(report.positions >= least.positions, "\(name): \(report.positions) positions")
    #expect(report.sections > 0)
    let card = Strategies.all.first { $0.card.name == entry.strategy }?.card
    #expect((report.holds > 0) == (card?.holdBound.contains("takes no lock") == false))
    #expect((report.reports > 0) == (card?.takesWhatItReports == true))
  }
}
