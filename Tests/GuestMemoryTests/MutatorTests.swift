import Testing

@testable import GuestMemory

@Suite struct MutatorTests {
  /// Threads that allocate and free at random leave the guest whole, with every page where it was or merged with it.
  @Test(arguments: LockKind.allCases, [2, 3]) func threadsLeaveTheGuestWhole(lock: LockKind, threads: Int) throws {
    let seed = Seeds.list[0]
    let guest = try Guest.fresh(.small(gib: 3.5, nodes: 1, cpus: threads, lock: lock))
    let start = Picture(guest)
    onThreads(threads) { number in
      var random = SeededGenerator(seed: seed, stream: 700 + UInt64(number))
      var cpu = guest.cpu(number)
      var held: [Block] = []
      for step in 0..<1500 {
        if random.chance(step / 250 % 2 == 0 ? 0.7 : 0.3) {
          let order = [0, 0, 0, 1, 3, 9, 10][random.below(7)]
          let gfp: GFP = [.userMovable, .kernel, [.reclaimable]][random.below(3)]
          if let pfn = cpu.allocate(order: order, gfp) {
            held.append(Block(pfn: pfn, order: order))
            // Whoever else had it would see this.
            guest.core.page(pfn).pointer.pointee.index = UInt64(number)
          }
        } else if !held.isEmpty {
          let block = held.remove(at: random.below(held.count))
          if guest.core.page(block.pfn).pointer.pointee.index != UInt64(number) {
            Issue.record("seed \(seed): \(block) has two owners")
          }
          cpu.free(pfn: block.pfn, order: block.order)
        }
      }
      for block in held { cpu.free(pfn: block.pfn, order: block.order) }
      cpu.drainPerCPULists()
    }
    #expect(guest.validate().isEmpty, "seed \(seed)")
    #expect(guest.core.freePages == guest.geometry.managedPages)
    #expect(Picture(guest).blocks == start.blocks)
    #expect(guest.core.zones.allSatisfy { $0.pointer.pointee.bad_pages == 0 })
  }

  /// One thread walks the lists under the lock while others change them.
  @Test(arguments: LockKind.allCases) func aWalkUnderTheLockSeesWholeLists(lock: LockKind) throws {
    let guest = try Guest.fresh(.small(gib: 3.25, nodes: 1, cpus: 3, lock: lock))
    onThreads(3) { number in
      if number == 0 {
        var cpu = guest.countingCPU(0)
        for _ in 0..<150 {
          for zone in guest.core.zones {
            cpu.withZoneLocked(zone) { hold in
              for order in 0...10 {
                var count: UInt64 = 0
                for type in Migratetype.allCases {
                  for page in hold.freeList(order: order, type) {
                    hold.items += 1
                    count += 1
                    if !hold.isListed(page, order: order) { Issue.record("a page that isn't Buddy is listed") }
                  }
                }
                if count != hold.zone.blocksFree(order: order) { Issue.record("nr_free isn't the lists' length") }
              }
            }
          }
        }
      } else {
        var random = SeededGenerator(seed: Seeds.list[0], stream: 710 + UInt64(number))
        var cpu = guest.cpu(number)
        for _ in 0..<1500 {
          let order = [0, 3, 4, 9, 10][random.below(5)]
          if let pfn = cpu.allocate(order: order, .userMovable) { cpu.free(pfn: pfn, order: order) }
        }
        cpu.drainPerCPULists()
      }
    }
    #expect(guest.validate().isEmpty)
  }
}
