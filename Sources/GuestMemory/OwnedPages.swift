import CHost
import Instruments

/// Pages owned by code outside the allocator: a list, its lock, and the number of isolated pages. The kernel's `struct
/// balloon_dev_info`, fields in its order, on its own cache line.
///
/// Mainline has one lock for all balloons, outside of the struct: here the lock has a line of its own then. A guest has
/// one balloon.
///
/// A handle: copied freely, valid until ``deallocate()``.
public struct OwnedPages: @unchecked Sendable {
  // Right to send: addresses; the memory there is guarded by the lock in it.
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let lockAddress: UnsafeMutableRawPointer
  @usableFromInline let core: GuestCore

  @inlinable static var isolatedOffset: Int { 0 }
  @inlinable static var lockOffset: Int { 8 }
  @inlinable static var listOffset: Int { 16 }
  @inlinable static var countOffset: Int { 32 }
  @inlinable static var globalLockOffset: Int { 64 }

  /// Creates an empty list for pages of this guest.
  public init(_ core: GuestCore) {
    self.core = core
    base = .allocate(byteCount: 128, alignment: 64)
    lockAddress = base + (core.kernel == .mainline ? OwnedPages.globalLockOffset : OwnedPages.lockOffset)
    reset()
  }

  public func deallocate() { base.deallocate() }

  /// Empties the list. No thread may be using it.
  public func reset() {
    base.initializeMemory(as: UInt64.self, repeating: 0, count: 16)
    list.initialize()
  }

  @inlinable @inline(__always)
  var list: FreeList { FreeList((base + OwnedPages.listOffset).assumingMemoryBound(to: ListHead.self)) }

  /// Access to the list while its lock is held.
  public struct Hold {
    @usableFromInline let pages: OwnedPages
    /// Pages added, removed or skipped; counted by the body.
    public var items = 0

    @inlinable @inline(__always)
    init(_ pages: OwnedPages) { self.pages = pages }

    /// list_add()
    @inlinable @inline(__always)
    public func add(_ page: Page) {
      pages.list.addHead(page)
      pages.word(OwnedPages.countOffset).pointee &+= 1
    }

    /// list_del(). Returns false, and does nothing, for a page on no list: a kernel would follow the poison in its link
    /// (CONFIG_DEBUG_LIST checks this, too).
    @inlinable @inline(__always)
    @discardableResult
    public func remove(_ page: Page) -> Bool {
      if page.isUnlinked { return false }
      FreeList.remove(page)
      pages.word(OwnedPages.countOffset).pointee &-= 1
      return true
    }

    /// isolated_pages
    @inlinable @inline(__always)
    public func changeIsolated(by count: Int) {
      pages.word(OwnedPages.isolatedOffset).pointee &+= UInt64(bitPattern: Int64(count))
    }

    /// list_for_each_entry_safe(): calls `body` with each page, which it may remove, until it returns false.
    @inlinable @inline(__always)
    public func walk(_ body: (Page) -> Bool) {
      var entries = pages.list.makeIterator()
      var next = entries.next()
      while let page = next {
        next = entries.next()
        if !body(page) { return }
      }
    }

    @inlinable @inline(__always)
    public var isEmpty: Bool { pages.list.isEmpty }

    /// The current isolated_pages.
    @inlinable @inline(__always)
    public var isolated: Int { Int(pages.word(OwnedPages.isolatedOffset).pointee) }
  }

  @inlinable @inline(__always)
  func word(_ offset: Int) -> UnsafeMutablePointer<UInt64> { (base + offset).assumingMemoryBound(to: UInt64.self) }

  /// spin_lock_irqsave(&pages_lock), `body`, spin_unlock_irqrestore(). The lock is of the guest's kind; `cpu` is the
  /// modelled CPU that waits. The probe is told zone 0.
  @inlinable @inline(__always)
  public func withLocked<Probe: LockProbe, Result>(
    cpu: Int, _ probe: inout Probe, _ body: (inout Hold) -> Result
  ) -> Result {
    let lock = Spinlock(lockAddress)
    probe.willAcquire()
    lock.lock(core.lockKind, nodes: core.queueNodes, cpu: cpu)
    probe.didAcquire()
    var hold = Hold(self)
    let result = body(&hold)
    probe.willRelease()
    lock.unlock()
    probe.didRelease(zone: 0, items: hold.items)
    return result
  }

  // MARK: while nobody changes it

  /// The number of pages on the list.
  public var count: Int { Int(chost_read_once(UnsafeRawPointer(base + OwnedPages.countOffset))) }
  /// The number of pages taken off the list to be moved.
  public var isolated: Int {
    Int(bitPattern: UInt(chost_read_once(UnsafeRawPointer(base + OwnedPages.isolatedOffset))))
  }
  /// The PFNs on the list, head first.
  public var pfns: [UInt64] { list.map(core.pfn) }
  /// The head entry, read without the lock as the balloon of 2012 does; it may have left the list since.
  public var firstUnlocked: Page? { list.first }
}
