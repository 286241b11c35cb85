import GuestMemory
import Testing

@testable import Experiments

/// The oracle: what is lost, and how.
@Suite struct HintedMemoryTests {
  /// Four free blocks of the highest order, and one in use; two units each.
  private func memory(_ use: HintUse) throws -> HintedMemory {
    let guest = try LossSearch.guest(blocks: 4)
    let memory = HintedMemory(guest, use)
    memory.beginSession()
    return memory
  }

  private func block(_ number: UInt64, order: Int = 10) -> Block { Block(pfn: number << 10, order: order) }

  private func losses(_ kind: PageLoss.Kind, _ units: Int...) -> [PageLoss] {
    units.map { PageLoss(unit: $0, kind: kind) }
  }

  @Test(arguments: HintUse.allCases) func whatNobodyNamesIsNeverLost(use: HintUse) throws {
    let memory = try memory(use)
    memory.take(block(0))
    memory.rewrite(block(4))
    memory.giveBack(block(0))
    memory.take(block(1))
    #expect(memory.endSession().isEmpty)
    memory.beginSession()
    #expect(memory.endSession().isEmpty)
  }

  /// In use before the host acts: lost if it discards, saved by the log of the write.
  @Test(arguments: HintUse.allCases, [false, true]) func aBlockTakenBeforeTheHostActs(use: HintUse, isHeld: Bool) throws
  {
    let memory = try memory(use)
    let hint = memory.hint(block(2), isHeld: isHeld)
    memory.take(block(2, order: 9))
    memory.act(on: hint)
    // Only the half that somebody uses.
    #expect(memory.endSession() == (use == .log ? [] : losses(isHeld ? .returned : .taken, 4)))
  }

  @Test(arguments: HintUse.allCases) func aBlockTakenAfterwardsIsSafe(use: HintUse) throws {
    let memory = try memory(use)
    memory.act(on: memory.hint(block(2), isHeld: false))
    memory.take(block(2))
    #expect(memory.endSession().isEmpty)
  }

  @Test(arguments: HintUse.allCases) func aBlockFreeAgainIsNoLoss(use: HintUse) throws {
    let memory = try memory(use)
    let hint = memory.hint(block(0), isHeld: false)
    memory.take(block(0))
    memory.act(on: hint)
    memory.giveBack(block(0))
    #expect(memory.endSession().isEmpty)
  }

  /// Its content is as old as its last write: only what is written later saves it, by either host.
  @Test(arguments: HintUse.allCases, [false, true]) func aBlockInUseWhenNamed(use: HintUse, isRewritten: Bool) throws {
    let memory = try memory(use)
    memory.act(on: memory.hint(block(4), isHeld: false))
    if isRewritten { memory.rewrite(block(4)) }
    #expect(memory.endSession() == (isRewritten ? [] : losses(.inUse, 8, 9)))
    // The next session begins anew.
    memory.beginSession()
    #expect(memory.endSession().isEmpty)
  }

  /// Written before the hint, and the log has run since: it is sent all the same.
  @Test func theLogHasWritesFromBeforeTheHint() throws {
    let memory = try memory(.log)
    memory.take(block(1))
    memory.act(on: memory.hint(block(1), isHeld: false))
    #expect(memory.endSession().isEmpty)
  }

  @Test func halfInUseHalfTaken() throws {
    let memory = try memory(.discard)
    memory.take(block(3, order: 9))
    let hint = memory.hint(block(3), isHeld: false)
    memory.take(Block(pfn: 3 << 10 | 512, order: 9))
    memory.act(on: hint)
    #expect(memory.endSession() == losses(.inUse, 6) + losses(.taken, 7))
  }
}
