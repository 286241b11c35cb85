import CHost
import Synchronization

extension PageFrames {
  /// One CPU's access to the pages: the steps of ``PageStore`` as atomic operations and short lock holds.
  public struct Store<Tally: StateTally>: PageStore {
    public typealias Interruption = Never

    @usableFromInline let memory: Memory
    public let mode: HintingMode
    public let cpu: Int
    /// The counts so far.
    public var tally: Tally

    @inlinable
    init(memory: Memory, mode: HintingMode, cpu: Int, tally: Tally) {
      self.memory = memory
      self.mode = mode
      self.cpu = cpu
      self.tally = tally
    }

    public var cpus: Int { memory.cpus }

    // MARK: page->flags

    @inlinable @inline(__always)
    public mutating func testAndSet(_ flag: PageFlags, _ page: Int) -> Bool {
      let old = memory.flags[page].bitwiseOr(flag.rawValue, ordering: .acquiringAndReleasing).oldValue
      if flag == .discarded && old & flag.rawValue == 0 { tally.noteDiscarded() }
      return old & flag.rawValue != 0
    }

    @inlinable @inline(__always)
    public mutating func clear(_ flag: PageFlags, _ page: Int) {
      memory.flags[page].bitwiseAnd(~flag.rawValue, ordering: .acquiringAndReleasing)
    }

    @inlinable @inline(__always)
    func flags(_ page: Int) -> PageFlags { PageFlags(rawValue: memory.flags[page].load(ordering: .acquiring)) }

    @inlinable @inline(__always)
    public mutating func has(_ flag: PageFlags, _ page: Int) -> Bool { flags(page).contains(flag) }

    @inlinable @inline(__always)
    public mutating func lock(_ page: Int) {
      while testAndSet(.locked, page) {
        while has(.locked, page) { chost_pause() }
      }
    }

    @inlinable @inline(__always)
    public mutating func awaitStateChange(_ page: Int) {
      while has(.stateChange, page) { chost_pause() }
    }

    @inlinable @inline(__always)
    public mutating func volatileState(_ page: Int) -> StateOperation? {
      let flags = flags(page)
      guard flags.allowVolatile else { return nil }
      return flags.contains(.writable) ? .setPotentiallyVolatile : .setVolatile
    }

    // MARK: references

    @inlinable @inline(__always)
    public mutating func hasNoOtherUsers(_ page: Int, beside offset: Int) -> Bool {
      let counts = memory.counts[page].load(ordering: .acquiring)
      return counts &>> 32 &+ UInt64(offset) == counts & 0xffff_ffff
    }

    @inlinable @inline(__always)
    public mutating func get(_ page: Int) { memory.counts[page].wrappingAdd(1, ordering: .acquiringAndReleasing) }

    @inlinable @inline(__always)
    public mutating func getUnlessZero(_ page: Int) -> Bool {
      var counts = memory.counts[page].load(ordering: .relaxed)
      while counts & 0xffff_ffff != 0 {
        let (exchanged, original) = memory.counts[page].weakCompareExchange(
          expected: counts, desired: counts &+ 1, ordering: .acquiringAndReleasing)
        if exchanged { return true }
        counts = original
      }
      return false
    }

    @inlinable @inline(__always)
    public mutating func put(_ page: Int) -> Bool {
      let counts = memory.counts[page].wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
      assert(counts & 0xffff_ffff != 0xffff_ffff, "page \(page) was put once too often")
      return counts & 0xffff_ffff == 0
    }

    // MARK: what the host sees

    /// Changes the state byte by compare-and-exchange, retried if the host was faster.
    @inlinable @inline(__always)
    public mutating func perform(_ operation: StateOperation, _ page: Int) -> Bool {
      var old = memory.states[page].load(ordering: .relaxed)
      while true {
        let state = PageState(rawValue: old)
        let new: PageState
        do { new = try state.after(operation) } catch { preconditionFailure("page \(page): \(error)") }
        let (exchanged, original) = memory.states[page].weakCompareExchange(
          expected: old, desired: new.rawValue, ordering: .acquiringAndReleasing)
        if exchanged {
          tally.note(operation, changed: state != new)
          return operation != .stableIfNotDiscarded || !state.isDiscarded
        }
        old = original
      }
    }

    @inlinable
    public mutating func testAndClearDirty(_ page: Int) -> Bool {
      // Only the thread that made the page stable gets here.
      PageState(
        rawValue: memory.states[page].bitwiseAnd(~PageState.changeBit, ordering: .acquiringAndReleasing).oldValue
      )
      .isDirty
    }

    @inlinable @inline(__always)
    public mutating func access(_ page: Int, writes: Bool) -> Bool {
      var old = memory.states[page].load(ordering: .relaxed)
      while true {
        let state = PageState(rawValue: old)
        guard let new = state.accessed(writes: writes) else { return false }
        if new == state { return true }
        let (exchanged, original) = memory.states[page].weakCompareExchange(
          expected: old, desired: new.rawValue, ordering: .acquiringAndReleasing)
        if exchanged {
          if state.host == .preserved { tally.noteSwapIn() }
          return true
        }
        old = original
      }
    }

    /// In hardware, an access and its page table entry are one step, and removing an entry waits for every CPU; here
    /// the page table's lock ensures this.
    @inlinable
    public mutating func accessMapped(_ index: Int, writes: Bool) -> MappedAccess {
      memory.pageTable.lock()
      defer { memory.pageTable.unlock() }
      let page = Int(memory.table[index]) - 1
      guard page >= 0, !writes || has(.writable, page) else { return .notMapped }
      if access(page, writes: writes) { return .done }
      memory.faults[cpu &* 16].store(1, ordering: .sequentiallyConsistent)
      tally.noteFault()
      return .discardFault(page: page)
    }

    @inlinable
    public mutating func leaveFault() { memory.faults[cpu &* 16].store(0, ordering: .sequentiallyConsistent) }

    @inlinable
    public mutating func awaitNoFault(cpu: Int) {
      while memory.faults[cpu &* 16].load(ordering: .sequentiallyConsistent) != 0 { chost_pause() }
    }

    // MARK: page cache

    @inlinable @inline(__always)
    public mutating func find(_ index: Int) -> Int? {
      memory.tree.lock()
      let page = Int(memory.slots[index]) &- 1
      if page >= 0 { get(page) }
      memory.tree.unlock()
      return page >= 0 ? page : nil
    }

    @inlinable
    public mutating func insert(_ page: Int, at index: Int) -> Bool {
      memory.tree.lock()
      defer { memory.tree.unlock() }
      guard memory.slots[index] == 0 else { return false }
      memory.indices[page] = Int32(index)
      memory.flags[page].bitwiseOr(PageFlags([.locked, .mapping]).rawValue, ordering: .acquiringAndReleasing)
      get(page)
      memory.slots[index] = Int32(page) + 1
      return true
    }

    @inlinable
    public mutating func removeFromCache(_ page: Int) {
      memory.tree.lock()
      unlink(page)
      memory.tree.unlock()
    }

    @inlinable
    mutating func unlink(_ page: Int) {
      let index = Int(memory.indices[page])
      precondition(has(.mapping, page) && memory.slots[index] == Int32(page) + 1, "page \(page) isn't in the cache")
      memory.slots[index] = 0
      clear(.mapping, page)
    }

    @inlinable
    public mutating func removeIfUnused(_ page: Int) -> Bool {
      memory.tree.lock()
      defer { memory.tree.unlock() }
      guard has(.mapping, page), !has(.dirty, page) else { return false }
      // The cache's and the caller's, and no mapping: page_freeze_refs().
      guard memory.counts[page].compareExchange(expected: 2, desired: 0, ordering: .acquiringAndReleasing).exchanged
      else { return false }
      unlink(page)
      return true
    }

    @inlinable
    public mutating func map(_ page: Int, writable: Bool) -> Bool {
      memory.pageTable.lock()
      let index = Int(memory.indices[page])
      guard memory.table[index] == 0 else {
        if writable && memory.table[index] == Int32(page) + 1 { _ = testAndSet(.writable, page) }
        memory.pageTable.unlock()
        return false
      }
      memory.table[index] = Int32(page) + 1
      addMapping(page)
      if writable { _ = testAndSet(.writable, page) }
      return true
    }

    @inlinable
    public mutating func lockMapped(_ index: Int) -> Int? {
      memory.pageTable.lock()
      let page = Int(memory.table[index]) - 1
      if page >= 0 { return page }
      memory.pageTable.unlock()
      return nil
    }

    @inlinable
    public mutating func unlockTable() { memory.pageTable.unlock() }

    @inlinable
    public mutating func addMapping(_ page: Int) {
      memory.counts[page].wrappingAdd(1 &<< 32, ordering: .acquiringAndReleasing)
    }

    @inlinable
    public mutating func removeMapping(_ page: Int) -> Bool {
      // Under the page table's lock nobody else changes the number of mappings.
      if memory.counts[page].load(ordering: .relaxed) &>> 32 < 2 { return false }
      memory.counts[page].wrappingSubtract(1 &<< 32, ordering: .acquiringAndReleasing)
      return true
    }

    @inlinable
    public mutating func unmap(_ page: Int) {
      guard isMapped(page) else { return }
      memory.pageTable.lock()
      defer { memory.pageTable.unlock() }
      let index = Int(memory.indices[page])
      guard memory.table[index] == Int32(page) + 1 else { return }
      memory.table[index] = 0
      clear(.writable, page)
      let mappings = memory.counts[page].load(ordering: .relaxed) &>> 32
      // The caller has a reference, so that these aren't the last.
      memory.counts[page].wrappingSubtract(mappings &<< 32 &+ mappings, ordering: .acquiringAndReleasing)
    }

    @inlinable @inline(__always)
    public mutating func isMapped(_ page: Int) -> Bool { memory.counts[page].load(ordering: .acquiring) &>> 32 != 0 }

    // MARK: LRU

    @inlinable
    public mutating func addToLRU(_ page: Int) {
      memory.lru.lock()
      enlist(page, active: has(.active, page))
      memory.lru.unlock()
    }

    @inlinable
    mutating func enlist(_ page: Int, active: Bool) {
      assert(!has(.lru, page), "page \(page) is on a list already")
      let head = memory.head(active: active)
      let first = Int(memory.next[head])
      memory.next[page] = Int32(first)
      memory.previous[page] = Int32(head)
      memory.previous[first] = Int32(page)
      memory.next[head] = Int32(page)
      memory.setListed(active: active, memory.listed(active: active) &+ 1)
      _ = testAndSet(active ? [.lru, .active] : .lru, page)
    }

    @inlinable
    public mutating func removeFromLRU(_ page: Int) {
      guard has(.lru, page) else { return }
      memory.lru.lock()
      defer { memory.lru.unlock() }
      if has(.lru, page) { delist(page) }
    }

    @inlinable
    public mutating func activate(_ page: Int) {
      memory.lru.lock()
      let moves = has(.lru, page) && !has(.active, page)
      if moves { delist(page) }
      if moves { enlist(page, active: true) }
      memory.lru.unlock()
    }

    @inlinable
    mutating func delist(_ page: Int) {
      let active = has(.active, page)
      memory.next[Int(memory.previous[page])] = memory.next[page]
      memory.previous[Int(memory.next[page])] = memory.previous[page]
      memory.setListed(active: active, memory.listed(active: active) &- 1)
      clear(.lru, page)
    }

    @inlinable
    public mutating func isolate(active: Bool) -> Int? {
      memory.lru.lock()
      defer { memory.lru.unlock() }
      let head = memory.head(active: active)
      var page = Int(memory.previous[head])
      while page != head {
        // A page whose last reference is gone is about to leave the list.
        if getUnlessZero(page) {
          delist(page)
          return page
        }
        page = Int(memory.previous[page])
      }
      return nil
    }

    // MARK: allocator and disk

    @inlinable
    public mutating func allocate() -> Int? {
      memory.allocator.lock()
      defer { memory.allocator.unlock() }
      guard memory.freeCount > 0 else { return nil }
      memory.freeCount &-= 1
      let page = Int(memory.free[Int(memory.freeCount)])
      memory.flags[page].store(0, ordering: .relaxed)
      memory.counts[page].store(1, ordering: .releasing)
      return page
    }

    @inlinable
    public mutating func release(_ page: Int) {
      memory.allocator.lock()
      defer { memory.allocator.unlock() }
      memory.free[Int(memory.freeCount)] = Int32(page)
      memory.freeCount &+= 1
    }

    @inlinable
    public mutating func deferRelease(_ page: Int) {
      memory.next[page] = memory.deferred[cpu &* 16]
      memory.deferred[cpu &* 16] = Int32(page) + 1
    }

    @inlinable
    public mutating func nextDeferred() -> Int? {
      let page = Int(memory.deferred[cpu &* 16]) - 1
      guard page >= 0 else { return nil }
      memory.deferred[cpu &* 16] = memory.next[page]
      return page
    }

    /// A device writes the page: it is resident afterwards, without being dirtied by a CPU.
    @inlinable
    public mutating func readFromDisk(_ page: Int) { _ = access(page, writes: false) }

    /// A device reads the page.
    @inlinable
    public mutating func writeToDisk(_ page: Int) { _ = access(page, writes: false) }
  }
}
