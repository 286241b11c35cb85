@testable import GuestMemory
@testable import Hinting

/// What another CPU does to single blocks, with the strategy's hooks.
extension Bench {
  /// Allocates any block.
  func allocate(order: Int, _ gfp: GFP) -> UInt64? {
    var cpu = other()
    return cpu.allocate(order: order, gfp)
  }

  /// Allocates this very block.
  func take(_ block: Block, zone: Int = 0) {
    var cpu = other()
    cpu.withZoneLocked(guest.core.zone(zone)) { $0.take(guest.core.page(block.pfn)) }
  }

  /// Frees it past the per-CPU lists. The block it became part of.
  @discardableResult
  func free(_ block: Block, zone: Int = 0) -> Block {
    var cpu = other()
    return cpu.withZoneLocked(guest.core.zone(zone)) { hold in
      let page = guest.core.page(block.pfn)
      page.pointer.pointee.refcount = 0
      let freed = guest.core.freeOnePage(
        page, pfn: block.pfn, hold.zone, order: block.order, guest.core.pageblockMigratetype(block.pfn), hold.ruled)
      return Block(pfn: guest.core.pfn(freed.page), order: freed.order)
    }
  }

  /// Pages on the per-CPU lists.
  var pagesKept: UInt64 {
    guest.core.zones.reduce(0) { sum, zone in
      (0..<guest.core.cpuCount).reduce(sum) { $0 + UInt64(guest.core.perCPUList(zone, cpu: $1).count) }
    }
  }

  /// Free blocks of at least `order` that aren't isolated.
  func blocks(fromOrder order: Int) -> [Block] {
    guest.freeBlocks(fromOrder: order).filter { guest.core.pageblockMigratetype($0.pfn) != .isolate }
  }
}

/// Somebody who allocates and frees between a strategy's holds and while its blocks are away, from one seed.
final class Neighbour<S: StrategyPasses> {
  let bench: Bench<S>
  private var draws: SeededGenerator
  private let orders: [Int]
  private(set) var held: [Block] = []
  /// Called with each block it has just got, and with each it has just freed, as it stands on the list (nil: on a
  /// per-CPU list).
  var onTake: (Block) -> Void = { _ in }
  var onFree: (Block, Block?) -> Void = { _, _ in }

  init(_ bench: Bench<S>, seed: UInt64, orders: [Int]) {
    self.bench = bench
    draws = SeededGenerator(seed: seed, stream: 77)
    self.orders = orders.filter {
      $0 >= bench.guest.core.granuleOrder && $0 <= bench.guest.core.highestOrder
    }
  }

  func act() {
    for _ in 0..<draws.below(4) {
      if held.isEmpty || draws.chance(0.5) {
        let order = orders[draws.below(orders.count)]
        let gfp: GFP = draws.chance(0.7) ? .userMovable : .kernel
        guard let pfn = bench.allocate(order: order, gfp) else { continue }
        held.append(Block(pfn: pfn, order: order))
        onTake(held[held.count - 1])
      } else {
        release(held.remove(at: draws.below(held.count)))
      }
    }
  }

  func leave() {
    while let block = held.popLast() { release(block) }
    var cpu = bench.other()
    cpu.drainPerCPULists()
  }

  private func release(_ block: Block) {
    if draws.chance(0.5) {
      var cpu = bench.other()
      cpu.free(pfn: block.pfn, order: block.order)
      onFree(block, nil)
    } else {
      let zone = bench.guest.core.zones.first { $0.startPFN <= block.pfn && block.pfn < $0.endPFN }
      bench.guest.core.page(block.pfn).pointer.pointee.flags &= ~Page.flagLRU
      onFree(block, bench.free(block, zone: zone?.index ?? 0))
    }
  }
}
