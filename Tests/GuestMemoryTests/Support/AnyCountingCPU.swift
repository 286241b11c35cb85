import Instruments

@testable import GuestMemory

/// A CPU with the guest's rules whose holds are counted.
enum AnyCountingCPU {
  case linux61(GuestCPU<CountingProbe, NoHooks, Linux6_1>)
  case linux612(GuestCPU<CountingProbe, NoHooks, Linux6_12>)
  case mainline(GuestCPU<CountingProbe, NoHooks, Mainline>)

  init(_ guest: Guest, cpu: Int) {
    let (core, node) = (guest.core, guest.geometry.node(ofCPU: cpu))
    self =
      switch guest.geometry.kernel {
      case .linux61: .linux61(GuestCPU(core, cpu: cpu, node: node, probe: CountingProbe(), rules: Linux6_1.self))
      case .linux612: .linux612(GuestCPU(core, cpu: cpu, node: node, probe: CountingProbe(), rules: Linux6_12.self))
      case .mainline: .mainline(GuestCPU(core, cpu: cpu, node: node, probe: CountingProbe(), rules: Mainline.self))
      }
  }

  private mutating func with<Value>(_ body: (inout any CountedCPU) throws -> Value) rethrows -> Value {
    switch self {
    case .linux61(let cpu):
      var own: any CountedCPU = cpu
      defer { self = .linux61(own as! GuestCPU<CountingProbe, NoHooks, Linux6_1>) }
      return try body(&own)
    case .linux612(let cpu):
      var own: any CountedCPU = cpu
      defer { self = .linux612(own as! GuestCPU<CountingProbe, NoHooks, Linux6_12>) }
      return try body(&own)
    case .mainline(let cpu):
      var own: any CountedCPU = cpu
      defer { self = .mainline(own as! GuestCPU<CountingProbe, NoHooks, Mainline>) }
      return try body(&own)
    }
  }

  mutating func allocate(order: Int, _ gfp: GFP) -> UInt64? { with { $0.allocate(order: order, gfp, onNode: nil) } }
  /// As ``allocate(order:_:)`` for a test that can't go on without a movable block.
  mutating func mustAllocate(order: Int) throws -> UInt64 {
    struct NothingAllocated: Error {}
    guard let pfn = allocate(order: order, .userMovable) else { throw NothingAllocated() }
    return pfn
  }
  mutating func free(pfn: UInt64, order: Int) { with { $0.free(pfn: pfn, order: order) } }
  mutating func drain() { with { $0.drainPerCPULists() } }
  mutating func decay() { with { $0.decayPerCPULists() } }
  /// The items of each hold since the last call.
  mutating func takeHolds() -> [Int] { with { $0.probe.takeHolds().map(\.items) } }
  mutating func put(_ pfn: UInt64, order: Int) { with { $0.put(pfn, order: order) } }
  mutating func take(order: Int, _ type: Migratetype) -> UInt64? { with { $0.takeLocked(order: order, type) } }
  mutating func isolate(_ pfn: UInt64) -> Bool { with { $0.isolateFree(pfn) } }
  mutating func putBack(_ pfn: UInt64, order: Int) { with { $0.putBackHeld(pfn, order: order) } }
  mutating func allocateContiguous(pfn: UInt64, pages: UInt64) throws {
    try with { try $0.allocateRange(pfn, pages) }
  }
  mutating func freeContiguous(pfn: UInt64, pages: UInt64) { with { $0.freeContiguous(pfn: pfn, pages: pages) } }
}

/// What the tests call, whatever the rules.
protocol CountedCPU {
  var probe: CountingProbe { get set }
  mutating func allocate(order: Int, _ gfp: GFP, onNode: Int?) -> UInt64?
  mutating func free(pfn: UInt64, order: Int)
  mutating func drainPerCPULists()
  mutating func decayPerCPULists()
  mutating func freeContiguous(pfn: UInt64, pages: UInt64)
  mutating func put(_ pfn: UInt64, order: Int)
  mutating func takeLocked(order: Int, _ type: Migratetype) -> UInt64?
  mutating func isolateFree(_ pfn: UInt64) -> Bool
  mutating func putBackHeld(_ pfn: UInt64, order: Int)
  mutating func allocateRange(_ pfn: UInt64, _ pages: UInt64) throws
}

extension GuestCPU: CountedCPU where Probe == CountingProbe, Hooks == NoHooks {
  /// Frees a block as the zone does, whatever it was before.
  mutating func put(_ pfn: UInt64, order: Int) {
    let zone = core.zone(0)
    for piece in pfn..<(pfn + 1 << UInt64(order)) { core.page(piece).pointer.pointee.refcount = 0 }
    core.page(pfn).pointer.pointee.flags = Page.zoneBits(zone.index)
    withZoneLocked(zone) { hold in
      _ = hold.core.freeOnePage(
        hold.core.page(pfn), pfn: pfn, hold.zone, order: order, hold.core.pageblockMigratetype(pfn), hold.ruled)
    }
  }

  /// __rmqueue() and its accounting.
  mutating func takeLocked(order: Int, _ type: Migratetype) -> UInt64? {
    withZoneLocked(core.zone(0)) { hold in
      var mode = GuestCore.TakeMode.own
      guard
        let page = hold.core.take(
          hold.zone, order: order, type, avoidFragmentation: false, &mode, hold.ruled)
      else { return nil }
      hold.core.addFreePages(hold.zone, -(1 << order))
      return hold.core.pfn(page)
    }
  }

  mutating func isolateFree(_ pfn: UInt64) -> Bool {
    withZoneLocked(core.zone(0)) { $0.isolate($0.core.page(pfn)) }
  }

  mutating func putBackHeld(_ pfn: UInt64, order: Int) {
    _ = withZoneLocked(core.zone(0)) {
      $0.putBack($0.core.page(pfn), order: order, $0.core.pageblockMigratetype(pfn))
    }
  }

  mutating func allocateRange(_ pfn: UInt64, _ pages: UInt64) throws {
    try allocateContiguous(pfn: pfn, pages: pages, drainFirst: false)
  }
}
