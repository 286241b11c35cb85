/// Code that a strategy puts into the allocator's inner half and that every CPU then runs, whether anybody scans or
/// not.
///
/// A generic parameter of the guest CPU: with ``NoHooks`` no instruction of it is left, which is a kernel built without
/// the strategy (the real ones sit behind a static key). Every call is made with the zone's lock held and may take no
/// lock, allocate or wait. What hooks keep between calls lies in memory of its own (``SharedWords``), so that copies of
/// a value are the same hooks.
public protocol AllocatorHooks: Sendable {
  /// In `del_page_from_free_list()`, before the block is unlinked: it is allocated, merged or isolated.
  func willRemove(_ page: Page, _ zone: Zone, order: Int)

  /// In `move_to_free_list()`, before the block goes to another migratetype's list.
  func willMove(_ page: Page, _ zone: Zone, order: Int)

  /// Where `add_to_free_list_tail()` puts a block: before this place, by default the list's end.
  func tail(of list: FreeList, _ zone: Zone, order: Int, _ type: Migratetype) -> FreeList.Position

  /// At the end of `__free_one_page()`: `page`, merged as far as it would, heads a free block of `order` on the list of
  /// `type`. Not called where the block is put back by who isolated it (FPI_SKIP_REPORT_NOTIFY).
  func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype)
}

extension AllocatorHooks {
  @inlinable @inline(__always)
  public func willRemove(_ page: Page, _ zone: Zone, order: Int) {}

  @inlinable @inline(__always)
  public func willMove(_ page: Page, _ zone: Zone, order: Int) {}

  @inlinable @inline(__always)
  public func tail(of list: FreeList, _ zone: Zone, order: Int, _ type: Migratetype) -> FreeList.Position { list.end }

  @inlinable @inline(__always)
  public func didFree(_ page: Page, pfn: UInt64, _ zone: Zone, order: Int, _ type: Migratetype) {}
}

/// A kernel without any such strategy.
public struct NoHooks: AllocatorHooks {
  @inlinable public init() {}
}
