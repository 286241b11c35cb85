import Delivery
import GuestMemory

/// The blocks that a driver holds for the host: a stack, with its own lock, since memory reclaim takes from it while a
/// session goes on.
///
/// The driver's free_page_list and free_page_list_lock (drivers/virtio/virtio_balloon.c, 6.1). A trivial handle; the
/// memory given to it must outlive it.
public struct HeldBlocks: Sendable {
  private let words: SharedWords.View
  private let list: HintBuffer

  /// The words that it needs: the lock and the count.
  static let wordCount = 2
  private static let lock = 0
  private static let countWord = 1

  /// - Parameters:
  ///   - words: ``wordCount`` of them, zero.
  ///   - list: a word for each block that can be held.
  init(_ words: SharedWords.View, _ list: HintBuffer) {
    self.words = words
    self.list = list
  }

  /// The number of blocks held. May be read at any time.
  @inline(__always)
  public var count: Int { Int(truncatingIfNeeded: words[Self.countWord]) }

  /// balloon_page_push(). The caller holds no more blocks than the list has room for.
  @inline(__always)
  func push(_ pfn: UInt64) {
    acquire()
    let count = count
    list.store(pfn, at: count)
    words[Self.countWord] = UInt64(truncatingIfNeeded: count &+ 1)
    release()
  }

  /// balloon_page_pop(): the block that was pushed last; nil if none is held.
  @inline(__always)
  func pop() -> UInt64? {
    acquire()
    defer { release() }
    let count = count
    if count == 0 { return nil }
    words[Self.countWord] = UInt64(truncatingIfNeeded: count &- 1)
    return list[count &- 1]
  }

  @inline(__always)
  private func acquire() {
    while !words.compareExchange(Self.lock, expected: 0, desired: 1) {}
  }

  @inline(__always)
  private func release() { words.storeReleasing(Self.lock, 0) }
}
