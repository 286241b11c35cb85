import GuestMemory

// Compaction's operations on a balloon's page: balloon_page_isolate(), balloon_page_putback() and
// balloon_page_migrate() of mm/balloon_compaction.c with isolate_movable_page(), putback_movable_pages() and
// unmap_and_move() of mm/migrate.c around them, Linux 6.1 and 6.12; those of mm/balloon.c in mainline, around which
// mm/migrate.c still locks the page; and the rules of the 2012 series if they differ. For single pages.
extension BalloonDriver {
  /// Takes a page off the balloon's list to move it.
  ///
  /// - Returns: true if the page is isolated. The caller then has a reference and must call ``putBack(_:)`` or
  ///   ``migrate(_:to:)``. False if the page isn't a balloon's, is already isolated, is locked or is being freed. In
  ///   mainline the balloon itself refuses only a page that has left it.
  @inlinable
  public mutating func isolate(_ pfn: UInt64) -> Bool {
    let page = balloon.core.page(pfn)
    // balloon_page_movable(), __PageMovable(): most pages seen belong to others.
    let looks = page.isOwnedMovable
    steps.did(.looked(pfn, isMovable: looks))
    guard looks else { return false }

    let isReferenced = page.takeReference()
    steps.did(.referenced(pfn, isReferenced))
    guard isReferenced else { return false }
    // From here on it can't be freed, so an owner seen now isn't that of a reallocated page.
    if balloon.isolation == .merged && !page.isOwnedMovable {
      putReference(pfn)
      return false
    }

    let isLocked = page.tryLock()
    steps.did(.triedLock(pfn, isLocked))
    guard isLocked else {
      putReference(pfn)
      return false
    }
    let isIsolable = isIsolable(page)
    steps.did(.checked(pfn, isIsolable))
    guard isIsolable else {
      unlock(page, pfn)
      putReference(pfn)
      return false
    }
    let isTaken = balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      hold.items = 1
      // Whoever deflates doesn't need the page's lock.
      if !Rules.balloonLocksPages && !page.isOwnedMovable { return false }
      hold.remove(page)
      hold.changeIsolated(by: 1)
      return true
    }
    guard isTaken else {
      steps.did(.checked(pfn, false))
      unlock(page, pfn)
      putReference(pfn)
      return false
    }
    if balloon.isolation == .merged { page.setIsolated(true) }
    steps.did(.isolated(pfn))
    unlock(page, pfn)
    return true
  }

  /// Whether the page belongs to the balloon, which in mainline only the list's lock tells, and isn't isolated. The caller
  /// holds the page's lock and a reference.
  @inlinable @inline(__always)
  func isIsolable(_ page: Page) -> Bool {
    if Rules.balloonLocksPages && !page.isOwnedMovable { return false }
    switch balloon.isolation {
    // The balloon's reference and the caller's; an isolator would have a third.
    case .series2012: return page.references == 2
    case .merged: return !page.isIsolated
    }
  }

  /// Returns an isolated page to the balloon, unmoved.
  @inlinable
  public mutating func putBack(_ pfn: UInt64) {
    let page = balloon.core.page(pfn)
    lock(page, pfn)
    balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      hold.items = 1
      hold.add(page)
      hold.changeIsolated(by: -1)
    }
    if balloon.isolation == .merged { page.setIsolated(false) }
    steps.did(.putBack(pfn))
    unlock(page, pfn)
    putReference(pfn)
  }

  /// Moves an isolated page to `new`, which becomes the balloon's; the old page is freed. `new` is the caller's, with
  /// one reference.
  ///
  /// The host is told of the new page before the old one, so that it never has fewer pages than the guest owes it: two
  /// messages, and two kicks, for each page. Up to 6.12 the new page comes on the list before the first message and the
  /// old one's owner goes between the two; in mainline the list changes in one hold, after both and without the mutex.
  /// What mainline does if the host takes the old page but not the new one (-ENOENT) isn't modelled: the host here
  /// refuses nothing.
  ///
  /// - Returns: false if another thread holds the balloon's mutex (-EAGAIN). The page then stays isolated, and `new`
  ///   stays the caller's.
  @inlinable
  public mutating func migrate(_ old: UInt64, to new: UInt64) -> Bool {
    let core = balloon.core
    let (oldPage, newPage) = (core.page(old), core.page(new))
    lock(oldPage, old)
    if !newPage.tryLock() { steps.bug("a page to move to is locked") }
    // virtballoon_migratepage(): a deflating thread that holds the mutex may be about to free pages.
    let isOurs = balloon.tryMutex()
    steps.did(.triedMutex(isOurs))
    guard isOurs else {
      newPage.unlock()
      unlock(oldPage, old)
      return false
    }
    let message = balloon.array(cpu: cpu.cpu, 1)
    if Rules.balloonLocksPages { replace(oldPage, by: newPage, disowns: false) }
    message[0] = new
    tell(.inflate, message, 1)
    if Rules.balloonLocksPages {
      balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
        hold.items = 1
        // balloon_page_delete(): the page is on no list; its owner's mark is removed under the list's lock.
        oldPage.setOwnedMovable(false)
      }
    }
    message[0] = old
    tell(.deflate, message, 1)
    unlockMutex()
    if !Rules.balloonLocksPages { replace(oldPage, by: newPage, disowns: true) }
    // The balloon's reference to the old page.
    putReference(old)
    if balloon.isolation == .merged { oldPage.setIsolated(false) }
    unlock(oldPage, old)
    putReference(old)
    newPage.unlock()
    steps.did(.unlocked(new))
    // The caller's reference.
    putReference(new)
    return true
  }

  /// Puts the new page on the list in place of the isolated one; `disowns`: the old page's owner goes in the same hold.
  @inlinable @inline(__always)
  mutating func replace(_ old: Page, by new: Page, disowns: Bool) {
    _ = new.takeReference()
    let balloon = balloon
    // Of one zone the counts stay.
    let changesZone = old.ownersZoneIndex != new.ownersZoneIndex
    if changesZone && Rules.balloonLocksPages { BalloonDriver.exchangeManaged(old, new, balloon) }
    balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      hold.items = 1
      if balloon.isMovable { new.setOwnedMovable(true) }
      hold.add(new)
      hold.changeIsolated(by: -1)
      if changesZone && !Rules.balloonLocksPages { BalloonDriver.exchangeManaged(old, new, balloon) }
      if disowns { old.setOwnedMovable(false) }
    }
    steps.did(.replaced(old: balloon.core.pfn(old), new: balloon.core.pfn(new)))
  }

  @inlinable
  static func exchangeManaged(_ old: Page, _ new: Page, _ balloon: Balloon.Handle) {
    balloon.adjustManaged(old, isComing: false)
    balloon.adjustManaged(new, isComing: true)
  }

  // MARK: the page's lock

  /// lock_page()
  @inlinable @inline(__always)
  func lock(_ page: Page, _ pfn: UInt64) {
    while !page.tryLock() { steps.waitForLock(of: pfn) }
    steps.did(.triedLock(pfn, true))
  }

  @inlinable @inline(__always)
  func unlock(_ page: Page, _ pfn: UInt64) {
    page.unlock()
    steps.did(.unlocked(pfn))
  }
}
