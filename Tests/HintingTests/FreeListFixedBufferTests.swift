import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 4.
@Suite struct FreeListFixedBufferTests {
  @Test func theBufferHolds32GiBLess4MiB() throws {
    let guest = try TestGuests.with(1, order: 10, granule: 9)
    let hints = FreeListFixedBuffer.hints(guest.core)
    #expect(hints == 8191)
    #expect(UInt64(hints) * (4 << 20) == (32 << 30) - (4 << 20))
  }

  @Test(arguments: [(8190, .complete), (8191, .complete), (8192, .limit), (9000, .limit)] as [(UInt64, Outcome)])
  func theLimitIsExact(_ blocks: UInt64, _ outcome: Outcome) throws {
    let guest = try TestGuests.with(blocks, order: 10, granule: 9)
    let recorder = SessionRecorder()
    #expect(try Bench(FreeListFixedBuffer.self, guest).collect(recorder) == outcome)
    #expect(recorder.hints == Array(guest.list(order: 10).prefix(8191)))
    #expect(recorder.hints.allSatisfy { ($0.pfn << 12).isMultiple(of: 4 << 20) })
    #expect(recorder.duplicates == 0)
    #expect(recorder.items == [min(Int(blocks), 8191)])
    #expect(recorder.kicks == 1 && recorder.descriptors == 1)
  }

  @Test(arguments: [(0, .complete), (1, .limit)] as [(UInt64, Outcome)])
  func theLimitCountsAcrossZones(_ more: UInt64, _ outcome: Outcome) throws {
    let guest = try TestGuests.with(
      [
        .init(kind: .dma32, blocks: [10: 8000]), .init(blocks: [10: 191]),
        .init(kind: .movable, blocks: [10: 5 * more, 9: 1]),
      ],
      granule: 9)
    let recorder = SessionRecorder()
    #expect(try Bench(FreeListFixedBuffer.self, guest).collect(recorder) == outcome)
    #expect(recorder.hints.count == 8191)
    #expect(recorder.items == [8000, 191, 0])
  }

  @Test func eachOrderIsOneKickAndOneDescriptor() throws {
    let guest = try TestGuests.with([.init(blocks: [6: 3, 8: 2, 9: 4, 10: 5])])
    let recorder = SessionRecorder()
    #expect(try Bench(FreeListFixedBuffer.self, guest, lowestOrder: 6).collect(recorder) == .complete)
    #expect(recorder.sends.map(\.words) == [5, 4, 2, 0, 3])
    #expect(recorder.kicks == 5 && recorder.descriptors == 5)
    #expect(recorder.hints.sorted() == guest.freeBlocks().sorted())
    #expect(recorder.hints.allSatisfy { $0.pfn.isMultiple(of: $0.pages) })
  }
}
