import Delivery
import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 5.
@Suite struct PluckBufferTests {
  private func guest() throws -> Guest {
    try TestGuests.with([.init(kind: .dma32, blocks: [10: 6, 4: 9]), .init(blocks: [10: 30, 2: 3])])
  }

  @Test(arguments: ["include", "exclude"])
  func theBufferIsTakenAndComesBack(_ own: String) throws {
    let guest = try guest()
    let first = guest.list(order: 10)[0]
    let free = guest.core.freePages
    let bench = try Bench(PluckBuffer.self, guest, ["self": own])
    let recorder = SessionRecorder()
    let before = Set(guest.freeBlocks(fromOrder: 10))
    #expect(bench.collect(recorder) == .complete)
    #expect(guest.core.freePages == free - 1024)
    #expect(guest.core.zone(0).blocksFree(order: 10) == 5)
    #expect(!guest.isFree(first) && guest.core.page(first.pfn).pointer.pointee.refcount == 1)
    #expect(guest.validate(held: [first]).isEmpty)
    #expect(recorder.hints.contains(first) == (own == "include"))
    #expect(Set(recorder.hints).union([first]) == before)
    #expect(recorder.duplicates == 0)
    let stale = recorder.hints.count { !guest.isFree($0) }
    #expect(stale == (own == "include" ? 1 : 0))
    #expect(recorder.pagesTaken == 1024 && recorder.kicks == 1 && recorder.descriptors == 1)
    bench.giveBack(recorder)
    #expect(guest.core.freePages == free && recorder.pagesReturned == 1024)
    #expect(Set(guest.freeBlocks(fromOrder: 10)) == before)
    #expect(guest.validate().isEmpty)
  }

  @Test func withoutALargeBlockThereIsNoBuffer() throws {
    let guest = try TestGuests.with([.init(blocks: [9: 50, 0: 3])])
    let bench = try Bench(PluckBuffer.self, guest)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .noBuffer)
    #expect(recorder.kicks == 0 && recorder.pagesTaken == 0)
    bench.giveBack(recorder)
    #expect(recorder.pagesReturned == 0 && guest.validate().isEmpty)
  }

  @Test(arguments: [(4095 - 1024, true), (4096 - 1024, false), (4096, false)] as [(UInt64, Bool)])
  func theMinWatermarkIsKept(_ min: UInt64, _ mayTake: Bool) throws {
    // 4096 pages are free.
    let guest = try TestGuests.with([.init(blocks: [10: 4], min: min)])
    let recorder = SessionRecorder()
    #expect(try Bench(PluckBuffer.self, guest).collect(recorder) == (mayTake ? .complete : .noBuffer))
    #expect(guest.core.freePages == (mayTake ? 3072 : 4096))
    #expect(guest.core.freePages >= min)
  }

  @Test func aZoneThatCannotSpareABlockIsPassedOver() throws {
    let guest = try TestGuests.with([.init(kind: .dma32, blocks: [10: 2], min: 2000), .init(blocks: [10: 5], min: 10)])
    let recorder = SessionRecorder()
    #expect(try Bench(PluckBuffer.self, guest).collect(recorder) == .complete)
    #expect(recorder.hints == guest.snapshot?.blocks(zone: 1, fromOrder: 10))
    #expect(guest.core.zone(0).freePages == 2048)
  }
}
