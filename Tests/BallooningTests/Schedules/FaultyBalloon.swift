import GuestMemory

@testable import Ballooning

// The balloon's operations with one thing wrong in each.
extension BalloonDriver {
  /// Asks only whether the page is a balloon's: neither the references nor the flag.
  mutating func isolateWithoutTheCheck(_ pfn: UInt64) -> Bool {
    let page = balloon.core.page(pfn)
    guard page.takeReference() else { return false }
    steps.did(.referenced(pfn, true))
    guard page.tryLock() else {
      putReference(pfn)
      return false
    }
    steps.did(.triedLock(pfn, true))
    guard page.isOwnedMovable else {
      unlock(page, pfn)
      putReference(pfn)
      return false
    }
    balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      hold.remove(page)
      hold.changeIsolated(by: 1)
    }
    if balloon.isolation == .merged { page.setIsolated(true) }
    steps.did(.isolated(pfn))
    unlock(page, pfn)
    return true
  }

  /// Looks whether the page is the balloon's before it takes the list's lock, and not again: enough where deflating needs
  /// the page's lock.
  mutating func isolateWithoutTheListLock(_ pfn: UInt64) -> Bool {
    let page = balloon.core.page(pfn)
    guard page.takeReference() else { return false }
    steps.did(.referenced(pfn, true))
    guard page.tryLock() else {
      putReference(pfn)
      return false
    }
    let isIsolable = page.isOwnedMovable && !page.isIsolated
    steps.did(.checked(pfn, isIsolable))
    guard isIsolable else {
      unlock(page, pfn)
      putReference(pfn)
      return false
    }
    balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      hold.remove(page)
      hold.changeIsolated(by: 1)
    }
    page.setIsolated(true)
    steps.did(.isolated(pfn))
    unlock(page, pfn)
    return true
  }

  /// Takes the first page whether somebody has its lock or not.
  mutating func deflateWithoutTrylock() {
    lockMutex()
    let pfns = batch
    let core = balloon.core
    let count = balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      var count = 0
      hold.walk { page in
        page.setOwnedMovable(false)
        hold.remove(page)
        pfns[0] = core.pfn(page)
        count = 1
        return false
      }
      return count
    }
    finish(pfns, count)
  }

  /// balloon_page_dequeue() as it was posted in 2012: it finds the page without the list's lock, and does not look
  /// again once it has the page's.
  mutating func deflateAsPosted() {
    lockMutex()
    let pfns = batch
    var count = 0
    if let page = balloon.pages.firstUnlocked {
      pfns[0] = balloon.core.pfn(page)
      steps.did(.looked(pfns[0], isMovable: true))
      if page.tryLock() {
        steps.did(.triedLock(pfns[0], true))
        balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
          page.setOwnedMovable(false)
          hold.remove(page)
        }
        page.unlock()
        count = 1
      }
    }
    finish(pfns, count)
  }

  private mutating func finish(_ pfns: PFNArray, _ count: Int) {
    if count > 0 { steps.did(.dequeued(pfns[0])) }
    balloon.addCount(-count)
    if count > 0 { tell(.deflate, pfns, count) }
    unlockMutex()
    if count > 0 { putReference(pfns[0]) }
  }

  /// Tells the host first that the old page is gone.
  mutating func migrateTellingDeflateFirst(_ old: UInt64, to new: UInt64) {
    let (oldPage, newPage) = (balloon.core.page(old), balloon.core.page(new))
    lock(oldPage, old)
    _ = newPage.tryLock()
    lockMutex()
    _ = newPage.takeReference()
    balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in
      newPage.setOwnedMovable(true)
      hold.add(newPage)
      hold.changeIsolated(by: -1)
      oldPage.setOwnedMovable(false)
    }
    steps.did(.replaced(old: old, new: new))
    let message = balloon.array(cpu: cpu.cpu, 1)
    message[0] = old
    tell(.deflate, message, 1)
    message[0] = new
    tell(.inflate, message, 1)
    unlockMutex()
    oldPage.setIsolated(false)
    putReference(old)
    unlock(oldPage, old)
    putReference(old)
    newPage.unlock()
    putReference(new)
  }

  /// The page is on the list again, and still counted as isolated.
  mutating func putBackForgettingToCount(_ pfn: UInt64) {
    let page = balloon.core.page(pfn)
    lock(page, pfn)
    balloon.pages.withLocked(cpu: cpu.cpu, &probe) { hold in hold.add(page) }
    page.setIsolated(false)
    steps.did(.putBack(pfn))
    unlock(page, pfn)
    putReference(pfn)
  }
}
