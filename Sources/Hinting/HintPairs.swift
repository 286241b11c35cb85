import Delivery
import GuestMemory
import Records

extension DeclaredOption {
  /// The buffer of designs whose addresses are sent whenever it is full.
  static let hintBuffer = DeclaredOption(
    "buffer", .integer(1...4096), default: "16", "pages of the buffer that is sent when it is full",
    source: "v33: 16 pages")
}

/// A buffer of free blocks as pairs of base and size, sent when it is full.
struct HintPairs {
  private let buffer: HintBuffer
  private var words = 0

  init(_ buffer: HintBuffer) { self.buffer = buffer }

  /// Sends what there is unless it has room for `blocks` more. Not under zone->lock.
  @inline(__always)
  mutating func makeRoom<Sink: HintSink>(for blocks: Int, _ sink: inout Sink) {
    if words &+ 2 &* blocks > buffer.capacity { flush(&sink) }
  }

  /// Appends a block, for which there must be room.
  @inline(__always)
  mutating func append(_ block: Block) {
    buffer.store(block.pfn &<< 12, at: words)
    buffer.store(block.bytes, at: words &+ 1)
    words &+= 2
  }

  @inline(__always)
  mutating func flush<Sink: HintSink>(_ sink: inout Sink) {
    if words > 0 { sink.send(buffer, words: words, .baseAndSize, descriptors: 1) }
    words = 0
  }
}
