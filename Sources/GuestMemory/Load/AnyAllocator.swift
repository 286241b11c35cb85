import Instruments

/// A CPU that allocates and frees blocks one at a time, with type-erased hooks; closures are used for the reason
/// ``AnyMutator`` gives. For loads that aren't timed.
public final class AnyAllocator {
  private let allocateBody: (Int, GFP) -> UInt64?
  private let freeBody: (UInt64, Int) -> Void

  @inlinable @inline(__always)
  public convenience init<Hooks: AllocatorHooks, Rules: KernelRules>(
    _ guest: Guest, cpu number: Int, hooks: Hooks, rules: Rules.Type
  ) {
    let core = guest.core
    let node = guest.geometry.node(ofCPU: number)
    self.init(
      allocate: { order, gfp in
        var cpu = GuestCPU(core, cpu: number, node: node, probe: NoProbe(), hooks: hooks, rules: rules)
        return cpu.allocate(order: order, gfp)
      },
      free: { pfn, order in
        var cpu = GuestCPU(core, cpu: number, node: node, probe: NoProbe(), hooks: hooks, rules: rules)
        cpu.free(pfn: pfn, order: order)
      })
  }

  @usableFromInline
  init(allocate: @escaping (Int, GFP) -> UInt64?, free: @escaping (UInt64, Int) -> Void) {
    allocateBody = allocate
    freeBody = free
  }

  /// See ``GuestCPU/allocate(order:_:onNode:)``.
  public func allocate(order: Int, _ gfp: GFP) -> Block? {
    allocateBody(order, gfp).map { Block(pfn: $0, order: order) }
  }

  /// See ``GuestCPU/free(pfn:order:)``.
  public func free(_ block: Block) { freeBody(block.pfn, block.order) }
}
