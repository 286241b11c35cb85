import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 2: what becomes of the place to go on from. Between two holds the test does to the saved block what
/// another CPU could.
@Suite struct ResumableWalkTests {
  /// Twenty blocks of order 3 in one movable list.
  private let guest: Guest
  private let list: [Block]

  init() throws {
    guest = try TestGuests.with(20, order: 3)
    guest.reorderLists(.shuffled, seed: 5)
    list = guest.list(order: 3)
  }

  /// Parts of the list, as they should go out.
  private func blocks(_ ranges: Range<Int>...) -> [Block] { ranges.flatMap { list[$0] } }

  /// A session that looks at five entries a hold; `body` runs after the first hold of the list.
  private func session(
    _ options: [String: String] = [:], _ body: @escaping () -> Void
  ) throws -> (Outcome, SessionRecorder, restarts: Int) {
    let bench = try Bench(
      BudgetedResume.self, guest, options.merging(["budget": "5"]) { $1 }, lowestOrder: 3)
    let recorder = SessionRecorder()
    recorder.afterHold = { if $0 == 1 { body() } }
    let outcome = bench.collect(recorder)
    return (outcome, recorder, bench.session.restarts)
  }

  @Test(arguments: [1, 2, 5, 19, 20, 21, 1000])
  func withoutOthersEachBlockGoesOnce(budget: Int) throws {
    let bench = try Bench(BudgetedResume.self, guest, ["budget": "\(budget)"], lowestOrder: 0)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.hints == list)
    #expect(recorder.items.allSatisfy { $0 <= budget })
    #expect(recorder.items.count == (20 + budget - 1) / budget)
    #expect(bench.session.restarts == 0)
  }

  @Test(arguments: [1, 3, 20, 4096])
  func stepsDoTheSame(step: Int) throws {
    let bench = try Bench(StepIterator.self, guest, ["step": "\(step)"], lowestOrder: 0)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.hints == list)
    #expect(recorder.items.allSatisfy { $0 <= step })
  }

  @Test func aTakenBlockBeginsTheListAgain() throws {
    let (outcome, recorder, restarts) = try session { [guest, list] in guest.take(list[5]) }
    #expect(outcome == .complete)
    #expect(restarts == 1)
    #expect(recorder.hints == blocks(0..<5, 0..<5, 6..<20))
    #expect(recorder.duplicates == 5)
    #expect(recorder.items.allSatisfy { $0 <= 5 })
  }

  @Test func aBlockBackAtTheHeadRepeatsUnnoticed() throws {
    // ABA: still Buddy, of the order, of the zone.
    let (outcome, recorder, restarts) = try session { [guest, list] in
      guest.take(list[5])
      guest.giveBack(list[5])
    }
    #expect(guest.list(order: 3).first == list[5])
    #expect(outcome == .complete)
    #expect(restarts == 0)
    #expect(recorder.hints == blocks(0..<6, 0..<5, 6..<20))
    #expect(recorder.duplicates == 5)
  }

  @Test func aBlockBackAtTheTailMissesWhatLiesBetween() throws {
    let (outcome, recorder, restarts) = try session { [guest, list] in
      guest.take(list[5])
      guest.giveBack(list[5], .tail)
    }
    #expect(outcome == .complete)
    #expect(restarts == 0)
    #expect(recorder.hints == blocks(0..<6))
  }

  @Test func aBlockOnAListWalkedBeforeIsNoticedAtThatListsEnd() throws {
    let (outcome, recorder, restarts) = try session { [guest, list] in
      guest.withOther { $0.freeList(order: 3, .unmovable).moveToTail(guest.core.page(list[5].pfn)) }
    }
    #expect(outcome == .complete)
    #expect(restarts == 1)
    #expect(recorder.hints == blocks(0..<6, 0..<5, 6..<20))
  }

  @Test func aBlockOnAListWalkedLaterGoesTwice() throws {
    let (outcome, recorder, restarts) = try session { [guest, list] in
      guest.withOther { $0.freeList(order: 3, .reclaimable).moveToTail(guest.core.page(list[5].pfn)) }
    }
    #expect(outcome == .complete)
    #expect(restarts == 1)
    #expect(recorder.hints == blocks(0..<6, 0..<5, 6..<20, 5..<6))
  }

  @Test func aMergedBlockBeginsTheListAgain() throws {
    // Its buddy, which somebody held, comes back.
    let buddy = Block(pfn: list[5].pfn ^ 8, order: 3)
    guest.core.page(buddy.pfn).pointer.pointee.flags = Page.zoneBits(0)
    let (outcome, recorder, restarts) = try session { [guest] in guest.giveBack(buddy) }
    #expect(guest.list(order: 4).map(\.pfn) == [min(buddy.pfn, list[5].pfn)])
    #expect(outcome == .complete)
    #expect(restarts == 1)
    #expect(recorder.hints == blocks(0..<5, 0..<5, 6..<20))
  }

  @Test func askingForANullNextIsAnError() throws {
    let (outcome, recorder, _) = try session(["check": "null"]) { [guest, list] in guest.take(list[5]) }
    guard case .error(let reason) = outcome else {
      Issue.record("ended \(outcome)")
      return
    }
    #expect(reason.contains("LIST_POISON1"))
    #expect(recorder.items == [5, 1])
  }

  @Test(arguments: [0, 1, 4])
  func aListIsGivenUpAfterItsRestarts(bound: Int) throws {
    // Every time it stops somewhere, that block goes.
    let bench = try Bench(BudgetedResume.self, guest, ["budget": "5", "restarts": "\(bound)"], lowestOrder: 3)
    let recorder = SessionRecorder()
    recorder.afterHold = { [guest] _ in
      let now = guest.list(order: 3)
      if now.count > 5 { guest.take(now[5]) }
    }
    #expect(bench.collect(recorder) == .limit)
    #expect(bench.session.restarts == bound + 1)
  }

  @Test(arguments: UInt64(0)..<8)
  func everyHintIsFreeWhenItIsCopied(seed: UInt64) throws {
    // Whatever another CPU does between two holds. Two holds' entries don't fit the buffer, so that each hold's go out
    // alone.
    let guest = try TestGuests.with(8000, order: 0)
    guest.reorderLists(.shuffled, seed: seed)
    var generator = SeededGenerator(seed: seed)
    let bench = try Bench(BudgetedResume.self, guest, ["budget": "2500", "restarts": "6"], lowestOrder: 0)
    let recorder = SessionRecorder()
    var out: [Block] = []
    var freeAtHold: Set<Block> = []
    recorder.afterHold = { _ in
      let now = guest.list(order: 0)
      freeAtHold = Set(now)
      // The saved one among them, often.
      let victims = [2500, 5000].filter { $0 < now.count && generator.chance(0.4) }.map { now[$0] }
      for block in Set(victims + (0..<200).map { _ in now[generator.below(now.count)] }) {
        guest.take(block)
        out.append(block)
      }
      for _ in 0..<generator.below(100) {
        out.swapAt(generator.below(out.count), out.count - 1)
        guest.giveBack(out.removeLast(), generator.chance(0.5) ? .tail : .byMergeGuess)
      }
    }
    recorder.onSend = { blocks in
      #expect(Set(blocks).isSubset(of: freeAtHold), "seed \(seed)")
    }
    let outcome = bench.collect(recorder)
    #expect(outcome == .complete || outcome == .limit, "seed \(seed)")
    #expect(bench.session.restarts <= 7, "seed \(seed)")
    #expect(recorder.sends.count > 1 && recorder.items.allSatisfy { $0 <= 2500 }, "seed \(seed)")
    #expect(guest.validate(held: out).isEmpty, "seed \(seed)")
  }
}
