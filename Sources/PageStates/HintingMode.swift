/// How much a guest tells its host about its pages.
public enum HintingMode: String, Sendable, CaseIterable {
  /// Nothing: every page is stable for ever.
  case none
  /// Stable when allocated, unused when freed: what was merged (s390, 2008).
  case light
  /// Volatile page cache: as in 2006, with changes at chosen sites.
  case full
  /// The same, but that every get_page() makes stable and every put_page() tries to make volatile: the proposal of the
  /// thread.
  case everyGetPut = "every-get-put"
  /// The same as full, but that whoever looks at a page on the LRU makes it stable, so that a page that is freed goes
  /// V, S, U.
  case fullViaVolatile = "full-via-volatile"
  /// The same as full, but that put_page() is no site: a page stays stable until it is unlocked by its only user,
  /// written back, mapped or moved to the inactive list. The thread's order of magnitude may be meant against this.
  case fullWithoutPut = "full-without-put"

  /// Whether allocation and free say so.
  @inlinable @inline(__always)
  public var marksFree: Bool { self != .none }
  /// Whether pages of files become volatile.
  @inlinable @inline(__always)
  public var usesVolatile: Bool { self != .none && self != .light }
  /// Whether put_page() tries to make volatile.
  @inlinable @inline(__always)
  public var changesAtPut: Bool { usesVolatile && self != .fullWithoutPut }
  /// Whether a reference means a change.
  @inlinable @inline(__always)
  public var changesAtReferences: Bool { self == .everyGetPut }
  /// Whether reclaim makes stable what it is about to free.
  @inlinable @inline(__always)
  public var stabilisesBeforeFree: Bool { self == .fullViaVolatile }
}
