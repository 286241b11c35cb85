import Instruments
import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 4: v35 and v36. Bad orders and empty buffer lists (EINVAL) can't be asked for here.
@Suite struct FreeListMultiBufferTests {
  @Test func buffersAreNeverHinted() throws {
    let guest = try TestGuests.with([.init(kind: .dma32, blocks: [10: 4]), .init(blocks: [10: 40, 9: 3], min: nil)])
    let bench = try Bench(FreeListMultiBuffer.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    let before = Set(guest.freeBlocks())
    #expect(bench.collect(recorder) == .complete)
    let held = before.subtracting(guest.freeBlocks())
    #expect(held.count == 1 && held.first?.order == 10)
    #expect(Set(recorder.hints) == before.subtracting(held))
    #expect(recorder.duplicates == 0)
    #expect(recorder.pagesTaken == 1024)
    // Start and stop, and one buffer for each of two orders.
    #expect(recorder.commands == 2 && recorder.kicks == 4 && recorder.descriptors == 4)
    bench.giveBack(recorder)
    #expect(recorder.pagesReturned == 1024)
    #expect(Set(guest.freeBlocks()) == before)
    #expect(guest.validate().isEmpty)
  }

  @Test(arguments: [(10, 524_288, 1), (10, 524_289, 2), (0, 512, 1), (0, 513, 2), (9, 524_288, 2)])
  func asManyBuffersAsThereMayBeBlocks(_ order: Int, _ managedBlocks: UInt64, _ buffers: Int) throws {
    // 524288 hints a buffer. Managed memory counts, whatever is free of it.
    let guest = try TestGuests.with([.init(blocks: [10: 3])], granule: 9)
    var geometry = guest.geometry
    geometry.zones[0].managedPages = managedBlocks << 10
    let large = try Guest(geometry)
    large.fillFrom(guest)
    let bench = try Bench(FreeListMultiBuffer.self, large, lowestOrder: order)
    #expect(bench.strategy.bufferBytes == buffers * 4 << 20)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.pagesTaken == UInt64(buffers) * 1024)
    #expect(recorder.hints.count == 3 - buffers)
  }

  @Test func withoutRoomForAllBuffersNothingIsReported() throws {
    // Two are wanted, one is there.
    let guest = try TestGuests.with([.init(blocks: [10: 1, 9: 30])], granule: 9)
    var geometry = guest.geometry
    geometry.zones[0].managedPages = 600 << 10
    let large = try Guest(geometry)
    large.fillFrom(guest)
    let bench = try Bench(FreeListMultiBuffer.self, large, lowestOrder: 0)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .noBuffer)
    #expect(recorder.kicks == 0 && recorder.hints.isEmpty)
    #expect(recorder.pagesTaken == 1024 && recorder.pagesReturned == 1024)
    #expect(Set(large.freeBlocks()) == Set(guest.freeBlocks()))
    #expect(large.validate().isEmpty)
  }

  @Test(arguments: [(4000, 0, .complete), (6000, 1, .complete), (9000, 2, .limit)] as [(UInt64, Int, Outcome)])
  func listsLongerThanTheCountMakeOneMoreBuffer(_ free: UInt64, _ restarts: Int, _ outcome: Outcome) throws {
    // A kernel with four orders: 4096 hints a buffer. The zone says it manages less than is free.
    let guest = try TestGuests.with([.init(blocks: [3: 10, 0: free])], orders: 4)
    var geometry = guest.geometry
    geometry.zones[0].managedPages = 4096
    let small = try Guest(geometry)
    small.fillFrom(guest)
    let bench = try Bench(FreeListMultiBuffer.self, small, lowestOrder: 0)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == outcome)
    #expect(bench.session.restarts == restarts)
    #expect(recorder.commands == 2)
    if outcome == .complete { #expect(recorder.hints.filter { $0.order == 0 }.count == Int(free)) }
    #expect(recorder.duplicates == 0)
    bench.giveBack(recorder)
    var drain = GuestCPU(small.core, cpu: 0, node: 0, probe: NoProbe())
    drain.drainPerCPULists()
    #expect(small.validate().isEmpty)
    #expect(small.core.freePages == guest.core.freePages)
  }
}

extension Guest {
  /// The same blocks on the same lists.
  fileprivate func fillFrom(_ other: Guest) {
    if let snapshot = other.snapshot { replaceSnapshot(snapshot) }
  }
}
