import Instruments
import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 4: the proportional buffer of the v33 thread.
@Suite struct FreeListProportionalBufferTests {
  /// A guest whose only zone manages this much, whatever is free of it. Blocks below the highest order are unmovable,
  /// as the driver's memory is.
  private func guest(_ blocks: [Int: UInt64], managedBlocks: UInt64, min: UInt64 = 0, granule: Int = 0) throws -> Guest
  {
    let free = try TestGuests.with(
      [
        .init(
          blocks: [:], byType: [.movable: blocks.filter { $0.key == 10 }, .unmovable: blocks.filter { $0.key < 10 }])
      ],
      granule: granule)
    var geometry = free.geometry
    geometry.zones[0].managedPages = managedBlocks << 10
    geometry.hasWatermarks = true
    geometry.zones[0].watermarks = .init(min: min, low: min, high: min)
    geometry.zones[0].lowmemReserve = Array(repeating: 0, count: ZoneType.allCases.count)
    let guest = try Guest(geometry)
    if let snapshot = free.snapshot { guest.replaceSnapshot(snapshot) }
    return guest
  }

  @Test(
    arguments: [
      (1, 1, 0), (511, 1, 0), (1023, 1, 0), (1024, 2, 1), (1536, 3, 2), (2047, 3, 2), (2048, 4, 2), (2560, 5, 3),
      (262_144, 512, 9), (262_656, 513, 10), (523_776, 1023, 10), (524_288, 1024, 10), (1_048_576, 1024, 10),
    ] as [(UInt64, Int, Int)])
  func thePagesFollowTheGuestsSizeUpTo1024(_ blocks: UInt64, _ pages: Int, _ order: Int) throws {
    let guest = try guest([10: 3, 3: 2, 0: 1], managedBlocks: blocks)
    let bench = try Bench(FreeListProportionalBuffer.self, guest)
    #expect(bench.strategy.bufferBytes == pages * 4096)
    #expect(bench.strategy.bufferOrder == order)
    let recorder = SessionRecorder()
    let free = guest.core.freePages
    #expect(bench.collect(recorder) == .complete)
    // The allocator gives powers of two.
    #expect(recorder.pagesTaken == 1 << UInt64(order))
    bench.giveBack(recorder)
    drain(guest)
    #expect(recorder.pagesReturned == recorder.pagesTaken)
    #expect(guest.core.freePages == free && guest.validate().isEmpty)
  }

  @Test func theCapIs2TiB() {
    let hintsPerPage = PageSize.small.bytes / 8
    #expect(1024 * hintsPerPage == 524_288)
    #expect(1024 * hintsPerPage * (4 << 20) == 2 << 40)
  }

  /// Where the buffer's pages went through the per-CPU lists.
  private func drain(_ guest: Guest) {
    var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe())
    cpu.drainPerCPULists()
  }

  @Test(
    arguments: [
      (100, 1000, .complete), (511, 1000, .complete), (512, 1000, .complete), (513, 1000, .limit),
      (1000, 1000, .limit), (1000, 1024, .complete), (1025, 1535, .limit),
    ] as [(UInt64, UInt64, Outcome)])
  func whatDoesNotFitIsTheListsTail(_ free: UInt64, _ managed: UInt64, _ outcome: Outcome) throws {
    // The buffer's pages come from smaller blocks.
    let guest = try guest([10: free, 7: 4], managedBlocks: managed)
    let bench = try Bench(FreeListProportionalBuffer.self, guest)
    let room = max(1, Int(managed) / 512) * 512
    let list = guest.list(order: 10)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == outcome)
    #expect(recorder.hints.count == min(Int(free), room))
    #expect(recorder.hints.elementsEqual(list.prefix(room)))
    #expect(recorder.duplicates == 0)
    #expect(recorder.hints.allSatisfy { ($0.pfn << 12).isMultiple(of: 4 << 20) })
    #expect(recorder.kicks == 1 && recorder.descriptors == 1 && recorder.commands == 0)
    // The last hold is the zone's; the allocator's own came before.
    #expect(recorder.items.last == min(Int(free), room))
  }

  @Test func roundingDownLeavesUpTo2GiBOut() throws {
    // An 8 GiB guest manages a little less than 2048 blocks: 3 pages, 6 GiB, of what is all free.
    let guest = try guest([10: 2040, 7: 4], managedBlocks: 2040)
    let recorder = SessionRecorder()
    #expect(try Bench(FreeListProportionalBuffer.self, guest).collect(recorder) == .limit)
    #expect(recorder.hints.count == 1536)
  }

  @Test func withoutSmallUnmovableBlocksTheBufferBreaksALargeOne() throws {
    // One page for 512 addresses, from a guest whose memory is all in movable blocks of 4 MiB: the fallback splits the
    // largest, which then isn't hinted.
    let guest = try guest([10: 20], managedBlocks: 600)
    let list = guest.list(order: 10)
    let bench = try Bench(FreeListProportionalBuffer.self, guest)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.pagesTaken == 1)
    #expect(recorder.hints == Array(list.dropFirst()))
    bench.giveBack(recorder)
    drain(guest)
    #expect(guest.validate().isEmpty)
  }

  @Test func aLargerGuestReportsItsFirst2TiBAndNotTheTail() throws {
    let guest = try guest([10: 524_300], managedBlocks: 600_000, granule: 9)
    let bench = try Bench(FreeListProportionalBuffer.self, guest)
    let list = guest.list(order: 10)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .limit)
    let buffer = list.filter { !guest.isFree($0) }
    #expect(buffer == [list[0]])
    // Of what is left without the buffer, the first 524288.
    #expect(recorder.hints.elementsEqual(list.dropFirst().prefix(524_288)))
    #expect(recorder.items == [1, 524_288])
    #expect(bench.strategy.itemsPerHoldLimit(guest.core) == 524_288)
    bench.giveBack(recorder)
    #expect(guest.core.freePages == 524_300 << 10)
  }

  @Test func theBufferIsNeverHinted() throws {
    // 4 MiB of 524288 blocks' worth of managed memory, from one of five large blocks.
    let guest = try guest([10: 5, 9: 3, 4: 2], managedBlocks: 524_288)
    for lowestOrder in [0, 9, 10] {
      guest.restore()
      let bench = try Bench(FreeListProportionalBuffer.self, guest, lowestOrder: lowestOrder)
      let before = Set(guest.freeBlocks(fromOrder: lowestOrder))
      let recorder = SessionRecorder()
      var heldWhenSent: Set<Block> = []
      recorder.onSend = { _ in heldWhenSent = before.subtracting(guest.freeBlocks()) }
      #expect(bench.collect(recorder) == .complete)
      #expect(heldWhenSent.count == 1 && heldWhenSent.first?.order == 10)
      #expect(Set(recorder.hints) == before.subtracting(heldWhenSent))
      #expect(recorder.duplicates == 0)
      #expect(recorder.sends.count == 11 - lowestOrder)
      #expect(guest.validate(held: Array(heldWhenSent)).isEmpty)
      bench.giveBack(recorder)
      #expect(recorder.pagesTaken == 1024 && recorder.pagesReturned == 1024)
      #expect(guest.validate().isEmpty)
    }
  }

  @Test func aLowerOrdersBlocksAreMoreAndSoIsTheBuffer() throws {
    // 64 blocks of 4 MiB are 65536 pages: 128 pages of addresses.
    let guest = try guest([10: 5, 7: 3], managedBlocks: 64)
    let bench = try Bench(FreeListProportionalBuffer.self, guest, lowestOrder: 0)
    #expect(bench.strategy.bufferBytes == 128 * 4096 && bench.strategy.bufferOrder == 7)
  }

  @Test func withoutAFreeBlockOfItsSizeThereIsNoBuffer() throws {
    // 1024 pages are wanted, 40 half blocks are free.
    let guest = try guest([9: 40, 0: 3], managedBlocks: 524_288)
    let bench = try Bench(FreeListProportionalBuffer.self, guest)
    let before = guest.freeBlocks()
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .noBuffer)
    #expect(recorder.kicks == 0 && recorder.hints.isEmpty && recorder.pagesTaken == 0)
    bench.giveBack(recorder)
    #expect(recorder.pagesReturned == 0 && guest.freeBlocks() == before)
    #expect(guest.validate().isEmpty)
  }

  @Test(arguments: [(6144, true), (6145, false)] as [(UInt64, Bool)])
  func halfOfTheMinWatermarkMayBeUsedAndNoMore(_ min: UInt64, _ isThere: Bool) throws {
    // 4096 - 1023 = 3073 pages have to be more than half of it (__GFP_HIGH). Without NOMEMALLOC three eighths would do.
    let guest = try guest([10: 4], managedBlocks: 524_288, min: min)
    let recorder = SessionRecorder()
    #expect(try Bench(FreeListProportionalBuffer.self, guest).collect(recorder) == (isThere ? .complete : .noBuffer))
    #expect(recorder.pagesTaken == (isThere ? 1024 : 0))
  }

  @Test func aStoppedSessionGivesItsBufferBack() throws {
    let guest = try TestGuests.with([
      .init(kind: .dma32, blocks: [10: 4]), .init(blocks: [10: 40]), .init(kind: .movable, blocks: [10: 9]),
    ])
    let free = guest.core.freePages
    for stopAt in 0...4 {
      guest.restore()
      let bench = try Bench(FreeListProportionalBuffer.self, guest)
      let recorder = SessionRecorder()
      if stopAt == 0 { bench.stop.set() }
      recorder.afterHold = { if $0 == stopAt { bench.stop.set() } }
      let outcome = bench.collect(recorder)
      // The allocator's hold, and the three zones'.
      #expect(outcome == (stopAt < 4 ? .stopped : .complete))
      #expect(recorder.sends.count == (stopAt < 4 ? 0 : 1))
      recorder.afterHold = { _ in }
      bench.giveBack(recorder)
      #expect(recorder.pagesTaken == 1 && recorder.pagesReturned == 1)
      drain(guest)
      #expect(guest.core.freePages == free && guest.validate().isEmpty)
    }
  }
}
