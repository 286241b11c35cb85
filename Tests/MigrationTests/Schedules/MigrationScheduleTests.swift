import Testing

@testable import Migration

/// Hints may be stale, a page may not be lost: whatever the order in which guest, host and migration get to act.
@Suite struct MigrationScheduleTests {
  private typealias Kernel = MigrationSchedule.Kernel

  private static let schedules: UInt64 = 50_000

  @Test(arguments: [false, true]) func noScheduleLosesAPage(holdsBlocks: Bool) {
    var cleared = 0
    for seed in 0..<Self.schedules {
      var schedule = MigrationSchedule(seed: seed, kernel: Kernel(holdsBlocks: holdsBlocks))
      if let loss = schedule.run() {
        Issue.record("seed \(seed), blocks held \(holdsBlocks): \(loss)")
        return
      }
      cleared += schedule.cleared
    }
    // Otherwise the hints had no part in it.
    #expect(cleared > Int(Self.schedules))
  }

  @Test(arguments: MigrationSchedule.Fault.allCases)
  func eachFaultIsCaught(_ fault: MigrationSchedule.Fault) {
    let caught = (0..<5000 as Range<UInt64>).first { seed in
      var schedule = MigrationSchedule(seed: seed, fault: fault)
      return schedule.run() != nil
    }
    #expect(caught != nil, "5000 schedules and no page lost")
  }

  /// A kernel that relies on what it wrote into free pages (a poison pattern, or zeroes by init_on_free) mustn't have
  /// them skipped by a strategy that only names them; one that holds them, and writes them again as it gives them
  /// back, may.
  @Test(arguments: [PageVersions.zero, MigrationSchedule.poison])
  func aPoisoningGuestMaySkipOnlyWhatItHolds(pattern: UInt32) {
    func losses(holdsBlocks: Bool) -> Int {
      (0..<5000 as Range<UInt64>).count { seed in
        var schedule = MigrationSchedule(seed: seed, kernel: Kernel(pattern: pattern, holdsBlocks: holdsBlocks))
        return schedule.run() != nil
      }
    }
    #expect(losses(holdsBlocks: true) == 0)
    #expect(losses(holdsBlocks: false) > 0)
  }
}
