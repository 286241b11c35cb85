import Instruments

/// A CPU that allocates ranges of pages, with type-erased hooks; closures are used for the reason ``AnyMutator`` gives.
public final class AnyRangeAllocator {
  private let allocateBody: (UInt64, UInt64, Bool) -> ContiguousFailure?
  private let freeBody: (UInt64, UInt64) -> Void
  private let drainBody: () -> Void

  @inlinable @inline(__always)
  public convenience init<Hooks: AllocatorHooks, Rules: KernelRules>(
    _ guest: Guest, cpu number: Int, hooks: Hooks, rules: Rules.Type
  ) {
    let core = guest.core
    let node = guest.geometry.node(ofCPU: number)
    self.init(
      allocate: { pfn, pages, drainFirst in
        var cpu = GuestCPU(core, cpu: number, node: node, probe: NoProbe(), hooks: hooks, rules: rules)
        do throws(ContiguousFailure) {
          try cpu.allocateContiguous(pfn: pfn, pages: pages, drainFirst: drainFirst)
          return nil
        } catch { return error }
      },
      free: { pfn, pages in
        var cpu = GuestCPU(core, cpu: number, node: node, probe: NoProbe(), hooks: hooks, rules: rules)
        cpu.freeContiguous(pfn: pfn, pages: pages)
      },
      drain: {
        var cpu = GuestCPU(core, cpu: number, node: node, probe: NoProbe(), hooks: hooks, rules: rules)
        cpu.drainPerCPULists()
      })
  }

  @usableFromInline
  init(
    allocate: @escaping (UInt64, UInt64, Bool) -> ContiguousFailure?, free: @escaping (UInt64, UInt64) -> Void,
    drain: @escaping () -> Void
  ) {
    allocateBody = allocate
    freeBody = free
    drainBody = drain
  }

  /// alloc_contig_range(): returns nil if it succeeded, otherwise what was in the way.
  public func allocate(pfn: UInt64, pages: UInt64, drainFirst: Bool) -> ContiguousFailure? {
    allocateBody(pfn, pages, drainFirst)
  }

  /// free_contig_range()
  public func free(pfn: UInt64, pages: UInt64) { freeBody(pfn, pages) }
  /// Drains this CPU's lists.
  public func drain() { drainBody() }
}
