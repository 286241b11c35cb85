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
}
