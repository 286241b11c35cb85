import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Records
import Testing

@testable import Bench

/// What a strategy keeps from the guest, and for how long.
@Suite struct WithheldMemoryTests {
  /// What judges a session at its end takes time while the strategy holds its blocks.
  @Test func judgingASessionIsNotPartOfIt() throws {
    let guest = try Guest(.standard(bytes: 256 << 20, cpus: 2))
    guest.fillFresh()
    let stop = StopFlag()
    defer { stop.deallocate() }
    let runner = try Strategies.entry(named: "pluck-buffer").configured().runner()
    try runner.prepare(guest.core, lowestOrder: 10)
    runner.reset(guest.core)
    let holds = try HoldLog(capacity: 1 << 16)
    let hints = try HintLog(capacity: 1 << 16)
    let pass = withExtendedLifetime(holds) {
      runner.probedPass(.init(guest), holds.probe(), Session(lowestOrder: 10, stop: stop), hints) { usleep(500_000) }
    }
    #expect(pass.pagesWithheldMax == 1024 && pass.pageSecondsWithheld > 0)
    #expect(pass.pageSecondsWithheld < 0.5 * Double(pass.pagesWithheldMax))
  }

  @Test(arguments: [(0, 0), (1, 1), (1024, 1), (1025, 2), (16 * 1024, 16)] as [(UInt64, Int)])
  func memoryWithheldIsInBlocksOfTheHighestOrderRoundedUp(pages: UInt64, blocks: Int) throws {
    let guest = try Guest(.standard(bytes: 128 << 20, cpus: 1))
    var effects = RunRecord.SideEffects()
    effects.setWithheld(pages: pages, guest.core)
    #expect(effects.blocksWithheldMax == blocks)
  }
}
