import GuestMemory
import Synchronization

/// One balloon: its pages, its mutex, and what it takes. Shared by all threads that work on it, through a
/// ``BalloonDriver`` each.
///
/// Lock order: a page's lock, then the list's (`pages_lock`). Who has the list locked only tries pages' locks. The
/// mutex (`balloon_lock`) comes before the locks of pages on the list; a migration, which has page locks already, only
/// tries it.
public final class Balloon: @unchecked Sendable {
  // Right to send: `handle` is addresses and constants; what is behind them is guarded by the locks in it.
  public let handle: Handle
  private let words: SharedWords
  private let arrays: UnsafeMutablePointer<UInt32>

  /// An empty balloon of a guest, which has to outlive it.
  ///
  /// - Parameter isMovable: whether its pages are allocated movable and may be isolated (CONFIG_BALLOON_COMPACTION);
  ///   otherwise they come from unmovable pageblocks and stay where they are. Only single pages can be movable.
  /// - Throws: ``GuestError`` if there is no address space.
  public init(
    _ guest: Guest, _ kind: BalloonKind = .order0, listing: BalloonListing = .page, isMovable: Bool = true,
    rules: BalloonRules = .linux61
  ) throws(GuestError) {
    precondition(kind == .order0 || !isMovable, "blocks aren't moved")
    words = try SharedWords(count: 8)
    arrays = .allocate(capacity: guest.core.cpuCount * 2 * PFNArray.capacity)
    arrays.initialize(repeating: 0, count: guest.core.cpuCount * 2 * PFNArray.capacity)
    handle = Handle(
      core: guest.core, pages: OwnedPages(guest.core), words: words.view, arrays: arrays, order: kind.order,
      listing: listing, isMovable: isMovable, rules: rules)
  }

  deinit {
    handle.pages.deallocate()
    arrays.deallocate()
  }

  /// Empty, after the guest was restored. Nobody may be using it.
  public func reset() {
    handle.pages.reset()
    words.view.clear()
  }

  /// Entries the balloon has, isolated ones included (`num_pages`).
  public var count: Int { Int(handle.words[1]) }

  /// What the threads work with. Trivial; valid as long as the balloon.
  public struct Handle: @unchecked Sendable {
    // Right to send: see Balloon.
    public let core: GuestCore
    public let pages: OwnedPages
    /// 0: the mutex; 1: num_pages, under it.
    @usableFromInline let words: SharedWords.View
    @usableFromInline let arrays: UnsafeMutablePointer<UInt32>
    public let order: Int
    public let listing: BalloonListing
    public let isMovable: Bool
    public let rules: BalloonRules

    @usableFromInline
    init(
      core: GuestCore, pages: OwnedPages, words: SharedWords.View, arrays: UnsafeMutablePointer<UInt32>, order: Int,
      listing: BalloonListing, isMovable: Bool, rules: BalloonRules
    ) {
      self.core = core
      self.pages = pages
      self.words = words
      self.arrays = arrays
      self.order = order
      self.listing = listing
      self.isMovable = isMovable
      self.rules = rules
    }

    /// balloon_mapping_gfp_mask() | __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN: GFP_HIGHUSER_MOVABLE, or
    /// GFP_HIGHUSER where pages can't be moved.
    @inlinable
    public var gfp: GFP { isMovable ? [.movable, .highMem, .noMemAlloc] : [.highMem, .noMemAlloc] }

    /// mutex_trylock()
    @inlinable @inline(__always)
    func tryMutex() -> Bool { words.compareExchange(0, expected: 0, desired: 1) }

    @inlinable @inline(__always)
    func releaseMutex() { _ = words.exchange(0, 0) }

    /// Under the mutex.
    @inlinable @inline(__always)
    func addCount(_ entries: Int) { words[1] &+= UInt64(bitPattern: Int64(entries)) }

    /// Of a modelled CPU: its batch, and behind it what a migration tells.
    @inlinable @inline(__always)
    func array(cpu: Int, _ which: Int) -> PFNArray {
      PFNArray(arrays + (cpu &* 2 &+ which) &* PFNArray.capacity)
    }

    /// num_pages, under the mutex.
    @inlinable @inline(__always)
    var entries: Int { Int(truncatingIfNeeded: words[1]) }

    /// Whether somebody has the mutex.
    var isMutexTaken: Bool { words[0] != 0 }
  }
}
