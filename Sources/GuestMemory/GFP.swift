/// The bits of gfp_t that decide where a page comes from. No allocation may reclaim; it succeeds from free memory or
/// fails.
///
/// The constants are computed: reading a stored one takes a call into this module, several in each allocation.
public struct GFP: OptionSet, Sendable {
  public let rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// __GFP_MOVABLE: migratetype movable; with ``highMem`` also ZONE_MOVABLE.
  @inlinable public static var movable: GFP { GFP(rawValue: 1 << 0) }
  /// __GFP_RECLAIMABLE
  @inlinable public static var reclaimable: GFP { GFP(rawValue: 1 << 1) }
  /// __GFP_HIGHMEM
  @inlinable public static var highMem: GFP { GFP(rawValue: 1 << 2) }
  /// __GFP_THISNODE: only the CPU's own node.
  @inlinable public static var thisNode: GFP { GFP(rawValue: 1 << 3) }
  /// __GFP_HIGH: may use half of the min watermark.
  @inlinable public static var high: GFP { GFP(rawValue: 1 << 4) }
  /// __GFP_ATOMIC, which with ``high`` is GFP_ATOMIC: may use another quarter, and the HIGHATOMIC reserve.
  @inlinable public static var atomic: GFP { GFP(rawValue: 1 << 5) }
  /// __GFP_NOMEMALLOC: may not use the atomic reserves.
  @inlinable public static var noMemAlloc: GFP { GFP(rawValue: 1 << 6) }
  /// __GFP_KSWAPD_RECLAIM. No kswapd is modelled, so the bit has no effect.
  @inlinable public static var kswapd: GFP { GFP(rawValue: 1 << 7) }

  /// GFP_HIGHUSER_MOVABLE: anonymous memory and page cache.
  @inlinable public static var userMovable: GFP { [.movable, .highMem, .kswapd] }
  /// GFP_KERNEL without reclaim.
  @inlinable public static var kernel: GFP { [.kswapd] }
  /// GFP_ATOMIC
  @inlinable public static var atomicContext: GFP { [.high, .atomic, .kswapd] }
  /// VIRTIO_BALLOON_FREE_PAGE_ALLOC_FLAG: __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC
  /// (drivers/virtio/virtio_balloon.c).
  @inlinable public static var freePageAlloc: GFP { [.noMemAlloc] }

  /// ALLOC_NON_BLOCK: a request that can't reclaim, unless __GFP_NOMEMALLOC takes its rights away.
  @inlinable @inline(__always)
  var isNonBlock: Bool { contains(.atomic) && !contains(.noMemAlloc) }

  /// ALLOC_HIGHATOMIC, for an order above 0: may take from the atomic reserve first, and add to it.
  @inlinable @inline(__always)
  func mayUseHighAtomic<Rules: KernelRules>(_: Rules.Type) -> Bool {
    isNonBlock && contains(.high) || Rules.atomicsUseReserveFirst && contains(.reserveAlone)
  }

  /// ALLOC_HIGHATOMIC without other rights, as on mainline's first walk.
  @inlinable static var reserveAlone: GFP { GFP(rawValue: 1 << 8) }

  /// alloc_flags of the first walk, at the low mark: other rights are the slow path's (gfp_to_alloc_flags()).
  @inlinable @inline(__always)
  func onFirstWalk<Rules: KernelRules>(order: Int, _ rules: Rules.Type) -> GFP {
    let plain = subtracting([.high, .atomic])
    return Rules.atomicsUseReserveFirst && order > 0 && mayUseHighAtomic(rules) ? plain.union(.reserveAlone) : plain
  }

  /// gfp_migratetype()
  @inlinable @inline(__always)
  var migratetype: Migratetype { Migratetype(rawValue: Int(rawValue & 3)) }

  /// gfp_zone(): the highest zone the request may use.
  @inlinable @inline(__always)
  var highestZone: ZoneType {
    isSuperset(of: [.movable, .highMem]) ? .movable : contains(.highMem) ? .highMem : .normal
  }
}
