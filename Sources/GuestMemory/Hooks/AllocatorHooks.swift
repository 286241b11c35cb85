/// A strategy's code in the allocator's inner half, run on every CPU whether or not the strategy scans.
///
/// A generic parameter of the guest CPU: ``NoHooks`` compiles to nothing, as in a kernel built without the strategy
/// (the real hooks are behind a static key). Hooks are called with the zone's lock held and must not lock, allocate or
/// wait. Their state is in separate memory (``SharedWords``), so that copies of a value are the same hooks.
public protocol AllocatorHooks: Sendable {
  /// Called in `del_page_from_free_list()`, before the block is unlinked to be allocated, merged or isolated.
  func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int)

  /// Called in `add_to_free_list()`, once the block is on a list: freed, merged, split off or put back.
  func didAdd(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int)

  /// Called in `move_to_free_list()`, before the block moves to another migratetype's list.
  func willMove(_ page: Page, _ zone: Zone, order: Int)

  /// The position before which `add_to_free_list_tail()` inserts a block, by default the list's end.
  func tail(of list: FreeList, _ zone: Zone, order: Int, _ type: Migratetype) -> FreeList.Position

  /// Called at the end of `__free_one_page()`: `page` heads the merged free block of `order` on the list of `type`. Not
  /// called for a block that is put back after isolation (FPI_SKIP_REPORT_NOTIFY).
  func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype)

  /// Called in `prep_new_page()` for a block that an allocation hands out: before its user has it, and without a lock. For
  /// what compaction takes and the blocks of a range (`alloc_contig_range()`): under the lock that they are taken with.
  func didAllocate(_ page: Page, pfn: UInt64, order: Int)

  /// Whether blocks have marks that survive splits or merges; only then are ``marks(_:)`` and ``marks(_:mergedWith:)``
  /// asked.
  static var marksBlocks: Bool { get }

  /// The flags that the parts of this block have if it is split (`expand()`, `split_large_buddy()`); it is on its list, or
  /// off the lists to be put back. They are taken off a block that becomes part of another.
  func marks(_ page: Page) -> UInt64

  /// The flags of a block made of two free ones with these marks (`__free_one_page()`).
  func marks(_ marks: UInt64, mergedWith others: UInt64) -> UInt64
}

extension AllocatorHooks {
  @inlinable @inline(__always)
  public func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {}

  @inlinable @inline(__always)
  public func didAdd(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {}

  @inlinable @inline(__always)
  public func willMove(_ page: Page, _ zone: Zone, order: Int) {}

  @inlinable @inline(__always)
  public func tail(of list: FreeList, _ zone: Zone, order: Int, _ type: Migratetype) -> FreeList.Position { list.end }

  @inlinable @inline(__always)
  public func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {}

  @inlinable @inline(__always)
  public func didAllocate(_ page: Page, pfn: UInt64, order: Int) {}

  @inlinable @inline(__always)
  public static var marksBlocks: Bool { false }

  @inlinable @inline(__always)
  public func marks(_ page: Page) -> UInt64 { 0 }

  @inlinable @inline(__always)
  public func marks(_ marks: UInt64, mergedWith others: UInt64) -> UInt64 { 0 }
}

/// No hooks: a kernel without any such strategy.
public struct NoHooks: AllocatorHooks {
  @inlinable public init() {}
}

/// Hooks, and the rules of the kernel that they are part of, as one generic parameter of the allocator's inner half.
public protocol KernelHooks: AllocatorHooks {
  associatedtype Rules: KernelRules
}

/// A strategy's hooks in a kernel.
public struct HooksUnder<Rules: KernelRules, Base: AllocatorHooks>: KernelHooks {
  @usableFromInline let base: Base

  @inlinable @inline(__always)
  public init(_ base: Base) { self.base = base }

  @inlinable @inline(__always)
  public func willRemove(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
    base.willRemove(page, pfn: pfn, zone, order: order)
  }

  @inlinable @inline(__always)
  public func didAdd(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int) {
    base.didAdd(page, pfn: pfn, zone, order: order)
  }

  @inlinable @inline(__always)
  public func willMove(_ page: Page, _ zone: Zone, order: Int) { base.willMove(page, zone, order: order) }

  @inlinable @inline(__always)
  public func tail(of list: FreeList, _ zone: Zone, order: Int, _ type: Migratetype) -> FreeList.Position {
    base.tail(of: list, zone, order: order, type)
  }

  @inlinable @inline(__always)
  public func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {
    base.didFree(page, pfn: pfn, zone, order: order, type)
  }

  @inlinable @inline(__always)
  public func didAllocate(_ page: Page, pfn: UInt64, order: Int) { base.didAllocate(page, pfn: pfn, order: order) }

  @inlinable @inline(__always)
  public static var marksBlocks: Bool { Base.marksBlocks }

  @inlinable @inline(__always)
  public func marks(_ page: Page) -> UInt64 { base.marks(page) }

  @inlinable @inline(__always)
  public func marks(_ marks: UInt64, mergedWith others: UInt64) -> UInt64 { base.marks(marks, mergedWith: others) }
}
