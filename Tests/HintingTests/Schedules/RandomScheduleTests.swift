import Testing

@testable import GuestMemory
@testable import Hinting

/// Longer scripts and larger guests than can be gone through, by seeds.
@Suite struct RandomScheduleTests {
  @Test(arguments: ScheduleCase.all, KernelVersion.allCases)
  func seededSchedulesKeepTheRules(_ entry: ScheduleCase, _ kernel: KernelVersion) throws {
    for seed in UInt64(1)...3 {
      var draws = SeededGenerator(seed: seed, stream: 32)
      let shape: [Migratetype: [Int: UInt64]] = [
        .movable: [8: 4, 9: 5, 10: 5 + UInt64(draws.below(8))], .unmovable: [8: 2, 9: 2], .reclaimable: [9: 1],
      ]
      let guest = try TestGuests.with([.init(blocks: [:], min: 1, byType: shape)], granule: 8, cpus: 5, kernel: kernel)
      guest.reorderLists(.shuffled, seed: seed)
      let scripts = (0..<3).map { _ in (0..<14).map { _ in section(&draws) } }
      let report = try entry.scheduled(scripts, on: guest) { $0.explore(seed: seed, runs: 3) }
      #expect(report.faults.isEmpty, "\(entry), \(kernel.rawValue), seed \(seed): \(report.faults)")
      #expect(report.sections > 3 * 14, "seed \(seed)")
    }
  }

  private func section(_ draws: inout SeededGenerator) -> Section {
    let type = [Migratetype.movable, .movable, .unmovable, .reclaimable][draws.below(4)]
    switch draws.below(9) {
    case 0, 1: return .allocate(order: 8 + draws.below(3), draws.chance(0.7) ? .userMovable : .kernel)
    case 2: return .take(order: 8 + draws.below(3), type, at: draws.below(3))
    case 3, 4: return .freeLast
    case 5: return .freeFirst
    case 6: return .steal(order: 8 + draws.below(3), for: type)
    case 7: return .drain
    default: return .takeRange(order: 9 + draws.below(2), .movable)
    }
  }
}
