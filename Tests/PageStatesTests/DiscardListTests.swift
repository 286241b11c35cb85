import GuestMemory
import Testing

@testable import PageStates

/// The seqlock and list that the thread holds against PG_discarded.
@Suite struct DiscardListTests {
  typealias Program = Explorer<ListModel>.Program

  private static func program(
    locks: Bool, _ body: @escaping (inout ListModelSteps) throws(Interruption) -> Void
  ) -> Program {
    { replay, _ throws(Interruption) in
      var steps = ListModelSteps(replay: replay, locks: locks)
      do throws(Interruption) {
        try body(&steps)
        replay = steps.replay
      } catch {
        replay = steps.replay
        throw error
      }
    }
  }

  /// Discards a page, asks for it as a reader of any CPU would, and frees it.
  private static func life(of page: Int, locks: Bool) -> Program {
    program(locks: locks) { steps throws(Interruption) in
      try steps.beginDiscard(page)
      let isFound = try steps.isDiscarded(page)
      if !isFound { steps.replay.memory.accuse("page \(page) is discarded, and readers don't see it") }
      try steps.endDiscard(page)
    }
  }

  private static func reader(of page: Int) -> Program {
    program(locks: true) { steps throws(Interruption) in
      if try steps.isDiscarded(page) { steps.replay.memory.accuse("page \(page) isn't discarded, and is found") }
    }
  }

  @Test func withTheListsLockEveryReaderSeesEveryDiscardedPage() {
    let outcome = Explorer(programs: [
      Self.life(of: 0, locks: true), Self.life(of: 1, locks: true), Self.reader(of: 2),
    ]).explore(ListModel())
    #expect(outcome.violation == nil, "\(outcome.path)")
    #expect(outcome.ends > 0 && outcome.states > 200 && !outcome.isCutShort)
  }

  /// "How do you deal with multiple discards for a block of pages?" One page's end finds the list empty, another page
  /// comes onto it, and then the sequence is let go.
  @Test func withoutOneASecondDiscardInTheBlockIsMissed() {
    let outcome = Explorer(programs: [Self.life(of: 0, locks: false), Self.life(of: 1, locks: false)])
      .explore(ListModel())
    #expect(outcome.violation?.contains("readers don't see it") == true, "\(outcome.violation ?? "nothing found")")
    // Of one page at a time there is nothing to see.
    let alone = Explorer(programs: [Self.life(of: 0, locks: false)]).explore(ListModel())
    #expect(alone.violation == nil && alone.ends == 1)
  }

  /// As proposed, a page's discard takes the lock and its last reference's end gives it back: whoever discards two
  /// pages of a block before either is free waits for itself.
  @Test func heldUntilThePageIsFreeItLocksItselfOut() {
    let program = Self.program(locks: true) { steps throws(Interruption) in
      for page in [0, 1] {
        try steps.lockList()
        try steps.insert(page)
      }
      for page in [0, 1] {
        try steps.remove(page)
        try steps.unlockList()
      }
    }
    #expect(Explorer(programs: [program]).explore(ListModel()).violation == "every program waits for another")
  }

  @Test func theListInMemoryDoesTheSame() throws {
    let list = try DiscardList(pages: 8)
    var handle = list.handle
    withExtendedLifetime(list) {
      var model: Set<Int> = []
      var generator = SeededGenerator(seed: 7)
      for _ in 0..<2000 {
        let page = generator.below(8)
        if model.contains(page) { handle.endDiscard(page) } else { handle.beginDiscard(page) }
        model.formSymmetricDifference([page])
        for page in 0..<8 where handle.isDiscarded(page) != model.contains(page) { Issue.record("page \(page)") }
        #expect(handle.sequence() & 1 == (model.isEmpty ? 0 : 1))
      }
    }
  }

  @Test func eachPageCostsAListHead() {
    #expect(DiscardList.bytesPerPage == 16 && DiscardList.bytesPerPageOfBit * 8 == 1)
  }
}
