import CHost
import Testing

@testable import GuestMemory

@Suite struct PerCPUListTests {
  /// 8 GiB and four CPUs: Normal has batch 63 and more than fifty batches of room.
  private static func guest() throws -> Guest { try Guest.fresh(.small(gib: 8)) }

  private func normal(_ guest: Guest) -> Zone { guest.core.zone(guest.zoneIndex(.normal)) }

  @Test func aRefillIsOneHoldOfABatch() throws {
    for (order, blocks) in [(0, 63), (1, 31), (2, 15), (3, 7), (9, 2)] {
      let guest = try Self.guest()
      let zone = normal(guest)
      let pcp = guest.core.perCPUList(zone, cpu: 0)
      let free = zone.freePages
      var cpu = guest.countingCPU()
      for n in 0..<blocks {
        #expect(cpu.allocate(order: order, .userMovable) != nil)
        #expect(cpu.probe.takeHolds() == (n == 0 ? [CountingProbe.Hold(zone: zone.index, items: blocks)] : []))
        #expect(pcp.count == (blocks - 1 - n) << order)
        #expect(zone.freePages == free - UInt64(blocks << order))
      }
      #expect(cpu.allocate(order: order, .userMovable) != nil)
      #expect(cpu.probe.takeHolds().count == 1)
    }
  }

  @Test func ordersWithoutAListOfTheirOwnGoStraightToTheZone() throws {
    let guest = try Self.guest()
    let zone = normal(guest)
    var cpu = guest.countingCPU()
    for order in [4, 5, 6, 7, 8, 10] {
      let pfn = try cpu.mustAllocate(order: order, .userMovable)
      cpu.free(pfn: pfn, order: order)
      let hold = CountingProbe.Hold(zone: zone.index, items: 1)
      #expect(cpu.probe.takeHolds() == [hold, hold])
      #expect(guest.core.perCPUList(zone, cpu: 0).count == 0)
    }
    #expect(guest.validate().isEmpty)
  }

  @Test func aRefillKeepsTheOrderOfAddressesAndAFreeIsServedNext() throws {
    let guest = try Guest.fresh(.bare([0..<(1 << 18)]))
    var cpu = guest.cpu()
    let first = try cpu.mustAllocate(order: 0, .userMovable)
    let second = try cpu.mustAllocate(order: 0, .userMovable)
    let third = try cpu.mustAllocate(order: 0, .userMovable)
    #expect(second == first + 1 && third == first + 2)
    cpu.free(pfn: first, order: 0)
    cpu.free(pfn: second, order: 0)
    #expect(cpu.allocate(order: 0, .userMovable) == second)
    #expect(cpu.allocate(order: 0, .userMovable) == first)
  }

  @Test func whereItsLockIsTakenTheZoneServes() throws {
    let guest = try Self.guest()
    let zone = normal(guest)
    let pcp = guest.core.perCPUList(zone, cpu: 0)
    var cpu = guest.countingCPU()
    let hold = CountingProbe.Hold(zone: zone.index, items: 1)
    #expect(pcp.lock.tryLock())
    let pfn = try cpu.mustAllocate(order: 0, .userMovable)
    #expect(cpu.probe.takeHolds() == [hold])
    cpu.free(pfn: pfn, order: 0)
    #expect(cpu.probe.takeHolds() == [hold])
    #expect(pcp.count == 0)
    pcp.lock.unlock()
    #expect(guest.validate().isEmpty)
  }

  @Test func isolatedPagesPassItByAndReservedOnesAreKeptAsMovable() throws {
    let guest = try Guest.fresh(.bare([0..<8192]))
    guest.core.perCPUList(guest.core.zone(0), cpu: 0).pointer.pointee.high = 1 << 20
    var cpu = guest.countingCPU()
    let isolated = try cpu.mustAllocate(order: 0, .kernel)
    let reserved = try cpu.mustAllocate(order: 9, .kernel)
    cpu.drainPerCPULists()
    let blocks: [(UInt64, Int)] = [(isolated, 0), (reserved, 9)]
    #expect(blocks[0].0 / 512 != blocks[1].0 / 512)
    guest.core.setPageblockMigratetype(isolated, .isolate)
    guest.core.setPageblockMigratetype(reserved, .highAtomic)
    cpu.free(pfn: isolated, order: 0)
    #expect(guest.core.perCPUList(guest.core.zone(0), cpu: 0).count == 0)
    cpu.free(pfn: reserved, order: 9)
    #expect(guest.perCPUPFNs(0, cpu: 0, order: 9, .movable) == [reserved])
    cpu.drainPerCPULists()
    #expect(guest.pfns(order: 9, .highAtomic) == [reserved])
  }

  // MARK: draining

  /// Frees `blocks` into the lists of CPU 0 without a drain.
  private func load(_ guest: Guest, _ zone: Zone, _ counts: [(order: Int, GFP, Int)]) throws -> [[UInt64]] {
    var cpu = guest.cpu()
    let pcp = guest.core.perCPUList(zone, cpu: 0)
    pcp.pointer.pointee.high = 1 << 20
    var taken: [[UInt64]] = []
    for (order, gfp, count) in counts {
      taken.append(try (0..<count).map { _ in try cpu.mustAllocate(order: order, gfp, onNode: zone.node) })
    }
    cpu.drainPerCPULists()
    pcp.pointer.pointee.free_factor = 0
    for (pfns, (order, _, _)) in zip(taken, counts) { for pfn in pfns { cpu.free(pfn: pfn, order: order) } }
    return taken
  }

  @Test func aDrainEmptiesTheListFreedToFromItsTailThenTheNextOnesRoundRobin() throws {
    let guest = try Self.guest()
    let zone = normal(guest)
    let pcp = guest.core.perCPUList(zone, cpu: 0)
    // Movable of order 0 (list 1), unmovable of order 1 (list 3), movable of order 9 (list 13), unmovable of order 0
    // (list 0).
    let taken = try load(
      guest, zone, [(0, .userMovable, 10), (1, .kernel, 5), (9, .userMovable, 1), (0, .kernel, 4)])
    #expect(pcp.count == 10 + 10 + 512 + 4)
    func left(_ order: Int, _ type: Migratetype) -> [UInt64] {
      guest.perCPUPFNs(zone.index, cpu: 0, order: order, type)
    }
    var cpu = guest.cpu()
    func drain(_ pages: Int, first: Int) -> Int {
      cpu.withZoneLocked(zone) { $0.core.drain(pcp, to: $0.zone, pages: pages, first: first, $0.ruled) }
    }
    // The tail is what was freed first.
    #expect(drain(3, first: 1) == 3)
    #expect(left(0, .movable) == taken[0].dropFirst(3).reversed())
    #expect(left(1, .unmovable).count == 5)
    // Empties list 1, then goes on with list 3; the last block may overshoot by its own size.
    #expect(drain(8, first: 1) == 8)
    #expect(left(0, .movable).isEmpty)
    #expect(left(1, .unmovable) == taken[1].dropFirst(1).reversed())
    #expect(pcp.count == 8 + 512 + 4)
    // From list 5 over the empty ones to list 13, then round to list 0.
    #expect(drain(513, first: 5) == 2)
    #expect(left(9, .movable).isEmpty)
    #expect(left(0, .unmovable) == taken[3].dropFirst(1).reversed())
    #expect(left(1, .unmovable).count == 4)
    // No more than there is.
    #expect(drain(1 << 20, first: 0) == 3 + 4)
    #expect(pcp.count == 0)
    #expect(guest.validate().isEmpty)
  }

  @Test func consecutiveFreesDrainTwiceAsMuchEachTimeUpToThirtyTwoBatches() throws {
    let guest = try Self.guest()
    let zone = normal(guest)
    let pcp = guest.core.perCPUList(zone, cpu: 0)
    var cpu = guest.countingCPU()
    let pfns = try (0..<12_000).map { _ in try cpu.mustAllocate(order: 0, .userMovable) }
    cpu.drainPerCPULists()
    _ = cpu.probe.takeHolds()
    #expect(pcp.pointer.pointee.free_factor == 0)
    for pfn in pfns {
      cpu.free(pfn: pfn, order: 0)
      #expect(pcp.count < pcp.high)
    }
    #expect(Array(cpu.probe.takeHolds().map(\.items).prefix(8)) == [63, 126, 252, 504, 1008, 2016, 2016, 2016])
    #expect(pcp.pointer.pointee.free_factor == 5)
    // Each allocation halves it.
    for factor in [Int16(2), 1, 0, 0] {
      #expect(cpu.allocate(order: 0, .userMovable) != nil)
      #expect(pcp.pointer.pointee.free_factor == factor)
    }
  }

  @Test func aDrainIsAtLeastABatchAndLeavesABatch() throws {
    let guest = try Self.guest()
    let pcp = guest.core.perCPUList(normal(guest), cpu: 0)
    pcp.pointer.pointee.high = 4 * 63
    let amounts = (0..<5).map { _ in pcp.pagesToDrain(high: 252, freeHigh: false) }
    #expect(amounts == [63, 126, 189, 189, 189])
    #expect(pcp.pointer.pointee.free_factor == 2)
    pcp.pointer.pointee.free_factor = 0
    #expect((0..<3).map { _ in pcp.pagesToDrain(high: 100, freeHigh: false) } == [63, 63, 63])
    #expect(pcp.pagesToDrain(high: 62, freeHigh: false) == 1)
    pcp.pointer.pointee.count = 77
    #expect(pcp.pagesToDrain(high: 0, freeHigh: true) == 77)
    pcp.pointer.pointee.count = 0
  }

  @Test func afterFreesInARowOneOfOrderOneToThreeFreesAll() throws {
    for (order, all) in [(0, false), (1, true), (2, true), (3, true), (9, false)] {
      let guest = try Self.guest()
      let zone = normal(guest)
      let pcp = guest.core.perCPUList(zone, cpu: 0)
      var cpu = guest.cpu()
      let one = try cpu.mustAllocate(order: order, .userMovable)
      let two = try cpu.mustAllocate(order: order, .userMovable)
      pcp.pointer.pointee.free_factor = 0
      cpu.free(pfn: one, order: order)
      #expect(pcp.count > 0)
      pcp.pointer.pointee.free_factor = 1
      cpu.free(pfn: two, order: order)
      #expect((pcp.count == 0) == all, "order \(order)")
      cpu.drainPerCPULists()
      #expect(guest.validate().isEmpty)
    }
  }

  /// One list never holds more than high and a batch. Several can, as each may be refilled while the others are full,
  /// but a free that finds too much drains at least a batch.
  @Test(arguments: Seeds.list, [true, false])
  func theCountIsWhatTheListsHoldAndStaysWithinHighAndABatchAList(seed: UInt64, oneList: Bool) throws {
    var random = SeededGenerator(seed: seed, stream: 301)
    let guest = try Guest.fresh(.small(gib: 4, cpus: 1))
    var cpu = guest.countingCPU()
    for zone in guest.core.zones { guest.core.perCPUList(zone, cpu: 0).pointer.pointee.high = 300 }
    let pcps = guest.core.zones.map { guest.core.perCPUList($0, cpu: 0) }
    let lists = oneList ? 1 : 12
    var held: [Block] = []
    for step in 0..<3000 {
      if random.chance(step / 500 % 2 == 0 ? 0.8 : 0.2) {
        let order = oneList ? 0 : random.below(4)
        let gfp: GFP = oneList ? .kernel : [.userMovable, .kernel, [.reclaimable]][random.below(3)]
        if let pfn = cpu.allocate(order: order, gfp) { held.append(Block(pfn: pfn, order: order)) }
      } else if !held.isEmpty {
        let block = held.remove(at: random.below(held.count))
        let zone = guest.core.page(block.pfn).zoneIndex
        let before = pcps[zone].count
        cpu.free(pfn: block.pfn, order: block.order)
        let most = max(pcps[zone].high - 1, before + (1 << block.order) - pcps[zone].batch)
        if pcps[zone].count > most { Issue.record("seed \(seed), step \(step): nothing was drained") }
      }
      for pcp in pcps where pcp.count > pcp.high + lists * pcp.batch {
        Issue.record("seed \(seed), step \(step): \(pcp.count) pages")
      }
      // At most one refill or drain a call, and none longer than 32 batches.
      let holds = cpu.probe.takeHolds()
      if holds.count > 1 || holds.contains(where: { $0.items > 63 << 5 }) { Issue.record("\(holds)") }
      if step % 500 == 0 {
        // validate() counts the lists.
        let faults = guest.validate(held: held)
        #expect(faults.isEmpty, "seed \(seed), step \(step)")
      }
    }
  }

  @Test func drainingGivesBackEverythingOfThisCPUOnly() throws {
    let guest = try Self.guest()
    var cpus = [guest.cpu(0), guest.cpu(1)]
    for cpu in 0...1 {
      let pfn = try cpus[cpu].mustAllocate(order: 0, .userMovable)
      cpus[cpu].free(pfn: pfn, order: 0)
    }
    cpus[0].drainPerCPULists()
    let zone = normal(guest)
    #expect(guest.core.perCPUList(zone, cpu: 0).count == 0)
    #expect(guest.core.perCPUList(zone, cpu: 1).count == 63)
    cpus[1].drainPerCPULists()
    #expect(zone.freePages == zone.managedPages)
  }

  /// Facts since 6.1, section 1.6.
  @Test func aFullDrainHoldsTheLockFor2016PagesAtMost() throws {
    let guest = try Self.guest()
    let zone = normal(guest)
    _ = try load(guest, zone, [(0, .userMovable, 5000)])
    var cpu = guest.countingCPU()
    #expect(guest.core.perCPUList(zone, cpu: 0).count == 5000)
    cpu.drainPerCPULists()
    #expect(cpu.probe.takeHolds().map(\.items) == [2016, 2016, 968])
    #expect(guest.core.perCPUList(zone, cpu: 0).count == 0 && zone.freePages == zone.managedPages)
  }
}
