import CHost
import GuestMemory

/// Every hint of one session, in order. A hint takes 8 bytes of reserved, uncommitted memory, so that writing one
/// allocates nothing.
public final class HintLog: @unchecked Sendable {
  // Right to send: written by the strategy's thread during a session, read after it.
  private let words: UnsafeMutablePointer<UInt64>
  private let capacity: Int
  private let count: UnsafeMutablePointer<Int>

  /// Reserves the log. `capacity`: the most hints kept; further ones are only counted.
  ///
  /// - Throws: ``GuestError/cannotReserve(bytes:)``
  public init(capacity: Int = 1 << 30) throws(GuestError) {
    guard let base = chost_reserve(capacity * 8, 4096) else { throw .cannotReserve(bytes: UInt64(capacity) * 8) }
    words = base.bindMemory(to: UInt64.self, capacity: capacity)
    self.capacity = capacity
    count = .allocate(capacity: 1)
    count.pointee = 0
  }

  deinit {
    _ = chost_release(words, capacity * 8)
    count.deallocate()
  }

  /// Removes all hints. Keeps up to 1 GiB of memory for the next session.
  public func reset() { count.pointee = 0 }

  /// The number of hints kept.
  public var kept: Int { min(count.pointee, capacity) }

  /// The bytes that a part of the hints names, each once.
  ///
  /// - Parameter range: indices below ``kept``.
  /// - Complexity: O(n log n) in the part's length.
  public func distinctBytes(_ range: Range<Int>) -> UInt64 {
    var pages: UInt64 = 0
    var end: UInt64 = 0
    for block in range.map({ Hint(rawValue: words[$0]).block }).sorted() where block.end > end {
      pages += block.end - max(end, block.pfn)
      end = block.end
    }
    return pages << 12
  }

  /// The hints. Each says whether the strategy held the block or only named it.
  public var hints: [Hint] { (0..<kept).map { Hint(rawValue: words[$0]) } }

  /// A hint: a block, and whether the strategy held it off the lists.
  public struct Hint: Sendable, Hashable {
    let rawValue: UInt64
    /// The block. Bit 7 of the order's byte is the held flag.
    public var block: Block { Block(rawValue: rawValue & ~0x80) }
    public var isHeld: Bool { rawValue & 0x80 != 0 }
  }

  /// A trivial writer for sinks: using it counts no references. Valid as long as the log.
  public struct Writer {
    let words: UnsafeMutablePointer<UInt64>
    let count: UnsafeMutablePointer<Int>
    let capacity: Int

    /// Appends a hint. Past the log's capacity it is only counted.
    @inline(__always)
    public func append(_ block: Block, held: Bool) {
      let n = count.pointee
      if n < capacity { words[n] = block.rawValue | (held ? 0x80 : 0) }
      count.pointee = n &+ 1
    }
  }

  /// A writer. Valid as long as the log; one thread may use it at a time.
  public var writer: Writer { Writer(words: words, count: count, capacity: capacity) }
}
