import CHost
import Synchronization

// References, the page's lock and its owner, for code outside the allocator (include/linux/page_ref.h, page-flags.h and
// mm/filemap.c, 6.1). Each call is one atomic step.
extension Page {
  /// PG_locked
  @inlinable static var flagLocked: UInt64 { 1 << 0 }
  /// PG_isolated, which is PG_reclaim's bit.
  @inlinable static var flagIsolated: UInt64 { 1 << 18 }
  /// PAGE_MAPPING_MOVABLE: the page's owner has movable_operations.
  @inlinable static var mappingMovable: UInt64 { 2 }

  @inlinable @inline(__always)
  var flagsWord: UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inlinable @inline(__always)
  var mappingWord: UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_PAGE_MAPPING)).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inlinable @inline(__always)
  var referenceWord: UnsafeMutablePointer<Atomic<Int32>> {
    UnsafeMutableRawPointer(pointer).advanced(by: Int(HB_PAGE_REFCOUNT)).assumingMemoryBound(to: Atomic<Int32>.self)
  }

  // MARK: references

  /// page_count(). Out of date at once, unless the caller knows all holders of references.
  @inlinable @inline(__always)
  public var references: Int { Int(referenceWord.pointee.load(ordering: .relaxed)) }

  /// get_page_unless_zero(): returns false for a page that is free or being freed.
  @inlinable @inline(__always)
  public func takeReference() -> Bool {
    var count = referenceWord.pointee.load(ordering: .relaxed)
    while count != 0 {
      let result = referenceWord.pointee.weakCompareExchange(
        expected: count, desired: count &+ 1, successOrdering: .acquiring, failureOrdering: .relaxed)
      if result.exchanged { return true }
      count = result.original
    }
    return false
  }

  /// put_page_testzero(): returns true if it was the last reference.
  @inlinable @inline(__always)
  func dropReference() -> Bool {
    referenceWord.pointee.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0
  }

  // MARK: the lock

  /// trylock_page(). The caller must have a reference, or hold the lock of the page's list.
  @inlinable @inline(__always)
  public func tryLock() -> Bool {
    flagsWord.pointee.bitwiseOr(Page.flagLocked, ordering: .acquiring).oldValue & Page.flagLocked == 0
  }

  /// unlock_page()
  @inlinable @inline(__always)
  public func unlock() { flagsWord.pointee.bitwiseAnd(~Page.flagLocked, ordering: .releasing) }

  /// PageLocked()
  @inlinable @inline(__always)
  public var isLocked: Bool { flagsWord.pointee.load(ordering: .relaxed) & Page.flagLocked != 0 }

  // MARK: the owner

  /// PageMovable(): whether its owner can move it. Stable under the page's lock.
  ///
  /// 6.1 keeps the bit when the owner goes and clears the operations; here both go at once, since nothing reads the bit
  /// alone.
  @inlinable @inline(__always)
  public var isOwnedMovable: Bool { mappingWord.pointee.load(ordering: .relaxed) & Page.mappingMovable != 0 }

  /// __SetPageMovable() and __ClearPageMovable(), under the page's lock.
  @inlinable @inline(__always)
  public func setOwnedMovable(_ movable: Bool) {
    mappingWord.pointee.store(movable ? Page.mappingMovable : 0, ordering: .relaxed)
  }

  /// PageIsolated(), under the page's lock.
  @inlinable @inline(__always)
  public var isIsolated: Bool { flagsWord.pointee.load(ordering: .relaxed) & Page.flagIsolated != 0 }

  /// SetPageIsolated() and ClearPageIsolated()
  @inlinable @inline(__always)
  public func setIsolated(_ isolated: Bool) {
    if isolated {
      flagsWord.pointee.bitwiseOr(Page.flagIsolated, ordering: .relaxed)
    } else {
      flagsWord.pointee.bitwiseAnd(~Page.flagIsolated, ordering: .relaxed)
    }
  }

  /// PageLRU(): movable memory in use, by any owner.
  @inlinable @inline(__always)
  public var isOnLRU: Bool { flagsWord.pointee.load(ordering: .relaxed) & Page.flagLRU != 0 }

  /// lru_cache_add(), or taking the page off the LRU for a move.
  @inlinable @inline(__always)
  public func setOnLRU(_ onLRU: Bool) {
    if onLRU {
      flagsWord.pointee.bitwiseOr(Page.flagLRU, ordering: .relaxed)
    } else {
      flagsWord.pointee.bitwiseAnd(~Page.flagLRU, ordering: .relaxed)
    }
  }

  /// Its zone's index in the guest's zone table, of a page in use whose other flags somebody may be changing.
  @inlinable @inline(__always)
  public var ownersZoneIndex: Int {
    Int(truncatingIfNeeded: flagsWord.pointee.load(ordering: .relaxed) &>> 56)
  }

  /// page->index: a number that the owner of a page in use notes in it, to find the page again after a move.
  @inlinable @inline(__always)
  public var ownersIndex: UInt64 {
    get { pointer.pointee.index }
    nonmutating set { pointer.pointee.index = newValue }
  }

  /// The order of the free block that it heads; nil if it heads none. For scanners by address; out of date at once
  /// without the zone's lock.
  @inlinable @inline(__always)
  public var freeOrderUnlocked: Int? {
    guard isBuddyUnlocked else { return nil }
    let order = chost_read_once(UnsafeRawPointer(pointer) + Int(HB_PAGE_PRIVATE))
    return order <= 10 ? Int(order) : nil
  }
}
