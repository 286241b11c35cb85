import CHost

/// A handle on a `struct page` of the modelled guest.
///
/// It doesn't keep the guest alive. Its values are stable only while the zone's lock is held.
public struct Page: Equatable, Sendable {
  // Right to send: an address; its user holds the zone lock.
  @usableFromInline nonisolated(unsafe) let pointer: UnsafeMutablePointer<StructPage>

  @inlinable @inline(__always)
  init(_ pointer: UnsafeMutablePointer<StructPage>) { self.pointer = pointer }

  /// The page that contains this `lru`: the kernel's list_entry().
  @inlinable @inline(__always)
  init(link: UnsafeMutablePointer<ListHead>) {
    pointer = UnsafeMutableRawPointer(link).advanced(by: -Page.linkOffset)
      .assumingMemoryBound(to: StructPage.self)
  }

  @inlinable @inline(__always)
  var link: UnsafeMutablePointer<ListHead> {
    UnsafeMutableRawPointer(pointer).advanced(by: Page.linkOffset).assumingMemoryBound(to: ListHead.self)
  }

  @inlinable @inline(__always)
  func advanced(by pages: Int) -> Page { Page(pointer + pages) }

  /// offsetof(struct page, lru)
  @inlinable static var linkOffset: Int { 8 }

  // MARK: page_type

  // PG_buddy is bit 0x80, cleared in a word whose top nibble is all ones (include/linux/page-flags.h, 6.1). Unwritten
  // memory is zero, which isn't a buddy.
  @inlinable static var typeNone: UInt32 { 0xffff_ffff }
  @inlinable static var typeBuddy: UInt32 { 0xffff_ff7f }
  // A bit of this project, 0x1000, which the kernel's test for Buddy ignores: cleared on restore and set by any removal
  // from a list, it tells an untouched block from one that came back.
  @inlinable static var typeUntouchedBuddy: UInt32 { 0xffff_ef7f }
  @inlinable static var typeBuddyMask: UInt32 { 0xf000_0080 }
  @inlinable static var typeBase: UInt32 { 0xf000_0000 }

  /// PageBuddy(): heads a block on a free list.
  @inlinable @inline(__always)
  public var isBuddy: Bool { pointer.pointee.page_type & Page.typeBuddyMask == Page.typeBase }

  /// Whether it has been on a free list since the last restore without leaving it.
  @inlinable
  public var isUntouchedBuddy: Bool { pointer.pointee.page_type == Page.typeUntouchedBuddy }

  /// buddy_order(): only valid while ``isBuddy``.
  @inlinable @inline(__always)
  public var order: Int { Int(truncatingIfNeeded: pointer.pointee.private_) }

  // MARK: a page that may be somebody's

  // A scan by address meets pages in use, which their owners write without the zone's lock: these reads are atomic, and
  // out of date at once.

  /// ``isBuddy``, atomically: owners change other parts of the word. Stable under the zone's lock.
  @inlinable @inline(__always)
  var isBuddyUnlocked: Bool {
    // page_type is the lower half of the word that also has the reference count.
    let type = UInt32(truncatingIfNeeded: chost_read_once(UnsafeRawPointer(pointer) + Int(HB_PAGE_TYPE)))
    return type & Page.typeBuddyMask == Page.typeBase
  }

  /// Whether it heads a free block of this order, read without the zone's lock: a hint that may be out of date.
  @inlinable @inline(__always)
  public func isListedUnlocked(order: Int) -> Bool {
    isBuddyUnlocked
      && chost_read_once(UnsafeRawPointer(pointer) + Int(HB_PAGE_PRIVATE)) == UInt64(truncatingIfNeeded: order)
  }

  /// Asks for this page's cache line, which taking the block off its list will write. Reads nothing.
  @inlinable @inline(__always)
  public func prefetch() { chost_prefetch_write(pointer) }

  /// Asks for the cache lines of the entries before and behind it, which taking it off its list will write, too. Read
  /// without the lock they may be no entries any more: a line more is asked for, nothing else follows from it.
  @inlinable @inline(__always)
  public func prefetchNeighbours() {
    chost_prefetch_write(UnsafeRawPointer(bitPattern: UInt(chost_read_once(UnsafeRawPointer(link)))))
    chost_prefetch_write(UnsafeRawPointer(bitPattern: UInt(chost_read_once(UnsafeRawPointer(link) + 8))))
  }

  /// Whether it has a reference.
  @inlinable @inline(__always)
  var isReferencedUnlocked: Bool {
    chost_read_once(UnsafeRawPointer(pointer) + Int(HB_PAGE_TYPE)) &>> 32 != 0
  }

  /// Whether it is movable memory in use.
  @inlinable @inline(__always)
  var isMovableUnlocked: Bool { chost_read_once(UnsafeRawPointer(pointer)) & Page.flagLRU != 0 }

  // MARK: flags

  /// The zone's index, stored where the kernel keeps node and zone.
  @inlinable @inline(__always)
  var zoneIndex: Int { Int(truncatingIfNeeded: pointer.pointee.flags &>> 56) }

  @inlinable @inline(__always)
  static func zoneBits(_ index: Int) -> UInt64 { UInt64(truncatingIfNeeded: index) &<< 56 }

  /// PG_lru. Set on a movable allocation, for the lru_cache_add() that its user calls next; the fallback path counts
  /// such pages when it decides whether to claim a pageblock.
  @inlinable static var flagLRU: UInt64 { 1 << 5 }
  /// PAGE_FLAGS_CHECK_AT_PREP: the flags that free_pages_prepare() clears.
  @inlinable static var flagsCheckedAtPrep: UInt64 { (1 << 24) - 1 }

  /// PG_reported, PG_uptodate's bit: the host knows of this free block. Only strategies with hooks set it; their hooks
  /// clear it when the block leaves its list.
  @inlinable static var flagReported: UInt64 { 1 << 2 }

  /// A bit of this project, above those that are checked when a page is handed out: the host may still drop what is in
  /// the block. A driver that does this needs such a bit; PG_reported itself would make the page a bad one.
  @inlinable static var flagDroppable: UInt64 { 1 << 24 }

  /// Whether the host may still drop what is in the block: of a free block, or one that is just being handed out.
  @inlinable @inline(__always)
  public var isDroppable: Bool { hasFlag(Page.flagDroppable) }

  /// Under the zone's lock, or by the one who is about to hand the block out.
  @inlinable @inline(__always)
  public func setDroppable(_ droppable: Bool) { setFlag(Page.flagDroppable, droppable) }

  /// The flags that are marks of a strategy's.
  @inlinable public static var marks: (reported: UInt64, droppable: UInt64) { (flagReported, flagDroppable) }

  /// Adds some of ``marks``: under the zone's lock.
  @inlinable @inline(__always)
  public func add(marks: UInt64) { pointer.pointee.flags |= marks }

  /// PageReported(): only valid while ``isBuddy``. Read with or without the lock.
  @inlinable @inline(__always)
  public var isReported: Bool { hasFlag(Page.flagReported) }

  /// __SetPageReported() and __ClearPageReported(): under the zone's lock, for a listed block.
  @inlinable @inline(__always)
  public func setReported(_ reported: Bool) { setFlag(Page.flagReported, reported) }

  @inlinable @inline(__always)
  func hasFlag(_ flag: UInt64) -> Bool { chost_read_once(UnsafeRawPointer(pointer)) & flag != 0 }

  @inlinable @inline(__always)
  func setFlag(_ flag: UInt64, _ isSet: Bool) {
    if isSet {
      pointer.pointee.flags |= flag
    } else {
      pointer.pointee.flags &= ~flag
    }
  }

  /// Its position in its list.
  @inlinable @inline(__always)
  public var position: FreeList.Position { FreeList.Position(link) }

  // MARK: list_del()'s poison (include/linux/poison.h)

  @inlinable static var listPoison1: UInt { 0xdead_0000_0000_0100 }
  @inlinable static var listPoison2: UInt { 0xdead_0000_0000_0122 }

  /// Whether list_del() poisoned the link, so that the page is on no list. A removed entry shows the poison, not NULL.
  @inlinable
  public var isUnlinked: Bool { UInt(bitPattern: pointer.pointee.lru.next) == Page.listPoison1 }
}
