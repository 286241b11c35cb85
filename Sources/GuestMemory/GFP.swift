/// What an allocation asks for: the bits of gfp_t that decide where the page comes from. No bit here lets an allocation
/// reclaim; it succeeds from what is free or fails.
///
/// The constants are computed: a stored one is reached through a call from another module, several in each allocation.
public struct GFP: OptionSet, Sendable {
  public let rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// __GFP_MOVABLE: migratetype movable; with ``highMem`` also ZONE_MOVABLE.
  @inlinable public static var movable: GFP { GFP(rawValue: 1 << 0) }
  /// __GFP_RECLAIMABLE
  @inlinable public static var reclaimable: GFP { GFP(rawValue: 1 << 1) }
  /// __GFP_HIGHMEM
  @inlinable public static var highMem: GFP { GFP(rawValue: 1 << 2) }
  /// __GFP_THISNODE: the CPU's own node only.
  @inlinable public static var thisNode: GFP { GFP(rawValue: 1 << 3) }
  /// __GFP_HIGH: half of the min watermark may be used.
  @inlinable public static var high: GFP { GFP(rawValue: 1 << 4) }
  /// __GFP_ATOMIC, which with ``high`` makes GFP_ATOMIC: another quarter, and the HIGHATOMIC reserve.
  @inlinable public static var atomic: GFP { GFP(rawValue: 1 << 5) }
  /// __GFP_NOMEMALLOC: takes the atomic reserves away again.
  @inlinable public static var noMemAlloc: GFP { GFP(rawValue: 1 << 6) }
  /// __GFP_KSWAPD_RECLAIM. No kswapd runs here, so that the bit changes nothing.
  @inlinable public static var kswapd: GFP { GFP(rawValue: 1 << 7) }

  /// GFP_HIGHUSER_MOVABLE: anonymous memory and page cache.
  @inlinable public static var userMovable: GFP { [.movable, .highMem, .kswapd] }
  /// GFP_KERNEL, without its right to reclaim.
  @inlinable public static var kernel: GFP { [.kswapd] }
  /// GFP_ATOMIC
  @inlinable public static var atomicContext: GFP { [.high, .atomic, .kswapd] }
  /// VIRTIO_BALLOON_FREE_PAGE_ALLOC_FLAG: __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC
  /// (drivers/virtio/virtio_balloon.c).
  @inlinable public static var freePageAlloc: GFP { [.noMemAlloc] }

  /// gfp_migratetype()
  @inlinable @inline(__always)
  var migratetype: Migratetype { Migratetype(rawValue: Int(rawValue & 3)) }

  /// gfp_zone(): the highest zone the request may use.
  @inlinable @inline(__always)
  var highestZone: ZoneType {
    isSuperset(of: [.movable, .highMem]) ? .movable : contains(.highMem) ? .highMem : .normal
  }
}
