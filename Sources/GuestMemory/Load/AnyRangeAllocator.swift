import Instruments

/// A CPU that wants ranges of pages, whatever hooks it was compiled for.
public protocol AnyRangeAllocator: AnyObject {
  /// alloc_contig_range(): nil where it was had, otherwise what was in the way.
  func allocate(pfn: UInt64, pages: UInt64, drainFirst: Bool) -> ContiguousFailure?
  /// free_contig_range()
  func free(pfn: UInt64, pages: UInt64)
  /// Gives back what this CPU's lists keep.
  func drain()
}

/// See ``AnyRangeAllocator``.
public final class RangeAllocator<Hooks: AllocatorHooks>: AnyRangeAllocator {
  private var cpu: GuestCPU<NoProbe, Hooks>

  public init(_ guest: Guest, cpu: Int, hooks: Hooks) {
    self.cpu = GuestCPU(
      guest.core, cpu: cpu, node: guest.geometry.node(ofCPU: cpu), probe: NoProbe(), hooks: hooks)
  }

  public func allocate(pfn: UInt64, pages: UInt64, drainFirst: Bool) -> ContiguousFailure? {
    do {
      try cpu.allocateContiguous(pfn: pfn, pages: pages, drainFirst: drainFirst)
      return nil
    } catch { return error }
  }

  public func free(pfn: UInt64, pages: UInt64) { cpu.freeContiguous(pfn: pfn, pages: pages) }
  public func drain() { cpu.drainPerCPULists() }
}
