/// What the protocol of volatile pages works on, in the steps that other CPUs and the host may come between: each call
/// is one atomic step.
///
/// ``PageFrames/Store`` does them in memory. A checker does them on a model, one at a time and in any order, by
/// throwing `Interruption` out of the protocol wherever it has seen enough; the store in memory throws nothing, which
/// costs nothing.
public protocol PageStore {
  associatedtype Interruption: Error

  /// How much the guest tells; constant.
  var mode: HintingMode { get }

  // MARK: page->flags

  /// test_and_set_bit(): whether it was set.
  mutating func testAndSet(_ flag: PageFlags, _ page: Int) throws(Interruption) -> Bool
  /// clear_bit()
  mutating func clear(_ flag: PageFlags, _ page: Int) throws(Interruption)
  /// test_bit()
  mutating func has(_ flag: PageFlags, _ page: Int) throws(Interruption) -> Bool
  /// lock_page(): waits for PG_locked.
  mutating func lock(_ page: Int) throws(Interruption)
  /// Waits until PG_state_change is clear.
  mutating func awaitStateChange(_ page: Int) throws(Interruption)
  /// What the page may become by its flags: V, P where it is mapped writable, nil if it has to stay stable.
  mutating func volatileState(_ page: Int) throws(Interruption) -> StateOperation?

  // MARK: references

  /// Whether mapcount + offset == refcount. The kernel reads two words; a reader who raised one of them in between
  /// makes the page stable afterwards.
  mutating func hasNoOtherUsers(_ page: Int, beside offset: Int) throws(Interruption) -> Bool
  /// get_page()
  mutating func get(_ page: Int) throws(Interruption)
  /// get_page_unless_zero()
  mutating func getUnlessZero(_ page: Int) throws(Interruption) -> Bool
  /// put_page_testzero(): whether it was the last.
  mutating func put(_ page: Int) throws(Interruption) -> Bool

  // MARK: what the host sees

  /// One operation. False: STABLE_IF_NOT_DISCARDED of a discarded page.
  mutating func perform(_ operation: StateOperation, _ page: Int) throws(Interruption) -> Bool
  /// page_test_and_clear_dirty()
  mutating func testAndClearDirty(_ page: Int) throws(Interruption) -> Bool
  /// The kernel's own access. False: a discard fault, which a page that was made stable never has.
  mutating func access(_ page: Int, writes: Bool) throws(Interruption) -> Bool
  /// A user's access through the page table. To a write an entry that is only to be read is none.
  mutating func accessMapped(_ index: Int, writes: Bool) throws(Interruption) -> MappedAccess
  /// The end of the part of a discard fault's handler that runs with interrupts off.
  mutating func leaveFault() throws(Interruption)

  // MARK: page cache

  /// The page of a file's page, with a reference; nil if it isn't cached.
  mutating func find(_ index: Int) throws(Interruption) -> Int?
  /// Into the cache, locked, with the cache's reference. False: another page is there.
  mutating func insert(_ page: Int, at index: Int) throws(Interruption) -> Bool
  /// Out of the cache; its reference stays with the caller. The page is in it.
  mutating func removeFromCache(_ page: Int) throws(Interruption)
  /// Out of the cache with its reference and the caller's own, if there are no others and the page isn't dirty.
  mutating func removeIfUnused(_ page: Int) throws(Interruption) -> Bool
  /// A page table entry, which takes over the caller's reference; the page table stays locked. False: there is one,
  /// which is made writable if that is asked for and it is this page's (do_wp_page()), and nothing is locked.
  mutating func map(_ page: Int, writable: Bool) throws(Interruption) -> Bool
  /// The page behind a page table entry, and the page table locked; nil if there is none, and nothing is locked.
  mutating func lockMapped(_ index: Int) throws(Interruption) -> Int?
  /// The page table's lock back.
  mutating func unlockTable() throws(Interruption)
  /// page_dup_rmap(): an entry in another process's table, which takes over the caller's reference.
  mutating func addMapping(_ page: Int) throws(Interruption)
  /// page_remove_rmap() of such an entry, whose reference becomes the caller's. False: there is no other process's.
  mutating func removeMapping(_ page: Int) throws(Interruption) -> Bool
  /// No page table entry any more, and their references gone. Waits for the page table's lock.
  mutating func unmap(_ page: Int) throws(Interruption)
  /// page_mapped()
  mutating func isMapped(_ page: Int) throws(Interruption) -> Bool

  // MARK: LRU

  /// Onto the list that PG_active names.
  mutating func addToLRU(_ page: Int) throws(Interruption)
  /// From the inactive list to the active one.
  mutating func activate(_ page: Int) throws(Interruption)
  /// Off its list, if it is on one.
  mutating func removeFromLRU(_ page: Int) throws(Interruption)
  /// The oldest page of a list, off it and with a reference; nil if there is none.
  mutating func isolate(active: Bool) throws(Interruption) -> Int?

  // MARK: allocator and disk

  /// A free page with one reference.
  mutating func allocate() throws(Interruption) -> Int?
  /// Back to the allocator.
  mutating func release(_ page: Int) throws(Interruption)
  /// Onto this CPU's list of discarded pages.
  mutating func deferRelease(_ page: Int) throws(Interruption)
  /// The next page of that list; nil if it is empty.
  mutating func nextDeferred() throws(Interruption) -> Int?
  /// Waits until this other CPU isn't in a discard fault's handler.
  mutating func awaitNoFault(cpu: Int) throws(Interruption)
  /// CPUs, this one among them.
  var cpus: Int { get }
  /// This one.
  var cpu: Int { get }
  /// The page's content from its file.
  mutating func readFromDisk(_ page: Int) throws(Interruption)
  /// To its file.
  mutating func writeToDisk(_ page: Int) throws(Interruption)
}
