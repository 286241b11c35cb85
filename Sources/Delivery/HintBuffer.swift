import CHost
import GuestMemory

/// A handle on a buffer that a strategy writes hints into: 64-bit words of host memory that stand for guest pages.
///
/// Modelled guests have no contents. A strategy whose buffer is guest memory (the multiple buffers, the plucked block)
/// therefore takes its block from the guest's allocator and its words from here.
public struct HintBuffer: Sendable {
  // An address inside the arena, written by one strategy at a time.
  @usableFromInline nonisolated(unsafe) let words: UnsafeMutablePointer<UInt64>
  /// The number of words in the buffer.
  public let capacity: Int

  @inlinable @inline(__always)
  init(words: UnsafeMutablePointer<UInt64>, capacity: Int) {
    self.words = words
    self.capacity = capacity
  }

  /// Stores `word` at `index`. The caller has checked that `index` is below ``capacity``.
  @inlinable @inline(__always)
  public func store(_ word: UInt64, at index: Int) {
    assert(index >= 0 && index < capacity)
    words[index] = word.littleEndian
  }

  @inlinable @inline(__always)
  public subscript(index: Int) -> UInt64 {
    assert(index >= 0 && index < capacity)
    return UInt64(littleEndian: words[index])
  }

  /// Returns the first `count` words of the buffer.
  public func prefix(words count: Int) -> HintBuffer {
    HintBuffer(words: words, capacity: Swift.min(count, capacity))
  }

  /// Calls `body` with each block in the first `count` words.
  @inlinable @inline(__always)
  public func forEachBlock(words count: Int, _ format: HintFormat, _ body: (Block) -> Void) {
    switch format {
    case .baseAndSize:
      var index = 0
      while index &+ 1 < count {
        let pages = self[index &+ 1] &>> 12
        body(Block(pfn: self[index] &>> 12, order: pages.trailingZeroBitCount))
        index &+= 2
      }
    case .address(let order):
      for index in 0..<count { body(Block(pfn: self[index] &>> 12, order: order)) }
    case .runs(let order):
      var index = 0
      while index &+ 1 < count {
        var pfn = self[index] &>> 12
        let end = pfn &+ self[index &+ 1] &>> 12
        while pfn < end {
          body(Block(pfn: pfn, order: order))
          pfn &+= 1 &<< UInt64(truncatingIfNeeded: order)
        }
        index &+= 2
      }
    case .bitmap(let order, let firstPFN):
      for index in 0..<count {
        var left = self[index]
        while left != 0 {
          let bit = UInt64(truncatingIfNeeded: index &* 64 &+ left.trailingZeroBitCount)
          body(Block(pfn: firstPFN &+ bit &<< UInt64(truncatingIfNeeded: order), order: order))
          left &= left &- 1
        }
      }
    }
  }
}

/// Host memory for buffers, handed out once and freed as a whole. Its pages are touched when it is created, so that
/// sessions take no page faults.
public final class HintArena: @unchecked Sendable {
  // Right to send: `next` is moved only while a strategy prepares, on one thread.
  private let base: UnsafeMutableRawPointer
  private let bytes: Int
  private var next = 0

  /// - Throws: ``GuestError/cannotReserve(bytes:)``
  public init(bytes: Int) throws(GuestError) {
    let size = (max(bytes, 4096) + 4095) / 4096 * 4096
    guard let base = chost_reserve(size, 4096) else { throw .cannotReserve(bytes: UInt64(size)) }
    self.base = base
    self.bytes = size
    for page in stride(from: 0, to: size, by: 4096) { base.storeBytes(of: 0, toByteOffset: page, as: UInt64.self) }
  }

  deinit { _ = chost_release(base, bytes) }

  /// Hands out the next `bytes`, a multiple of 8.
  public func buffer(bytes wanted: Int) -> HintBuffer {
    precondition(wanted % 8 == 0 && next + wanted <= bytes, "an arena of \(bytes) bytes has no \(wanted) left")
    defer { next += (wanted + 4095) / 4096 * 4096 }
    return HintBuffer(
      words: (base + next).bindMemory(to: UInt64.self, capacity: wanted / 8), capacity: wanted / 8)
  }
}

/// The layout of hints in a strategy's buffer. Words are little-endian u64, as in the virtio specification.
public enum HintFormat: Sendable, Equatable {
  /// v8 (2017): two words a block, base and size in pages, each shifted left by 12 (numerically byte address and byte
  /// length).
  case baseAndSize
  /// v33 (2018) and later: one word a block, its byte address; the common size is in the header.
  case address(order: Int)
  /// Two words a run of neighbouring blocks of this order: byte address and byte length.
  case runs(order: Int)
  /// A bit for each block of this order from that PFN on, the lowest of the first word first; set: free.
  case bitmap(order: Int, firstPFN: UInt64)
}
