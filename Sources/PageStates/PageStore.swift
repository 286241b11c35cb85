/// The steps of the volatile page protocol. Each call is one atomic step; other CPUs and the host may act between
/// steps.
///
/// ``PageFrames/Store`` performs them in memory. A checker performs them on a model, one at a time and in any order,
/// and throws `Interruption` out of the protocol once it has seen enough; the store in memory throws nothing, which
/// costs nothing.
public protocol PageStore {
  associatedtype Interruption: Error

  /// The hinting mode; constant.
  var mode: HintingMode { get }

  // MARK: page->flags

  /// test_and_set_bit(): returns whether it was set.
  mutating func testAndSet(_ flag: PageFlags, _ page: Int) throws(Interruption) -> Bool
  /// clear_bit()
  mutating func clear(_ flag: PageFlags, _ page: Int) throws(Interruption)
  /// test_bit()
  mutating func has(_ flag: PageFlags, _ page: Int) throws(Interruption) -> Bool
  /// lock_page(): waits for PG_locked.
  mutating func lock(_ page: Int) throws(Interruption)
  /// Waits until PG_state_change is clear.
  mutating func awaitStateChange(_ page: Int) throws(Interruption)
  /// The state the page may get, by its flags: V, P if it is mapped writable, nil if it must stay stable.
  mutating func volatileState(_ page: Int) throws(Interruption) -> StateOperation?

  // MARK: references

  /// Whether mapcount + offset == refcount. The kernel reads two words; a reader that raised one of them in between
  /// makes the page stable afterwards.
  mutating func hasNoOtherUsers(_ page: Int, beside offset: Int) throws(Interruption) -> Bool
  /// get_page()
  mutating func get(_ page: Int) throws(Interruption)
  /// get_page_unless_zero()
  mutating func getUnlessZero(_ page: Int) throws(Interruption) -> Bool
  /// put_page_testzero(): returns whether it was the last reference.
  mutating func put(_ page: Int) throws(Interruption) -> Bool

  // MARK: what the host sees

  /// Performs an operation. Returns false for STABLE_IF_NOT_DISCARDED of a discarded page.
  mutating func perform(_ operation: StateOperation, _ page: Int) throws(Interruption) -> Bool
  /// page_test_and_clear_dirty()
  mutating func testAndClearDirty(_ page: Int) throws(Interruption) -> Bool
  /// The kernel's own access. Returns false for a discard fault, which a page made stable never has.
  mutating func access(_ page: Int, writes: Bool) throws(Interruption) -> Bool
  /// A user's access through the page table. A read-only entry doesn't serve a write.
  mutating func accessMapped(_ index: Int, writes: Bool) throws(Interruption) -> MappedAccess
  /// Ends the part of a discard fault's handler that runs with interrupts off.
  mutating func leaveFault() throws(Interruption)

  // MARK: page cache

  /// Returns the page that caches a file page, with a reference; nil if it isn't cached.
  mutating func find(_ index: Int) throws(Interruption) -> Int?
  /// Adds a locked page to the cache, with the cache's reference. Returns false if another page is there.
  mutating func insert(_ page: Int, at index: Int) throws(Interruption) -> Bool
  /// Removes a page from the cache, which must contain it; the cache's reference passes to the caller.
  mutating func removeFromCache(_ page: Int) throws(Interruption)
  /// Removes a page from the cache with its reference and the caller's own, if there are no others and the page isn't
  /// dirty.
  mutating func removeIfUnused(_ page: Int) throws(Interruption) -> Bool
  /// Adds a page table entry, which takes over the caller's reference; the page table stays locked. Returns false, with
  /// nothing locked, if there is an entry; if it is this page's, it is made writable on request (do_wp_page()).
  mutating func map(_ page: Int, writable: Bool) throws(Interruption) -> Bool
  /// Returns the page of a page table entry, with the page table locked; nil, with nothing locked, if there is none.
  mutating func lockMapped(_ index: Int) throws(Interruption) -> Int?
  /// Unlocks the page table.
  mutating func unlockTable() throws(Interruption)
  /// page_dup_rmap(): adds an entry to another process's table, which takes over the caller's reference.
  mutating func addMapping(_ page: Int) throws(Interruption)
  /// page_remove_rmap(): removes such an entry, whose reference passes to the caller. Returns false if no other process
  /// has one.
  mutating func removeMapping(_ page: Int) throws(Interruption) -> Bool
  /// Removes all page table entries with their references. Waits for the page table's lock.
  mutating func unmap(_ page: Int) throws(Interruption)
  /// page_mapped()
  mutating func isMapped(_ page: Int) throws(Interruption) -> Bool

  // MARK: LRU

  /// Adds the page to the list that PG_active selects.
  mutating func addToLRU(_ page: Int) throws(Interruption)
  /// Moves the page from the inactive list to the active one.
  mutating func activate(_ page: Int) throws(Interruption)
  /// Removes the page from its list, if it is on one.
  mutating func removeFromLRU(_ page: Int) throws(Interruption)
  /// Takes the oldest page off a list, with a reference; nil if the list is empty.
  mutating func isolate(active: Bool) throws(Interruption) -> Int?

  // MARK: allocator and disk

  /// Allocates a free page with one reference; nil if there is none.
  mutating func allocate() throws(Interruption) -> Int?
  /// Frees a page.
  mutating func release(_ page: Int) throws(Interruption)
  /// Adds the page to this CPU's list of discarded pages.
  mutating func deferRelease(_ page: Int) throws(Interruption)
  /// Takes the next page off that list; nil if it is empty.
  mutating func nextDeferred() throws(Interruption) -> Int?
  /// Waits until this other CPU is outside its discard fault handler.
  mutating func awaitNoFault(cpu: Int) throws(Interruption)
  /// The number of CPUs, this one included.
  var cpus: Int { get }
  /// This CPU.
  var cpu: Int { get }
  /// Reads the page's content from its file.
  mutating func readFromDisk(_ page: Int) throws(Interruption)
  /// Writes the page's content to its file.
  mutating func writeToDisk(_ page: Int) throws(Interruption)
}

/// The result of a user's access through its page table.
public enum MappedAccess: Hashable, Sendable {
  /// The access succeeded.
  case done
  /// There is no page table entry: an ordinary page fault.
  case notMapped
  /// The host has discarded this page. The CPU is in the fault handler until ``PageStore/leaveFault()``.
  case discardFault(page: Int)
}
