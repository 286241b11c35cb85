import CHost
import GuestMemory
import Synchronization

/// ``DiscardSteps`` in memory: a doubly linked list with preallocated links, since nothing can be allocated when a page
/// turns out to be discarded.
public final class DiscardList: @unchecked Sendable {
  // Right to send: the list is only touched under its lock, the sequence is atomic, the memory lives as long as this.
  private let base: UnsafeMutableRawPointer
  private let bytes: Int

  /// A list_head for each page that could be discarded. Bytes.
  public static let bytesPerPage = 16.0
  /// PG_discarded: one bit per page. Bytes.
  public static let bytesPerPageOfBit = 0.125

  /// - Throws: ``GuestError/cannotReserve(bytes:)``
  public init(pages: Int) throws(GuestError) {
    bytes = (pages + 1) * 16 + 128
    guard let base = chost_reserve(bytes, 4096) else { throw .cannotReserve(bytes: UInt64(bytes)) }
    self.base = base
    handle = Handle(
      count: base.assumingMemoryBound(to: Atomic<UInt64>.self),
      lock: WordLock((base + 64).assumingMemoryBound(to: Atomic<UInt32>.self)),
      links: (base + 128).assumingMemoryBound(to: Int64.self), head: pages)
    handle.links[2 * pages] = Int64(pages)
    handle.links[2 * pages + 1] = Int64(pages)
  }

  deinit { _ = chost_release(base, bytes) }

  /// The list. Valid as long as this object.
  public let handle: Handle

  /// A trivial handle.
  public struct Handle: DiscardSteps, @unchecked Sendable {
    // Right to send: see above.
    public typealias Interruption = Never

    @usableFromInline let count: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline let lock: WordLock
    /// Next and previous of each page, then the head's.
    @usableFromInline let links: UnsafeMutablePointer<Int64>
    @usableFromInline let head: Int

    @usableFromInline
    init(count: UnsafeMutablePointer<Atomic<UInt64>>, lock: WordLock, links: UnsafeMutablePointer<Int64>, head: Int) {
      self.count = count
      self.lock = lock
      self.links = links
      self.head = head
    }

    @inlinable @inline(__always)
    public mutating func sequence() -> UInt64 { count.pointee.load(ordering: .acquiring) }

    @inlinable
    public mutating func bump() { count.pointee.wrappingAdd(1, ordering: .acquiringAndReleasing) }

    @inlinable
    public mutating func insert(_ page: Int) {
      let first = Int(links[2 &* head])
      links[2 &* page] = Int64(first)
      links[2 &* page &+ 1] = Int64(head)
      links[2 &* first &+ 1] = Int64(page)
      links[2 &* head] = Int64(page)
    }

    @inlinable
    public mutating func remove(_ page: Int) {
      let (next, previous) = (links[2 &* page], links[2 &* page &+ 1])
      links[2 &* Int(previous)] = next
      links[2 &* Int(next) &+ 1] = previous
    }

    @inlinable
    public mutating func isEmpty() -> Bool { links[2 &* head] == Int64(head) }

    @inlinable
    public mutating func contains(_ page: Int) -> Bool {
      var next = Int(links[2 &* head])
      while next != head {
        if next == page { return true }
        next = Int(links[2 &* next])
      }
      return false
    }

    @inlinable @inline(__always)
    public mutating func lockList() { lock.lock() }

    @inlinable @inline(__always)
    public mutating func unlockList() { lock.unlock() }
  }
}
