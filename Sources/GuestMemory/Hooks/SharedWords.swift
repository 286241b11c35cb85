import CHost
import Synchronization

/// Words that hooks on every CPU share with a strategy's worker: states, counters, bitmaps, list positions.
public final class SharedWords: @unchecked Sendable {
  // Right to send: the words are atomic, and the memory lives as long as this does.
  private let base: UnsafeMutableRawPointer
  private let bytes: Int

  /// Creates `count` zeroed words on their own cache lines. Memory is committed as words are first written.
  ///
  /// - Throws: ``GuestError/cannotReserve(bytes:)``
  public init(count: Int) throws(GuestError) {
    bytes = (max(count, 1) * 8 + 4095) / 4096 * 4096
    guard let base = chost_reserve(bytes, 4096) else { throw .cannotReserve(bytes: UInt64(bytes)) }
    self.base = base
    view = View(words: base.bindMemory(to: Atomic<UInt64>.self, capacity: count), count: count)
  }

  deinit { _ = chost_release(base, bytes) }

  /// The words. Valid as long as this object, which the caller must keep alive.
  public let view: View

  /// A trivial handle on the words, used without reference counting.
  public struct View: @unchecked Sendable {
    // Right to send: every access is atomic.
    @usableFromInline let words: UnsafeMutablePointer<Atomic<UInt64>>
    public let count: Int

    @usableFromInline
    init(words: UnsafeMutablePointer<Atomic<UInt64>>, count: Int) {
      self.words = words
      self.count = count
    }

    /// Word `index`, read without ordering: for data that the zone's lock guards, and for hints.
    @inlinable @inline(__always)
    public subscript(index: Int) -> UInt64 {
      get {
        assert(index >= 0 && index < count)
        return words[index].load(ordering: .relaxed)
      }
      nonmutating set {
        assert(index >= 0 && index < count)
        words[index].store(newValue, ordering: .relaxed)
      }
    }

    /// READ_ONCE with the ordering of smp_load_acquire().
    @inlinable @inline(__always)
    public func loadAcquiring(_ index: Int) -> UInt64 { words[index].load(ordering: .acquiring) }

    /// smp_store_release()
    @inlinable @inline(__always)
    public func storeReleasing(_ index: Int, _ value: UInt64) { words[index].store(value, ordering: .releasing) }

    /// xchg(): returns the old value.
    @inlinable @inline(__always)
    public func exchange(_ index: Int, _ value: UInt64) -> UInt64 {
      words[index].exchange(value, ordering: .sequentiallyConsistent)
    }

    /// cmpxchg(): returns true if the word was `expected` and is now `desired`.
    @inlinable @inline(__always)
    public func compareExchange(_ index: Int, expected: UInt64, desired: UInt64) -> Bool {
      words[index].compareExchange(expected: expected, desired: desired, ordering: .sequentiallyConsistent).exchanged
    }

    /// atomic_add_return()
    @inlinable @inline(__always)
    @discardableResult
    public func add(_ index: Int, _ value: Int) -> UInt64 {
      words[index].wrappingAdd(UInt64(bitPattern: Int64(value)), ordering: .sequentiallyConsistent).newValue
    }

    /// test_and_set_bit(): returns whether the bit was set. Bit 0 is the lowest of word `first`.
    @inlinable @inline(__always)
    public func testAndSet(bit: UInt64, first: Int = 0) -> Bool {
      let mask: UInt64 = 1 &<< (bit & 63)
      let word = first &+ Int(truncatingIfNeeded: bit &>> 6)
      assert(word < count)
      return words[word].bitwiseOr(mask, ordering: .sequentiallyConsistent).oldValue & mask != 0
    }

    /// test_and_clear_bit(): returns whether the bit was set.
    @inlinable @inline(__always)
    public func testAndClear(bit: UInt64, first: Int = 0) -> Bool {
      let mask: UInt64 = 1 &<< (bit & 63)
      let word = first &+ Int(truncatingIfNeeded: bit &>> 6)
      assert(word < count)
      return words[word].bitwiseAnd(~mask, ordering: .sequentiallyConsistent).oldValue & mask != 0
    }

    /// test_bit()
    @inlinable @inline(__always)
    public func test(bit: UInt64, first: Int = 0) -> Bool {
      let word = first &+ Int(truncatingIfNeeded: bit &>> 6)
      assert(word < count)
      return words[word].load(ordering: .relaxed) &>> (bit & 63) & 1 != 0
    }

    /// Zeroes all words, without atomics. Only between sessions.
    public func clear() { for index in 0..<count where self[index] != 0 { self[index] = 0 } }
  }
}
