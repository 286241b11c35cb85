/// State changes, and what follows when a page turns out to be discarded. Guest page hinting, patch 3/9 of 2006.
extension PageStore {
  /// page_make_volatile(): changes to V or P if all conditions hold and no other thread is doing so. `offset`:
  /// references that are neither mappings' nor an obstacle: 1 for the cache's own, 2 with the caller's.
  @inlinable @inline(__always)
  public mutating func makeVolatile(_ page: Int, offset: Int) throws(Interruption) {
    // Another thread is trying and will find the same.
    if try testAndSet(.stateChange, page) { return }
    // References before flags: a thread that takes a reference after the check waits in make_stable, and changes made
    // before the check show in the flags. In the other order a thread could come, write and leave in between.
    if try hasNoOtherUsers(page, beside: offset), let state = try volatileState(page) {
      _ = try perform(state, page)
    }
    try clear(.stateChange, page)
  }

  /// page_make_stable(). The caller has a reference, so that no thread starts to make the page volatile from now on;
  /// one that has started is waited for. Returns false if the host has discarded the page; the caller must then call
  /// ``discard(_:)``.
  @inlinable @inline(__always)
  public mutating func makeStable(_ page: Int) throws(Interruption) -> Bool {
    try awaitStateChange(page)
    return try perform(.stableIfNotDiscarded, page)
  }

  /// page_discard(): removes a discarded page from everywhere, once, however many threads notice; drops the caller's
  /// reference.
  @inlinable
  public mutating func discard(_ page: Int) throws(Interruption) {
    try lock(page)
    if try testAndSet(.discarded, page) {
      try clear(.locked, page)
    } else {
      try unmap(page)
      try removeFromLRU(page)
      try removeFromCache(page)
      // The cache's reference.
      try drop(page)
      try clear(.locked, page)
    }
    try drop(page)
  }

  /// put_page(): drops a reference after use, one of the sites at which the page may become volatile.
  @inlinable @inline(__always)
  public mutating func putPage(_ page: Int) throws(Interruption) {
    if mode.changesAtPut { try makeVolatile(page, offset: 2) }
    try drop(page)
  }

  /// unlock_page(), another of these sites.
  @inlinable @inline(__always)
  public mutating func unlockPage(_ page: Int) throws(Interruption) {
    try clear(.locked, page)
    if mode.usesVolatile { try makeVolatile(page, offset: 1) }
  }

  /// Drops a reference without a state change.
  @inlinable @inline(__always)
  public mutating func drop(_ page: Int) throws(Interruption) {
    if try put(page) { try free(page) }
  }

  /// Frees a page without references. A discarded page is deferred: another CPU may just have got a discard fault with
  /// the page's address, and would take the page's next user for the discarded page.
  @inlinable
  public mutating func free(_ page: Int) throws(Interruption) {
    // __page_cache_release(): a thread that had it isolated may have put it back since it left the cache.
    try removeFromLRU(page)
    if mode.usesVolatile, try has(.discarded, page) {
      try deferRelease(page)
    } else {
      if mode.marksFree { _ = try perform(.setUnused, page) }
      try release(page)
    }
  }

  /// Frees the pages on this CPU's list of discarded pages, once every other CPU was seen outside its fault handler.
  @inlinable
  public mutating func drainDiscarded() throws(Interruption) {
    guard let first = try nextDeferred() else { return }
    for other in 0..<cpus where other != cpu { try awaitNoFault(cpu: other) }
    var next: Int? = first
    // Pages added later don't matter: only this CPU adds pages to the list.
    while let page = next {
      if mode.marksFree { _ = try perform(.setUnused, page) }
      try release(page)
      next = try nextDeferred()
    }
  }

  /// Allocates a page and makes it stable.
  @inlinable
  public mutating func allocateStable() throws(Interruption) -> Int? {
    guard let page = try allocate() else { return nil }
    if mode.marksFree { _ = try perform(.setStable, page) }
    return page
  }

  /// get_page() in the mode that changes the state at each reference. Returns false if the page was discarded; the
  /// reference is then gone.
  @inlinable @inline(__always)
  mutating func stabiliseReference(_ page: Int) throws(Interruption) -> Bool {
    if mode.changesAtReferences, try !makeStable(page) {
      try discard(page)
      return false
    }
    return true
  }
}
