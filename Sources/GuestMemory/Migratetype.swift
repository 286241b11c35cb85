/// The kernel's `enum migratetype`: how a block's pages may be moved, and therefore its list.
///
/// The raw value is the place of the type's list heads, counted in heads from their free area, see HB_MIGRATE_CMA.
public struct Migratetype: RawRepresentable, Hashable, Sendable, Comparable {
  public let rawValue: Int

  @inlinable @inline(__always)
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// MIGRATE_UNMOVABLE
  @inlinable public static var unmovable: Self { Self(rawValue: 0) }
  /// MIGRATE_MOVABLE
  @inlinable public static var movable: Self { Self(rawValue: 1) }
  /// MIGRATE_RECLAIMABLE
  @inlinable public static var reclaimable: Self { Self(rawValue: 2) }
  /// MIGRATE_HIGHATOMIC: a reserve for atomic allocations above order 0.
  @inlinable public static var highAtomic: Self { Self(rawValue: 3) }
  /// MIGRATE_ISOLATE: free, but must not be allocated.
  @inlinable public static var isolate: Self { Self(rawValue: 4) }

  /// MIGRATE_CMA: pageblocks set aside for contiguous ranges, from which only movable requests are served meanwhile.
  @inlinable public static var cma: Self { Self(rawValue: 72) }

  /// MIGRATE_TYPES of a kernel without CMA.
  @inlinable public static var count: Int { 5 }
  /// MIGRATE_TYPES of a kernel with CMA.
  @inlinable public static var countWithCMA: Int { 6 }

  /// The type by its place among all of them, CMA last.
  @inlinable @inline(__always)
  public init(index: Int) { rawValue = index < Self.count ? index : Self.cma.rawValue }
  /// Its place among all types.
  @inlinable @inline(__always)
  public var index: Int { rawValue < Self.count ? rawValue : Self.count }
  /// MIGRATE_PCPTYPES: the types that have per-CPU lists, the only ones that merge with each other.
  @inlinable public static var pcpTypes: Int { 3 }
  /// All types of a kernel without CMA, in its order; see ``GuestCore/types``.
  public static var allCases: [Self] { (0..<count).map(Self.init(rawValue:)) }

  /// migratetype_is_mergeable(): below pageblock order everything merges; from there on only these types, with each
  /// other.
  @inlinable @inline(__always)
  public var isMergeable: Bool { rawValue < Self.pcpTypes }

  /// The types a request falls back to, in order (`fallbacks[]`, mm/page_alloc.c, 6.1). Only defined for mergeable
  /// types.
  @inlinable @inline(__always)
  public var fallbacks: (Self, Self) {
    switch rawValue {
    case 0: (.reclaimable, .movable)
    case 1: (.reclaimable, .unmovable)
    default: (.unmovable, .movable)
    }
  }

  /// The kernel's spelling, as in /proc/pagetypeinfo.
  public var name: String { ["Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate", "CMA"][index] }

  @inlinable public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
