import Delivery
import Testing

@testable import GuestMemory
@testable import Hinting

/// The driver's shrinker and the wait for acknowledgements: facts since 6.1, section 2.
@Suite struct ShrinkerTests {
  private func shrinker(_ bench: Bench<AllocMaxOrder>) throws -> Shrinker { try #require(bench.strategy.shrinker) }

  @Test func theBlockHintedLastComesBackFirst() throws {
    let guest = try TestGuests.with(120, order: 10)
    let bench = try Bench(AllocMaxOrder.self, guest)
    let recorder = SessionRecorder()
    recorder.onReport = { _ in if recorder.reports.count == 100 { bench.stop.set() } }
    #expect(bench.collect(recorder) == .stopped)
    let shrinker = try shrinker(bench)
    #expect(shrinker.pages == 100 * 1024)
    var other = bench.other()
    var back: [Block] = []
    // A page more than a block, and a page.
    for (pages, blocks) in [(1025, 2), (1, 1), (128, 1)] as [(UInt64, Int)] {
      back = []
      let given = shrinker.scan(pages: pages) { block in
        other.free(pfn: block.pfn, order: block.order)
        back.append(block)
      }
      #expect(given == UInt64(blocks) * 1024 && back.count == blocks)
    }
    #expect(back == [recorder.reports[96]])
    #expect(shrinker.pages == 96 * 1024)
    #expect(guest.validate(held: Array(recorder.reports.prefix(96))).isEmpty)
    // DONE returns the rest, and nothing twice.
    bench.giveBack(recorder)
    #expect(recorder.pagesReturned == 96 * 1024)
    #expect(shrinker.pages == 0 && shrinker.scan(pages: 1) { _ in Issue.record("nothing is held") } == 0)
    #expect(guest.freeBlocks().count == 120 && guest.validate().isEmpty)
  }

  /// In the middle of a session, between a report and the next block.
  @Test(arguments: 1...20) func reclaimTakesBlocksWhileASessionGoesOn(every: Int) throws {
    let guest = try TestGuests.with(20, order: 10)
    let before = Set(guest.freeBlocks())
    let bench = try Bench(AllocMaxOrder.self, guest)
    let shrinker = try shrinker(bench)
    let recorder = SessionRecorder()
    var other = bench.other()
    var users: [Block] = []
    var looks = 0
    recorder.onReclaim = { _ in
      looks += 1
      if looks % every == 0 {
        shrinker.scan { other.free(pfn: $0.pfn, order: $0.order) }
        // A user has it at once, or the session would never end.
        if let pfn = other.allocate(order: 10, .userMovable) { users.append(Block(pfn: pfn, order: 10)) }
      }
      return 0
    }
    #expect(bench.collect(recorder) == .complete)
    #expect(users.count == looks / every)
    #expect(Int(shrinker.pages / 1024) + users.count + guest.freeBlocks().count == 20)
    bench.giveBack(recorder)
    for block in users { other.free(pfn: block.pfn, order: block.order) }
    #expect(Set(guest.freeBlocks()) == before && guest.validate().isEmpty)
  }

  @Test func aDriverWithoutOneHasNone() throws {
    let guest = try TestGuests.with(4, order: 10)
    #expect(try Bench(AllocMaxOrder.self, guest, ["shrinker": "off"]).strategy.shrinker == nil)
    #expect(try Bench(WalkCallback.self, guest).strategy.shrinker == nil)
    #expect(try Bench(PageReporting.self, guest).strategy.shrinker == nil)
  }

  // MARK: ack=wait

  @Test(arguments: [1, 2, 40]) func eachBufferIsWaitedForAndThenListed(blocks: Int) throws {
    let guest = try TestGuests.with(UInt64(blocks), order: 10)
    let bench = try Bench(AllocMaxOrder.self, guest, ["ack": "wait"])
    let shrinker = try shrinker(bench)
    let recorder = SessionRecorder()
    recorder.onWait = {
      // Whatever was queued is used now, and what is listed was used before.
      #expect(recorder.waits == recorder.commands + recorder.reports.count)
      #expect(Int(shrinker.pages / 1024) <= recorder.waits - recorder.commands)
      #expect(
        Int(shrinker.pages / 1024) == recorder.reports.count - (recorder.commands == 1 && recorder.waits > 1 ? 1 : 0))
    }
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.reports.count == blocks && recorder.waits == blocks + 2)
    #expect(recorder.kicks == blocks + 2)
    #expect(Int(shrinker.pages / 1024) == blocks)
    bench.giveBack(recorder)
    #expect(guest.freeBlocks().count == blocks && guest.validate().isEmpty)
  }

  @Test func asMergedNothingIsWaitedFor() throws {
    let guest = try TestGuests.with(5, order: 10)
    let recorder = SessionRecorder()
    _ = try Bench(AllocMaxOrder.self, guest).collect(recorder)
    #expect(recorder.reports.count == 5 && recorder.waits == 0)
  }

  @Test(arguments: 1...4) func aHostThatFailsEndsTheSessionWithAnError(at wait: Int) throws {
    let guest = try TestGuests.with(2, order: 10)
    let bench = try Bench(AllocMaxOrder.self, guest, ["ack": "wait"])
    let recorder = SessionRecorder()
    recorder.onWait = { if recorder.waits == wait { recorder.waitsSucceed = false } }
    guard case .error(let reason) = bench.collect(recorder) else {
      Issue.record("a driver goes on without a host")
      return
    }
    #expect(reason.contains("host failed"))
    bench.giveBack(recorder)
    #expect(guest.freeBlocks().count == 2 && guest.validate().isEmpty)
  }
}
