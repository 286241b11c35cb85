import GuestMemory
import Synchronization

/// A balloon: its page list, its mutex and its message arrays. All threads share it, each through its own
/// ``BalloonDriver``.
///
/// Lock order: a page's lock, then the list's (`pages_lock`); a holder of the list lock may only try page locks, and
/// in mainline has nothing to do with them. The mutex (`balloon_lock`) comes before the locks of pages on the list; a migration already holds page locks, so it only
/// tries the mutex.
public final class Balloon: @unchecked Sendable {
  // Right to send: `handle` is addresses and constants; the memory there is guarded by its locks.
  public let handle: Handle
  private let words: SharedWords
  private let arrays: UnsafeMutablePointer<UInt32>
  /// Each zone's managed pages with the balloon empty.
  private let managedPages: [UInt64]

  /// Creates an empty balloon for a guest. The guest must outlive it.
  ///
  /// - Parameter isMovable: whether pages are allocated movable and may be isolated (CONFIG_BALLOON_COMPACTION);
  ///   otherwise they come from unmovable pageblocks and never move. Requires single pages.
  /// - Throws: ``GuestError`` if the host refuses the address space.
  public init(
    _ guest: Guest, _ kind: BalloonKind = .order0, listing: BalloonListing = .page, isMovable: Bool = true,
    isolation: IsolationRule = .merged
  ) throws(GuestError) {
    precondition(kind == .order0 || !isMovable, "blocks aren't moved")
    precondition(isolation == .merged || guest.core.kernel == .linux61, "the series of 2012 is for 6.1's rules")
    words = try SharedWords(count: 16)
    managedPages = guest.core.zones.map(\.managedPages)
    arrays = .allocate(capacity: guest.core.cpuCount * 2 * PFNArray.capacity)
    arrays.initialize(repeating: 0, count: guest.core.cpuCount * 2 * PFNArray.capacity)
    handle = Handle(
      core: guest.core, pages: OwnedPages(guest.core), words: words.view, arrays: arrays, order: kind.order,
      listing: listing, isMovable: isMovable, isolation: isolation)
  }

  deinit {
    handle.pages.deallocate()
    arrays.deallocate()
  }

  /// Empties the balloon after the guest was restored. No thread may be using it.
  public func reset() {
    handle.pages.reset()
    words.view.clear()
    for (zone, pages) in zip(handle.core.zones, managedPages) {
      zone.adjustManagedPages(by: Int(pages) - Int(zone.managedPages))
    }
  }

  /// The number of entries in the balloon, isolated ones included (`num_pages`).
  public var count: Int { Int(handle.words[1]) }

  /// A trivial handle for the threads that work on the balloon. Valid as long as the balloon.
  public struct Handle: @unchecked Sendable {
    // Right to send: see Balloon.
    public let core: GuestCore
    public let pages: OwnedPages
    /// 0: the mutex; 1: num_pages, under it; 8, on a line of its own: totalram_pages, less what it was at the start.
    @usableFromInline let words: SharedWords.View
    @usableFromInline let arrays: UnsafeMutablePointer<UInt32>
    public let order: Int
    public let listing: BalloonListing
    public let isMovable: Bool
    public let isolation: IsolationRule

    @usableFromInline
    init(
      core: GuestCore, pages: OwnedPages, words: SharedWords.View, arrays: UnsafeMutablePointer<UInt32>, order: Int,
      listing: BalloonListing, isMovable: Bool, isolation: IsolationRule
    ) {
      self.core = core
      self.pages = pages
      self.words = words
      self.arrays = arrays
      self.order = order
      self.listing = listing
      self.isMovable = isMovable
      self.isolation = isolation
    }

    /// balloon_mapping_gfp_mask() | __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN: GFP_HIGHUSER_MOVABLE, or
    /// GFP_HIGHUSER if pages can't be moved.
    @inlinable
    public var gfp: GFP { isMovable ? [.movable, .highMem, .noMemAlloc] : [.highMem, .noMemAlloc] }

    /// mutex_trylock()
    @inlinable @inline(__always)
    func tryMutex() -> Bool { words.compareExchange(0, expected: 0, desired: 1) }

    @inlinable @inline(__always)
    func releaseMutex() { _ = words.exchange(0, 0) }

    /// Adds to num_pages. The caller holds the mutex.
    @inlinable @inline(__always)
    func addCount(_ entries: Int) { words[1] &+= UInt64(bitPattern: Int64(entries)) }

    /// adjust_managed_page_count() for an entry that comes into the balloon or leaves it: two atomic additions. As
    /// virtio-balloon does unless the host asked for VIRTIO_BALLOON_F_DEFLATE_ON_OOM, which QEMU by default doesn't.
    @inlinable @inline(__always)
    func adjustManaged(_ page: Page, isComing: Bool) {
      let pages = isComing ? -(1 &<< order) : 1 &<< order
      core.zone(page.ownersZoneIndex).adjustManagedPages(by: pages)
      words.add(8, pages)
    }

    /// One of a modelled CPU's two arrays: 0 for its batch, 1 for the message a migration sends.
    @inlinable @inline(__always)
    func array(cpu: Int, _ which: Int) -> PFNArray {
      PFNArray(arrays + (cpu &* 2 &+ which) &* PFNArray.capacity)
    }

    /// num_pages. The caller holds the mutex.
    @inlinable @inline(__always)
    var entries: Int { Int(truncatingIfNeeded: words[1]) }

    /// Whether any thread holds the mutex.
    var isMutexTaken: Bool { words[0] != 0 }
  }
}

/// `vb->pfns`: the PFNs of one message to the host, 32 bits each, little-endian. A handle on memory of the balloon.
public struct PFNArray: @unchecked Sendable {
  // Right to send: an address; only one thread at a time uses it, see Balloon.
  @usableFromInline let base: UnsafeMutablePointer<UInt32>

  @inlinable @inline(__always)
  init(_ base: UnsafeMutablePointer<UInt32>) { self.base = base }

  /// VIRTIO_BALLOON_ARRAY_PFNS_MAX: the most PFNs in one message.
  @inlinable public static var capacity: Int { 256 }

  /// The PFN of an entry. PFNs of 2^32 and up (16 TiB) don't fit and can't be reported (virtio 1.2, 5.5.6).
  @inlinable @inline(__always)
  public subscript(index: Int) -> UInt64 {
    get {
      assert(index >= 0 && index < PFNArray.capacity)
      return UInt64(UInt32(littleEndian: base[index]))
    }
    nonmutating set {
      assert(index >= 0 && index < PFNArray.capacity)
      base[index] = UInt32(newValue).littleEndian
    }
  }

  /// The array's address, for a descriptor.
  @inlinable public var address: UInt64 { UInt64(UInt(bitPattern: base)) }
}
