import Delivery
import Testing

@testable import GuestMemory
@testable import Hinting

/// Facts, section 6.
@Suite struct AllocMaxOrderTests {
  /// DMA, DMA32, Normal and Movable as the kernel lays them out.
  private func guest(nodes: Int = 1) throws -> Guest {
    var geometry = GuestGeometry.standard(
      bytes: 4 << 30, nodes: nodes, cpus: 2, granuleOrder: 6, movableShare: 0.5)
    geometry.vmemmapPage = .small
    let guest = try Guest(geometry)
    guest.fillFresh()
    return guest
  }

  private func largeBlocks(_ zone: Zone) -> UInt64 { zone.blocksFree(order: 10) }

  @Test(arguments: [1, 2, 3])
  func everyBlockAboveTheMinWatermarkIsTaken(nodes: Int) throws {
    let guest = try guest(nodes: nodes)
    let movable = guest.core.zones.filter { $0.type == .movable }.map { ($0.freePages, largeBlocks($0)) }
    let bench = try Bench(AllocMaxOrder.self, guest)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.kicks == recorder.reports.count + 2)
    #expect(recorder.descriptors == recorder.reports.count + 2)
    #expect(recorder.items.allSatisfy { $0 == 1 })
    #expect(Set(recorder.reports).count == recorder.reports.count)
    #expect(guest.validate(held: recorder.reports).isEmpty)
    // The nodes' zonelists spill into each other.
    for zone in guest.core.zones where zone.type <= .normal {
      let reserve = zone.lowmemReserve(.normal)
      let free = Int64(zone.freePages) - 1023
      #expect(zone.freePages >= zone.watermark(.min), "\(zone.type.name)")
      #expect(largeBlocks(zone) == 0 || free <= Int64(zone.watermark(.min)) + reserve, "\(zone.type.name)")
    }
    let left = guest.core.zones.filter { $0.type == .movable }.map { ($0.freePages, largeBlocks($0)) }
    #expect(left.elementsEqual(movable, by: ==))
  }

  @Test func whatWasTakenIsUnmovableAfterwards() throws {
    let guest = try guest()
    let bench = try Bench(AllocMaxOrder.self, guest)
    let recorder = SessionRecorder()
    let free = guest.core.freePages
    _ = bench.collect(recorder)
    #expect(recorder.pagesTaken == UInt64(recorder.reports.count) * 1024)
    #expect(guest.core.freePages == free - recorder.pagesTaken)
    for block in recorder.reports {
      #expect(guest.core.pageblockMigratetype(block.pfn) == .unmovable)
      #expect(guest.core.pageblockMigratetype(block.pfn + 512) == .unmovable)
    }
    bench.giveBack(recorder)
    #expect(guest.core.freePages == free && recorder.pagesReturned == recorder.pagesTaken)
    #expect(guest.validate().isEmpty)
    let unmovable = Set(guest.core.zones.flatMap { guest.list(zone: $0.index, order: 10, .unmovable) })
    #expect(unmovable == Set(recorder.reports))
  }

  @Test(arguments: [0, 1, 5, 100, 100_000])
  func aReserveIsLeft(reserve: Int) throws {
    let guest = try guest()
    let all = guest.core.zones.reduce(0) { $0 + largeBlocks($1) }
    let without = SessionRecorder()
    _ = try Bench(AllocMaxOrder.self, guest).collect(without)
    let least = guest.core.zones.reduce(0) { $0 + largeBlocks($1) }
    guest.restore()
    let recorder = SessionRecorder()
    #expect(try Bench(AllocMaxOrder.self, guest, ["reserve": "\(reserve)"]).collect(recorder) == .complete)
    let left = guest.core.zones.reduce(0) { $0 + largeBlocks($1) }
    #expect(left == min(all, max(least, UInt64(reserve))))
    #expect(UInt64(recorder.reports.count) == all - left)
    #expect(recorder.kicks == recorder.reports.count + 2)
  }

  @Test func nodeByNodeTakesTheSameInTheOrderOfNodes() throws {
    let guest = try guest(nodes: 2)
    let any = SessionRecorder()
    _ = try Bench(AllocMaxOrder.self, guest).collect(any)
    guest.restore()
    let each = SessionRecorder()
    #expect(try Bench(AllocMaxOrder.self, guest, ["node": "each"]).collect(each) == .complete)
    #expect(Set(each.reports) == Set(any.reports))
    func node(_ block: Block) -> Int? {
      guest.core.zones.first { $0.startPFN <= block.pfn && block.pfn < $0.endPFN }?.node
    }
    #expect(each.reports.compactMap(node) == each.reports.compactMap(node).sorted())
  }

  @Test func nodeByNodeLeavesTheReserveOnEach() throws {
    let guest = try guest(nodes: 2)
    let recorder = SessionRecorder()
    _ = try Bench(AllocMaxOrder.self, guest, ["node": "each", "reserve": "400"]).collect(recorder)
    for node in 0..<2 {
      let left = guest.core.zones.filter { $0.node == node }.reduce(0) { $0 + largeBlocks($1) }
      #expect(left >= 400, "node \(node)")
    }
  }

  @Test func theAtomicReserveIsNeverTaken() throws {
    let guest = try TestGuests.with([
      .init(blocks: [:], byType: [.movable: [10: 5], .highAtomic: [10: 2, 9: 1], .isolate: [10: 1]])
    ])
    let recorder = SessionRecorder()
    #expect(try Bench(AllocMaxOrder.self, guest).collect(recorder) == .complete)
    #expect(guest.list(order: 10, .highAtomic).count == 2)
    #expect(guest.list(order: 9, .highAtomic).count == 1)
    #expect(guest.list(order: 10, .isolate).count == 1)
    #expect(recorder.reports.count <= 5)
  }

  @Test func theMinWatermarkEndsIt() throws {
    // Ten blocks; 3000 pages stay: a block may go while more than 4023 are free.
    let guest = try TestGuests.with([.init(blocks: [10: 10], min: 3000)])
    let recorder = SessionRecorder()
    #expect(try Bench(AllocMaxOrder.self, guest).collect(recorder) == .complete)
    #expect(recorder.reports.count == 7)
    #expect(guest.core.freePages == 3072)
  }

  @Test func afterAStopAtMostOneBlockFollows() throws {
    for hold in 1..<20 {
      let guest = try guest()
      let bench = try Bench(AllocMaxOrder.self, guest)
      let recorder = SessionRecorder()
      var before = 0
      recorder.afterHold = { count in
        guard count == hold else { return }
        bench.stop.set()
        before = recorder.reports.count
      }
      #expect(bench.collect(recorder) == .stopped)
      #expect(recorder.reports.count <= before + 1)
      #expect(recorder.kicks == recorder.reports.count + 2)
      recorder.afterHold = { _ in }
      bench.giveBack(recorder)
      #expect(guest.validate().isEmpty)
    }
  }

  // MARK: the queue

  /// Blocks that were free when the guest was made and are on no list now.
  private func gone(_ before: Set<Block>, _ guest: Guest) -> Set<Block> { before.subtracting(guest.freeBlocks()) }

  /// `size` entries, one used up by each report.
  private func queue(_ size: Int, _ recorder: SessionRecorder) {
    recorder.queueSize = size
    recorder.descriptorsFree = size
    recorder.onReport = { _ in recorder.descriptorsFree -= 1 }
  }

  @Test(arguments: [2, 3, 8], [1, 2, 7])
  func aBlockThatFindsTheQueueFullIsFreedAndTheLoopGoesOn(size: Int, every: Int) throws {
    // The host uses one entry at each `every`-th look.
    let blocks = 40
    let guest = try TestGuests.with(UInt64(blocks), order: 10)
    let before = Set(guest.freeBlocks())
    let bench = try Bench(AllocMaxOrder.self, guest)
    let recorder = SessionRecorder()
    queue(size, recorder)
    var looks = 0
    var used = 0
    recorder.onReclaim = { recorder in
      looks += 1
      // Blocks held are the hints not yet returned, whatever the spinning came to.
      #expect(recorder.pagesTaken - recorder.pagesReturned == UInt64(recorder.reports.count) * 1024)
      #expect(gone(before, guest) == Set(recorder.reports))
      guard looks % every == 0 && recorder.descriptorsFree < recorder.queueSize else { return 0 }
      used += 1
      return 1
    }
    var least = size
    let use = recorder.onReport
    recorder.onReport = {
      use($0)
      least = min(least, recorder.descriptorsFree)
    }
    #expect(bench.collect(recorder) == .complete)
    // Every block went out in the end, once, and the command's entry was left.
    #expect(Set(recorder.reports) == before && recorder.reports.count == blocks)
    #expect(least >= 1)
    #expect(recorder.kicks == blocks + 2 && recorder.descriptors == blocks + 2)
    // Each look but the last came before an allocation, and each of those was reported or freed.
    let spun = looks - 1 - blocks
    #expect(recorder.pagesReturned == UInt64(spun) * 1024)
    #expect(spun >= 0 && (every == 1 || spun > 0))
    #expect(recorder.items.count == blocks + 2 * spun && recorder.items.allSatisfy { $0 == 1 })
    bench.giveBack(recorder)
    #expect(recorder.pagesReturned == recorder.pagesTaken)
    #expect(Set(guest.freeBlocks()) == before && guest.validate().isEmpty)
  }

  @Test(arguments: ["any", "each"])
  func whereTheHostNeverDrainsItSpinsUntilItIsStopped(node: String) throws {
    let guest = try TestGuests.with(20, order: 10)
    let bench = try Bench(AllocMaxOrder.self, guest, ["node": node])
    let recorder = SessionRecorder()
    queue(4, recorder)
    var looks = 0
    recorder.onReclaim = { _ in
      looks += 1
      if looks == 1000 { bench.stop.set() }
      return 0
    }
    #expect(bench.collect(recorder) == .stopped)
    // Three fit; each look after that takes a block and frees it, the last one after the stop.
    #expect(recorder.reports.count == 3 && looks == 1000)
    #expect(recorder.pagesTaken == 1000 * 1024 && recorder.pagesReturned == 997 * 1024)
    #expect(recorder.commands == 2 && recorder.kicks == 3 + 2)
    #expect(guest.validate(held: recorder.reports).isEmpty)
  }

  @Test(arguments: [0, 1])
  func aQueueWithoutRoomForHintsIsAnError(size: Int) throws {
    let guest = try TestGuests.with(5, order: 10)
    let recorder = SessionRecorder()
    queue(size, recorder)
    guard case .error = try Bench(AllocMaxOrder.self, guest).collect(recorder) else {
      Issue.record("a driver without a queue goes on")
      return
    }
    #expect(recorder.kicks == 0 && recorder.pagesTaken == 0)
  }

  // MARK: STOP and DONE

  @Test(arguments: ["any", "each"], [1, 7, 19])
  func stopKeepsTheBlocksAndDoneReturnsThem(node: String, blocks: Int) throws {
    let guest = try TestGuests.with(20, order: 10)
    let before = Set(guest.freeBlocks())
    let bench = try Bench(AllocMaxOrder.self, guest, ["node": node])
    let recorder = SessionRecorder()
    recorder.onReport = { _ in if recorder.reports.count == blocks { bench.stop.set() } }
    #expect(bench.collect(recorder) == .stopped)
    // No block beyond the one under way.
    #expect(recorder.reports.count == blocks)
    #expect(recorder.commands == 2 && recorder.kicks == blocks + 2)
    #expect(recorder.pagesReturned == 0 && gone(before, guest) == Set(recorder.reports))
    // The next session's hints come on top of what is held.
    bench.stop.clear()
    recorder.onReport = { _ in }
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.commands == 4 && recorder.kicks == 20 + 4)
    #expect(recorder.duplicates == 0 && Set(recorder.reports) == before)
    #expect(recorder.pagesReturned == 0 && guest.core.freePages == 0)
    // DONE.
    bench.giveBack(recorder)
    #expect(recorder.pagesTaken == 20 * 1024 && recorder.pagesReturned == recorder.pagesTaken)
    #expect(Set(guest.freeBlocks()) == before && guest.validate().isEmpty)
    // And no second time.
    bench.giveBack(recorder)
    #expect(recorder.pagesReturned == recorder.pagesTaken)
  }

  @Test(arguments: ["any", "each"])
  func returningAtTheStopMakesTheNextSessionReportTheSameBlocksAgain(node: String) throws {
    // What keeping them is for: given back they are written to, or hinted a second time.
    let guest = try TestGuests.with(20, order: 10)
    let before = Set(guest.freeBlocks())
    let bench = try Bench(AllocMaxOrder.self, guest, ["node": node, "stop": "return"])
    let recorder = SessionRecorder()
    recorder.onReport = { _ in if recorder.reports.count == 8 { bench.stop.set() } }
    #expect(bench.collect(recorder) == .stopped)
    #expect(recorder.reports.count == 8 && recorder.commands == 2)
    #expect(recorder.pagesTaken == 8 * 1024 && recorder.pagesReturned == 8 * 1024)
    #expect(Set(guest.freeBlocks()) == before && guest.validate().isEmpty)
    bench.stop.clear()
    recorder.onReport = { _ in }
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.reports.count == 28 && recorder.duplicates == 8)
    // Only the stop returns: what ends by itself keeps its blocks until DONE.
    #expect(recorder.pagesReturned == 8 * 1024 && gone(before, guest) == before)
    bench.giveBack(recorder)
    #expect(recorder.pagesReturned == 28 * 1024 && Set(guest.freeBlocks()) == before)
  }
}
