import CHost
import Synchronization

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
