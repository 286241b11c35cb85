import CBaseline
import CHost
import Fixtures
import GuestMemory
import Harness
import Instruments

/// The page allocator's calls on a fresh 8 GiB guest, uncontended, with no probe.
let benchmarks: @Sendable () -> Void = {
  benchmark("pcp-order-0", per: "pair") { Allocator.shared.pairs(order: 0, count: 10_000, $0) }
  benchmark("pcp-order-3", per: "pair") { Allocator.shared.pairs(order: 3, count: 10_000, $0) }
  benchmark("pcp-order-9", per: "pair") { Allocator.shared.pairs(order: 9, count: 2_000, $0) }
  benchmark("zone-order-0", per: "pair") { Allocator.shared.pairsWithPCPBusy(count: 10_000, $0) }
  benchmark("zone-order-10", per: "pair") { Allocator.shared.pairs(order: 10, count: 1_000, $0) }
  benchmark("all-orders-churn", per: "pair") { Allocator.shared.churn(count: 3, $0) }
  benchmark("order-0-refill-of-63", per: "refill") { Allocator.shared.refills(count: 64, $0) }
  for (name, blocks) in [("8-near-blocks", 8), ("every-block", Int.max)] {
    benchmark("order-10-take-\(name)", per: "block") { Allocator.shared.take(blocks: blocks, taking: $0) }
    benchmark("order-10-give-\(name)", per: "block") { Allocator.shared.take(blocks: blocks, giving: $0) }
  }
}

/// A guest, a loop on one CPU of it, and the blocks it holds.
final class Allocator {
  // Benchmarks run one after another on one thread.
  nonisolated(unsafe) static let shared = Allocator()

  private let guest: Guest
  private let loop: AllocationLoop
  private let zone: Zone
  private let held: UnsafeMutablePointer<UInt64>

  private init() {
    guest = GuestFixture.fresh(bytes: 8 * GuestFixture.gibibyte)
    loop = AllocationLoop(guest, cpu: 0, hooks: NoHooks(), rules: Linux6_1.self)
    zone = GuestFixture.largestZone(guest)
    held = .allocate(capacity: 4096)
    held.initialize(repeating: 0, count: 4096)
  }

  deinit { held.deallocate() }

  @inline(never)
  private func require() -> Never { fatalError("the guest ran out of memory") }

  /// One block taken and given back, `count` times.
  @inline(never)
  func pairs(order: Int, count: Int, _ region: Region) -> Done {
    if !region.around({ loop.pairs(order: order, count: count) }) { require() }
    return Done(count)
  }

  /// The same while the CPU's own list is busy, so that each call goes to the zone and takes its lock: a kernel's path where
  /// the pcp lock's trylock fails. The failed trylock is part of it.
  @inline(never)
  func pairsWithPCPBusy(count: Int, _ region: Region) -> Done {
    let first = UnsafeMutableRawPointer(zone.freeList(order: 0, .unmovable).address)
    let structure = (first - Int(HB_ZONE_FREE_AREA)).assumingMemoryBound(to: StructZone.self)
    baseline_set_pcp_busy(structure, 0, 1)
    defer { baseline_set_pcp_busy(structure, 0, 0) }
    return pairs(order: 0, count: count, region)
  }

  /// Blocks of all orders taken and given back: splits, merges, fills and drains of the per-CPU lists.
  @inline(never)
  func churn(count: Int, _ region: Region) -> Done {
    guest.restore()
    if !region.around({ loop.churn(count: count) }) { require() }
    return Done(count * AllocationLoop.blocksPerChurn)
  }

  /// rmqueue_bulk(): an allocation that finds the CPU's list empty and takes 63 pages under one hold. The list is emptied
  /// again outside the time; the clock's reading, about 20 ns, is part of it.
  @inline(never)
  func refills(count: Int, _ region: Region) -> Done {
    // A variable here and not a property, each access of which would be checked.
    var cpu = GuestFixture.cpu(guest)
    cpu.drainPerCPULists()
    for _ in 0..<count {
      guard let pfn = region.around({ cpu.allocate(order: 0, .userMovable) }) else { require() }
      cpu.free(pfn: pfn, order: 0)
      cpu.drainPerCPULists()
    }
    return Done(count)
  }

  /// Blocks of the highest order taken with the balloon driver's flags until `blocks` are held or there are no more, and given
  /// back: the one or the other in the region.
  ///
  /// The guest is put back before, and its list heads walked: warm as far as the caches can hold heads that lie 64 KiB apart.
  @inline(never)
  func take(blocks: Int, taking: Region? = nil, giving: Region? = nil) -> Done {
    guest.restore()
    var cpu = GuestFixture.cpu(guest)
    let order = guest.core.highestOrder
    for page in zone.freeList(order: order, .movable) { chost_consume(UInt64(page.order)) }
    // Movable blocks become the request's type with the first one taken; that is not what is measured.
    var n = 0
    taking?.start()
    while n < blocks, let pfn = cpu.allocate(order: order, .freePageAlloc) {
      held[n] = pfn
      n &+= 1
    }
    taking?.stop()
    if n == 0 { require() }
    let taken = n
    giving?.start()
    while n > 0 {
      n &-= 1
      cpu.free(pfn: held[n], order: order)
    }
    giving?.stop()
    return Done(taken)
  }
}
