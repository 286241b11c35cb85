import CHost
import GuestMemory
import Synchronization

/// The pages of a guest, a file they cache, and a process that maps the file: the memory that ``PageStore``'s steps
/// work on.
///
/// Each page has a byte that both sides see, a word of flags and one of counts, and links for one list. Pages share
/// cache lines, and their content isn't modelled. Reading the file costs nothing.
public final class PageFrames: @unchecked Sendable {
  // Right to send: anything that isn't atomic is only touched under its lock, and the memory lives as long as this.
  private let base: UnsafeMutableRawPointer
  private let bytes: Int
  @usableFromInline let memory: Memory

  /// The number of the guest's pages.
  public let pages: Int
  /// The number of the file's pages.
  public let filePages: Int

  /// Creates free pages, in the state that the mode gives to free pages.
  ///
  /// - Parameters:
  ///   - pages: 1 to 2^24.
  ///   - filePages: 1 to 2^30.
  ///   - cpus: CPUs with stores of their own, 1 to 64.
  /// - Throws: ``GuestError/cannotReserve(bytes:)``
  public init(pages: Int, filePages: Int, cpus: Int = 1, mode: HintingMode) throws(GuestError) {
    precondition((1...1 << 24).contains(pages) && (1...1 << 30).contains(filePages) && (1...64).contains(cpus))
    self.pages = pages
    self.filePages = filePages
    var plan = Plan()
    let counts = plan.take(pages, 8)
    let flags = plan.take(pages, 4)
    let states = plan.take(pages, 1)
    let indices = plan.take(pages, 4)
    // Two list heads behind the pages: inactive, active.
    let next = plan.take(pages + 2, 4)
    let previous = plan.take(pages + 2, 4)
    let free = plan.take(pages, 4)
    let slots = plan.take(filePages, 4)
    let table = plan.take(filePages, 4)
    let deferred = plan.take(cpus, 64)
    let faults = plan.take(cpus, 64)
    let locks = plan.take(8, 64)
    bytes = plan.bytes
    guard let base = chost_reserve(bytes, 4096) else { throw .cannotReserve(bytes: UInt64(bytes)) }
    self.base = base
    // Memory that was never written is zero: so are all counts, flags and locks.
    memory = Memory(
      pages: pages, cpus: cpus,
      counts: (base + counts).assumingMemoryBound(to: Atomic<UInt64>.self),
      flags: (base + flags).assumingMemoryBound(to: Atomic<UInt32>.self),
      states: (base + states).assumingMemoryBound(to: Atomic<UInt8>.self),
      indices: (base + indices).assumingMemoryBound(to: Int32.self),
      next: (base + next).assumingMemoryBound(to: Int32.self),
      previous: (base + previous).assumingMemoryBound(to: Int32.self),
      free: (base + free).assumingMemoryBound(to: Int32.self),
      slots: (base + slots).assumingMemoryBound(to: Int32.self),
      table: (base + table).assumingMemoryBound(to: Int32.self),
      deferred: (base + deferred).assumingMemoryBound(to: Int32.self),
      faults: (base + faults).assumingMemoryBound(to: Atomic<UInt32>.self),
      locks: (base + locks).assumingMemoryBound(to: Atomic<UInt32>.self))
    memory.reset(mode, filePages: filePages)
  }

  deinit { _ = chost_release(base, bytes) }

  /// Returns a CPU's store. Valid as long as this object, which the caller must keep alive.
  ///
  /// - Parameter tally: counts the store's operations, continuing from its current values.
  public func store<Tally: StateTally>(_ mode: HintingMode, cpu: Int = 0, tally: Tally = NoTally()) -> Store<Tally> {
    Store(memory: memory, mode: mode, cpu: cpu, tally: tally)
  }

  /// Restores the initial state. No thread may be using it.
  public func reset(_ mode: HintingMode) { memory.reset(mode, filePages: filePages) }

  /// The page's current state.
  public func state(_ page: Int) -> PageState { PageState(rawValue: memory.states[page].load(ordering: .relaxed)) }

  /// Pages on the free list, thus on no LRU list and no CPU's list of discarded pages.
  public var freePages: Int { Int(memory.freeCount) }

  /// The number of pages on an LRU list.
  public func listed(active: Bool) -> Int { Int(memory.listed(active: active)) }

  /// The layout of the arrays.
  private struct Plan {
    var bytes = 0
    mutating func take(_ count: Int, _ size: Int) -> Int {
      defer { bytes = (bytes + count * size + 63) / 64 * 64 }
      return bytes
    }
  }

  /// The arrays.
  @usableFromInline struct Memory: @unchecked Sendable {
    // Right to send: see above.
    @usableFromInline let pages: Int
    @usableFromInline let cpus: Int
    /// References in bits 31..0, mappings above.
    @usableFromInline let counts: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline let flags: UnsafeMutablePointer<Atomic<UInt32>>
    @usableFromInline let states: UnsafeMutablePointer<Atomic<UInt8>>
    /// page->index
    @usableFromInline let indices: UnsafeMutablePointer<Int32>
    /// Links of the LRU lists, the free list and the lists of discarded pages; a page is on at most one.
    @usableFromInline let next: UnsafeMutablePointer<Int32>
    @usableFromInline let previous: UnsafeMutablePointer<Int32>
    /// A stack of free pages.
    @usableFromInline let free: UnsafeMutablePointer<Int32>
    /// By file page: the page that caches it plus one, or 0.
    @usableFromInline let slots: UnsafeMutablePointer<Int32>
    /// By file page: the page mapped there plus one, or 0.
    @usableFromInline let table: UnsafeMutablePointer<Int32>
    /// By CPU, one cache line each: the first deferred discarded page plus one, or 0.
    @usableFromInline let deferred: UnsafeMutablePointer<Int32>
    /// By CPU, one cache line each: whether it is in a discard fault's handler.
    @usableFromInline let faults: UnsafeMutablePointer<Atomic<UInt32>>
    /// One cache line each: the locks of tree, LRU, page table and allocator; then the numbers of free pages, and of
    /// pages on the two LRU lists.
    @usableFromInline let locks: UnsafeMutablePointer<Atomic<UInt32>>

    @inlinable var tree: WordLock { WordLock(locks) }
    @inlinable var lru: WordLock { WordLock(locks + 16) }
    @inlinable var pageTable: WordLock { WordLock(locks + 32) }
    @inlinable var allocator: WordLock { WordLock(locks + 48) }

    /// Under the allocator's lock.
    @inlinable var freeCount: UInt32 {
      get { locks[64].load(ordering: .relaxed) }
      nonmutating set { locks[64].store(newValue, ordering: .relaxed) }
    }

    /// The number of pages on an LRU list, under its lock.
    @inlinable
    func listed(active: Bool) -> UInt32 { locks[active ? 96 : 80].load(ordering: .relaxed) }

    @inlinable @inline(__always)
    func setListed(active: Bool, _ count: UInt32) { locks[active ? 96 : 80].store(count, ordering: .relaxed) }

    @inlinable @inline(__always)
    func head(active: Bool) -> Int { active ? pages &+ 1 : pages }

    func reset(_ mode: HintingMode, filePages: Int) {
      for index in 0..<filePages {
        slots[index] = 0
        table[index] = 0
      }
      let state = mode.marksFree ? PageState(.unused, .zero) : .fresh
      for page in 0..<pages {
        counts[page].store(0, ordering: .relaxed)
        flags[page].store(0, ordering: .relaxed)
        states[page].store(state.rawValue, ordering: .relaxed)
        indices[page] = -1
        // The lowest page is taken first.
        free[pages - 1 - page] = Int32(page)
      }
      for active in [false, true] {
        let head = head(active: active)
        next[head] = Int32(head)
        previous[head] = Int32(head)
        setListed(active: active, 0)
      }
      freeCount = UInt32(pages)
      for cpu in 0..<cpus {
        deferred[cpu * 16] = 0
        faults[cpu * 16].store(0, ordering: .relaxed)
      }
    }
  }
}

/// A test-and-set lock in a word of its own, for a page table, list or tree.
@usableFromInline struct WordLock {
  @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

  @inlinable @inline(__always)
  init(_ word: UnsafeMutablePointer<Atomic<UInt32>>) { self.word = word }

  @inlinable @inline(__always)
  func lock() {
    while word.pointee.exchange(1, ordering: .acquiring) != 0 {
      while word.pointee.load(ordering: .relaxed) != 0 { chost_pause() }
    }
  }

  @inlinable @inline(__always)
  func unlock() { word.pointee.store(0, ordering: .releasing) }
}
