/// The bits of page->flags that matter for volatile pages.
public struct PageFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32

  @inlinable @inline(__always)
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  @inlinable public static var locked: PageFlags { PageFlags(rawValue: 1 << 0) }
  @inlinable public static var uptodate: PageFlags { PageFlags(rawValue: 1 << 1) }
  @inlinable public static var dirty: PageFlags { PageFlags(rawValue: 1 << 2) }
  @inlinable public static var writeback: PageFlags { PageFlags(rawValue: 1 << 3) }
  @inlinable public static var lru: PageFlags { PageFlags(rawValue: 1 << 4) }
  @inlinable public static var active: PageFlags { PageFlags(rawValue: 1 << 5) }
  @inlinable public static var referenced: PageFlags { PageFlags(rawValue: 1 << 6) }
  @inlinable public static var reserved: PageFlags { PageFlags(rawValue: 1 << 7) }
  @inlinable public static var privateData: PageFlags { PageFlags(rawValue: 1 << 8) }
  @inlinable public static var anonymous: PageFlags { PageFlags(rawValue: 1 << 9) }
  /// Not a kernel flag: page->mapping isn't NULL, so the page is in the page cache.
  @inlinable public static var mapping: PageFlags { PageFlags(rawValue: 1 << 10) }
  /// Not a kernel flag: a page table entry allows writing.
  @inlinable public static var writable: PageFlags { PageFlags(rawValue: 1 << 11) }
  /// PG_state_change: a thread is about to make the page volatile.
  @inlinable public static var stateChange: PageFlags { PageFlags(rawValue: 1 << 12) }
  /// PG_discarded: a thread has taken over the removal of a page that the host discarded.
  @inlinable public static var discarded: PageFlags { PageFlags(rawValue: 1 << 13) }

  /// Any of these flags keeps the page stable.
  @inlinable static var forbidding: PageFlags {
    [.reserved, .dirty, .writeback, .locked, .anonymous, .privateData, .discarded]
  }
  /// All of these flags are required.
  @inlinable static var needed: PageFlags { [.mapping, .uptodate, .lru] }

  /// The ten conditions of 2006 under which a page can be read again from its file and may become volatile. The
  /// eleventh is that only the cache, its mappings and the caller have references
  /// (``PageStore/hasNoOtherUsers(_:beside:)``).
  @inlinable @inline(__always)
  public var allowVolatile: Bool { isDisjoint(with: .forbidding) && isSuperset(of: .needed) }
}
