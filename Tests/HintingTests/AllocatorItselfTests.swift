import Delivery
import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 17: what the allocator does under zone->lock when a process starts and exits.
@Suite struct AllocatorItselfTests {
  /// Normal has a batch of 63 pages and more than fifty batches of room.
  private func guest(bytes: UInt64 = 8 << 30) throws -> Guest {
    var geometry = GuestGeometry.standard(bytes: bytes, cpus: 4, granuleOrder: 0)
    geometry.vmemmapPage = .small
    let guest = try Guest(geometry)
    guest.fillFresh()
    return guest
  }

  @Test func aProcessRefillsByTheBatchAndDrainsUpTo2016Pages() throws {
    let guest = try guest()
    let free = guest.core.freePages
    let bench = try Bench(AllocatorItself.self, guest)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    let refills = (16384 + 62) / 63
    #expect(recorder.items == Array(repeating: 63, count: refills))
    #expect(recorder.pagesTaken == 16384 && recorder.hints.isEmpty && recorder.kicks == 0)
    #expect(guest.core.freePages == free - UInt64(refills * 63))

    bench.giveBack(recorder)
    let drains = recorder.items.dropFirst(refills)
    #expect(Array(drains.prefix(6)) == [63, 126, 252, 504, 1008, 2016])
    // The last is of what stays on the list.
    #expect(drains.dropFirst(5).dropLast().allSatisfy { $0 == 2016 } && drains.allSatisfy { $0 <= 2016 })
    #expect(drains.reduce(0, +) == refills * 63)
    #expect(recorder.pagesReturned == 16384 && guest.core.freePages == free)
    #expect(guest.validate().isEmpty)
  }

  @Test func aGuestWithTooFewPagesEndsTheProcess() throws {
    let guest = try guest(bytes: 128 << 20)
    let bench = try Bench(AllocatorItself.self, guest, ["pages": "40000"])
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .limit)
    #expect(recorder.pagesTaken < 32768)
    bench.giveBack(recorder)
    #expect(guest.validate().isEmpty)
  }
}
