/// The page cache's operations, with state changes at the sites that the 2006 patches chose.
extension PageStore {
  /// find_get_page(): returns the page that caches a file page, stable and with a reference; nil if it isn't cached, or
  /// was discarded and is now removed.
  @inlinable
  public mutating func lookup(_ index: Int) throws(Interruption) -> Int? {
    guard let page = try find(index) else { return nil }
    if mode.usesVolatile, try !makeStable(page) {
      try discard(page)
      return nil
    }
    return page
  }

  /// Reads a file page into a new page, in the cache and with a reference; nil if no page is free or another CPU was
  /// faster.
  @inlinable
  public mutating func readIn(_ index: Int) throws(Interruption) -> Int? {
    guard let page = try allocateStable() else { return nil }
    guard try insert(page, at: index) else {
      try drop(page)
      return nil
    }
    try addNewToLRU(page)
    try readFromDisk(page)
    _ = try testAndSet(.uptodate, page)
    try unlockPage(page)
    return page
  }

  /// lru_cache_add(): adds the page through a CPU's pagevec, which has a reference to it.
  @inlinable
  mutating func addNewToLRU(_ page: Int) throws(Interruption) {
    try get(page)
    if mode.changesAtReferences { _ = try makeStable(page) }
    try addToLRU(page)
    if mode.changesAtReferences { try makeVolatile(page, offset: 2) }
    try drop(page)
  }

  /// read(2) of one cached page. Returns false if it isn't cached.
  @inlinable
  public mutating func read(_ index: Int) throws(Interruption) -> Bool {
    guard let page = try lookup(index) else { return false }
    try awaitContent(page)
    _ = try access(page, writes: false)
    try markAccessed(page)
    try putPage(page)
    return true
  }

  /// mark_page_accessed(): the second call makes the page active.
  @inlinable @inline(__always)
  public mutating func markAccessed(_ page: Int) throws(Interruption) {
    if try testAndSet(.referenced, page) { try activate(page) }
  }

  /// wait_on_page_locked() for a page that is still being read.
  @inlinable @inline(__always)
  mutating func awaitContent(_ page: Int) throws(Interruption) {
    if try has(.uptodate, page) { return }
    try lock(page)
    try unlockPage(page)
  }

  /// write(2) of one cached page. Returns false if it isn't cached.
  @inlinable
  public mutating func write(_ index: Int) throws(Interruption) -> Bool {
    guard let page = try lookup(index) else { return false }
    try lock(page)
    // Another thread may have removed it meanwhile.
    if try has(.mapping, page) {
      _ = try testAndSet(.dirty, page)
      _ = try access(page, writes: true)
    }
    try unlockPage(page)
    try putPage(page)
    return true
  }

  /// Writes a page back if it is dirty.
  @inlinable
  public mutating func writeBack(_ index: Int) throws(Interruption) {
    guard let page = try lookup(index) else { return }
    try lock(page)
    let isWritten = try testAndClearDirty(page)
    let isDirty = try has(.dirty, page)
    if isWritten || isDirty {
      // PG_writeback is set before PG_dirty is cleared, so that one of them is always set.
      _ = try testAndSet(.writeback, page)
      if isDirty { try clear(.dirty, page) }
      try clear(.locked, page)
      try writeToDisk(page)
      try clear(.writeback, page)
      // end_page_writeback() is a site, with this caller's reference.
      if mode.usesVolatile { try makeVolatile(page, offset: 2) }
    } else {
      try unlockPage(page)
    }
    try putPage(page)
  }

  /// A page fault on a file mapping: the page's reference becomes the entry's, or an existing entry is made writable.
  /// Returns false if the page isn't cached.
  @inlinable
  public mutating func mapCached(_ index: Int, writable: Bool) throws(Interruption) -> Bool {
    guard let page = try lookup(index) else { return false }
    try awaitContent(page)
    if try map(page, writable: writable) {
      // page_add_file_rmap(), under the page table's lock: until it is released no other thread can unmap and free the
      // page.
      if mode.usesVolatile { try makeVolatile(page, offset: 1) }
      try unlockTable()
    } else {
      try putPage(page)
    }
    return true
  }

  /// munmap(2) of a page by its only process.
  @inlinable
  public mutating func unmapCached(_ index: Int) throws(Interruption) {
    // Stable, since otherwise the host could discard the page between the change bit and PG_dirty.
    guard let page = try lookup(index) else { return }
    try unmap(page)
    if try testAndClearDirty(page) { _ = try testAndSet(.dirty, page) }
    try putPage(page)
  }

  /// fork(2): another process maps what this one has mapped. Returns false if nothing is mapped, or the page was
  /// discarded.
  @inlinable
  public mutating func fork(_ index: Int) throws(Interruption) -> Bool {
    guard let page = try lockMapped(index) else { return false }
    try get(page)
    if mode.changesAtReferences, try !makeStable(page) {
      try unlockTable()
      try discard(page)
      return false
    }
    try addMapping(page)
    try unlockTable()
    return true
  }

  /// exit(2) of the other process. Does nothing if its mapping is gone.
  @inlinable
  public mutating func exit(_ index: Int) throws(Interruption) {
    guard let page = try lockMapped(index) else { return }
    let isRemoved = try removeMapping(page)
    try unlockTable()
    if isRemoved { try putPage(page) }
  }

  /// A user's access. Returns false if there is no entry, if it isn't writable as required, or if the page was
  /// discarded and couldn't be read again.
  @inlinable
  public mutating func touch(_ index: Int, writes: Bool) throws(Interruption) -> Bool {
    switch try accessMapped(index, writes: writes) {
    case .done: return true
    case .notMapped: return false
    case .discardFault(let page):
      let isReferenced = try getUnlessZero(page)
      try leaveFault()
      if isReferenced { try discard(page) }
      return false
    }
  }

  /// Takes the oldest inactive page out of the cache, or puts it back. Returns false if the list is empty.
  @inlinable
  public mutating func reclaimOne() throws(Interruption) -> Bool {
    guard let page = try isolate(active: false) else { return false }
    guard try stabiliseReference(page) else { return true }
    if try testAndSet(.locked, page) {
      try addToLRU(page)
      try putPage(page)
      return true
    }
    if mode.usesVolatile, try has(.discarded, page) {
      try clear(.locked, page)
      try drop(page)
      return true
    }
    if try !has(.dirty, page), try !has(.writeback, page) {
      let isMapped = try isMapped(page)
      // A mapped page must be checked for writes; an unmapped one can go from V to U.
      if isMapped && mode.usesVolatile || mode.stabilisesBeforeFree {
        if try !makeStable(page) {
          try clear(.locked, page)
          try discard(page)
          return true
        }
      }
      if isMapped {
        try unmap(page)
        if try testAndClearDirty(page) { _ = try testAndSet(.dirty, page) }
      }
      if try removeIfUnused(page) {
        try clear(.locked, page)
        try free(page)
        return true
      }
    }
    try addToLRU(page)
    try unlockPage(page)
    try putPage(page)
    return true
  }

  /// Moves the oldest active page to the inactive list. Returns false if there is none.
  @inlinable
  public mutating func deactivateOne() throws(Interruption) -> Bool {
    guard let page = try isolate(active: true) else { return false }
    guard try stabiliseReference(page) else { return true }
    try clear(.active, page)
    try addToLRU(page)
    // A site of its own, with this caller's reference; the put isn't one here.
    if mode.usesVolatile { try makeVolatile(page, offset: 2) }
    try drop(page)
    return true
  }

  /// Truncation: removes a file page from the cache for good.
  @inlinable
  public mutating func truncate(_ index: Int) throws(Interruption) {
    guard let page = try lookup(index) else { return }
    try lock(page)
    if try has(.mapping, page) {
      try unmap(page)
      try clear(.dirty, page)
      try removeFromLRU(page)
      try removeFromCache(page)
      try drop(page)
    }
    try clear(.locked, page)
    try drop(page)
  }
}
