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
  /// As full, but looking at a page on the LRU makes it stable, so that a freed page goes V, S, U.
  case fullViaVolatile = "full-via-volatile"
  /// As full, but put_page() doesn't change the state: a page stays stable until it is unlocked by its only user,
  /// written back, mapped or moved to the inactive list. The thread's order of magnitude may refer to this.
  case fullWithoutPut = "full-without-put"

  /// Whether allocation and free change the state.
  @inlinable @inline(__always)
  public var marksFree: Bool { self != .none }
  /// Whether file pages become volatile.
  @inlinable @inline(__always)
  public var usesVolatile: Bool { self != .none && self != .light }
  /// Whether put_page() tries to make pages volatile.
  @inlinable @inline(__always)
  public var changesAtPut: Bool { usesVolatile && self != .fullWithoutPut }
  /// Whether every reference changes the state.
  @inlinable @inline(__always)
  public var changesAtReferences: Bool { self == .everyGetPut }
  /// Whether reclaim makes pages stable before freeing them.
  @inlinable @inline(__always)
  public var stabilisesBeforeFree: Bool { self == .fullViaVolatile }
}
