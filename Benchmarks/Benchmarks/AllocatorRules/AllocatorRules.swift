import Fixtures
import GuestMemory
import Harness
import Instruments

/// Each call of the page allocator by itself, under each kernel's rules, and told to check struct pages where a kernel has
/// to be told. A fresh 1 GiB guest, uncontended, with no probe.
let benchmarks: @Sendable () -> Void = {
  declare(Linux6_1.self, "6-1")
  declare(Linux6_12.self, "6-12")
  declare(Linux6_12.self, "6-12-checking", isToldToCheckPages: true)
  declare(Mainline.self, "mainline")
}

/// The calls under one kernel's rules.
func declare<Rules: KernelRules>(_ rules: Rules.Type, _ name: String, isToldToCheckPages: Bool = false) {
  typealias Calls = AllocatorCalls<Rules>
  func calls() -> Calls { Calls(isToldToCheckPages: isToldToCheckPages) }
  benchmark("\(name)-order-10-alloc", per: "block") { calls().blocks(order: 10, count: 64, taking: $0) }
  benchmark("\(name)-order-10-free", per: "block") { calls().blocks(order: 10, count: 64, giving: $0) }
  benchmark("\(name)-order-9-alloc-refill", per: "block") { calls().blocks(order: 9, count: 1, taking: $0) }
  benchmark("\(name)-order-9-alloc", per: "block") { calls().listed(order: 9, count: 2, taking: $0) }
  benchmark("\(name)-order-9-free", per: "block") { calls().listed(order: 9, count: 2, giving: $0) }
  benchmark("\(name)-order-0-alloc", per: "block") { calls().listed(order: 0, count: 63, taking: $0) }
  benchmark("\(name)-order-0-free", per: "block") { calls().listed(order: 0, count: 63, giving: $0) }
  benchmark("\(name)-order-10-isolate", per: "block") { calls().isolated(count: 32, taking: $0) }
  benchmark("\(name)-order-10-put-back", per: "block") { calls().isolated(count: 32, giving: $0) }
}

/// A guest and a CPU of it.
struct AllocatorCalls<Rules: KernelRules> {
  private let guest: Guest

  init(isToldToCheckPages: Bool) {
    guest = GuestFixture.fresh(
      bytes: GuestFixture.gibibyte, kernel: Rules.version, isToldToCheckPages: isToldToCheckPages)
  }

  private var cpu: GuestCPU<NoProbe, NoHooks, Rules> {
    GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe(), hooks: NoHooks(), rules: Rules.self)
  }

  /// Movable blocks, which a fresh guest has on the request's own list, taken and given back.
  @inline(never)
  func blocks(order: Int, count: Int, taking: Region? = nil, giving: Region? = nil) -> Done {
    defer { withExtendedLifetime(guest) {} }
    var cpu = cpu
    var held = [UInt64](repeating: 0, count: count)
    return held.withUnsafeMutableBufferPointer { held in
      taking?.start()
      let taken = take(&cpu, order, held)
      taking?.stop()
      if !taken { fatalError("the guest ran out of memory") }
      giving?.start()
      give(&cpu, order, held)
      giving?.stop()
      return Done(count)
    }
  }

  /// The same while the CPU's list has as many.
  @inline(never)
  func listed(order: Int, count: Int, taking: Region? = nil, giving: Region? = nil) -> Done {
    _ = blocks(order: order, count: count)
    return blocks(order: order, count: count, taking: taking, giving: giving)
  }

  /// Free blocks of the highest order isolated in one hold, as page reporting takes them, and put back in another.
  @inline(never)
  func isolated(count: Int, taking: Region? = nil, giving: Region? = nil) -> Done {
    defer { withExtendedLifetime(guest) {} }
    var cpu = cpu
    let order = guest.core.highestOrder
    let zone = GuestFixture.largestZone(guest)
    let pages = Array(zone.freeList(order: order, .movable).prefix(count))
    return pages.withUnsafeBufferPointer { pages in
      taking?.start()
      let areTaken = cpu.withZoneLocked(zone) { hold in pages.allSatisfy { hold.isolate($0) } }
      taking?.stop()
      if pages.count < count || !areTaken { fatalError("the guest has too little memory") }
      giving?.start()
      cpu.withZoneLocked(zone) { hold in
        for page in pages { hold.putBack(page, order: order, .movable) }
      }
      giving?.stop()
      return Done(count)
    }
  }

  @inline(__always)
  private func take(
    _ cpu: inout GuestCPU<NoProbe, NoHooks, Rules>, _ order: Int, _ held: UnsafeMutableBufferPointer<UInt64>
  ) -> Bool {
    for index in held.indices {
      guard let pfn = cpu.allocate(order: order, .userMovable) else { return false }
      held[index] = pfn
    }
    return true
  }

  @inline(__always)
  private func give(
    _ cpu: inout GuestCPU<NoProbe, NoHooks, Rules>, _ order: Int, _ held: UnsafeMutableBufferPointer<UInt64>
  ) {
    for pfn in held { cpu.free(pfn: pfn, order: order) }
  }
}
