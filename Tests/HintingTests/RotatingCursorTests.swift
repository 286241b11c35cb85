import Testing

@testable import Delivery
@testable import GuestMemory
@testable import Hinting

/// Walks in bounded holds whose position is the list, and in address order.
@Suite struct RotatingCursorTests {
  private func guest(_ blocks: [Int: UInt64]) throws -> Guest {
    var all = blocks
    all[6, default: 0] += 1200
    return try TestGuests.with([.init(blocks: all)], granule: 6)
  }

  @Test(arguments: [1, 2, 7, 32, 499, 500, 501, 10_000])
  func eachBlockOnceInBoundedHoldsAndTheListStandsAsBefore(batch: Int) throws {
    let guest = try guest([9: 40, 10: 500])
    let before = (9...10).map { guest.list(order: $0) }
    let bench = try Bench(RotatingCursor.self, guest, ["batch": "\(batch)"], lowestOrder: 9)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(Set(recorder.hints) == Set(before.joined()) && recorder.duplicates == 0)
    #expect(recorder.items.allSatisfy { $0 <= batch })
    #expect((9...10).map { guest.list(order: $0) } == before)
  }

  /// Others take the block that leads, the one that was passed first, and put blocks back at either end.
  @Test(arguments: [1, 3, 16]) func endsAndMissesNothingWhateverOthersDo(batch: Int) throws {
    for victim in [0, 1, 5] {
      let guest = try guest([10: 100])
      let bench = try Bench(RotatingCursor.self, guest, ["batch": "\(batch)"], lowestOrder: 10)
      let first = guest.list(order: 10)[0]
      let recorder = SessionRecorder()
      var holds = 0
      recorder.afterHold = { _ in
        holds += 1
        let block = holds == 1 ? first : guest.list(order: 10)[victim]
        bench.take(block)
        if holds % 2 == 0 { bench.free(block) } else if holds > 1 { bench.free(block) }
      }
      #expect(bench.collect(recorder) == .complete)
      // As many as there were at the start, and one for the entry it ends at.
      #expect(recorder.items.reduce(0, +) <= 101 && holds <= 101)
      let free = Set(guest.list(order: 10))
      // Who left and came back may have been passed over: at most one a hold.
      #expect(free.subtracting(recorder.hints).count <= holds)
    }
  }

  @Test func adaptiveKeepsToTheHoldThatIsPromised() {
    var batch = Adaptive.ByTime(mostTicks: 1000)
    for _ in 0..<1000 { batch.note(blocks: batch.blocks, ticks: UInt64(batch.blocks) * 50) }
    #expect(batch.blocks >= 10 && batch.blocks <= 20)
    batch.note(blocks: batch.blocks, ticks: 5000)
    #expect(batch.blocks <= 10)
    for _ in 0..<100 { batch.note(blocks: batch.blocks, ticks: 1_000_000) }
    #expect(batch.blocks == 1)
    // A short hold at a list's end says nothing of a full one.
    batch.note(blocks: 0, ticks: 1)
    #expect(batch.blocks == 1)
    for _ in 0..<1000 { batch.note(blocks: batch.blocks, ticks: 1) }
    #expect(batch.blocks == Adaptive.ByTime.most)
  }

  @Test(arguments: ["0", "101"]) func adaptiveFindsTheSameEitherWay(dense: String) throws {
    let guest = try guest([9: 40, 10: 500])
    let bench = try Bench(Adaptive.self, guest, ["dense": dense], lowestOrder: 9)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(Set(recorder.hints) == Set(guest.freeBlocks(fromOrder: 9)) && recorder.duplicates == 0)
    #expect(recorder.items.isEmpty == (dense == "0"))
  }

  @Test(arguments: [0, 1, 16, 1024]) func pfnScanFindsEveryBlockWithoutALock(ahead: Int) throws {
    for order in [6, 8, 9, 10] {
      let guest = try guest([7: 30, 9: 40, 10: 500])
      let bench = try Bench(PFNScan.self, guest, ["ahead": "\(ahead)"], lowestOrder: order)
      let recorder = SessionRecorder()
      #expect(bench.collect(recorder) == .complete)
      #expect(recorder.hints == guest.freeBlocks(fromOrder: order).sorted() && recorder.items.isEmpty)
    }
  }
}
