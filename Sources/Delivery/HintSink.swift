import GuestMemory

/// Where a strategy's hints go, and who counts what it does to the guest. In the measured path a generic parameter.
///
/// In this form the host takes whatever it is given at once: what a design costs until the hint is accepted. Kicks
/// (notifications of the host, each a VM exit) and descriptors are counted from the design's protocol.
public protocol HintSink {
  /// A command buffer of the session's protocol (start, stop): one descriptor and one kick.
  mutating func command()
  /// The first `words` of a buffer, sent in `descriptors` descriptors with one kick. The blocks named in it are free,
  /// not held.
  mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int)
  /// One block that the strategy holds off the lists: one descriptor and one kick.
  mutating func report(_ block: Block)
  /// `pages` were taken off the free lists by the strategy, for whatever use; `initialized`: by alloc_pages(), which a kernel with
  /// init_on_alloc has zero them.
  mutating func didTake(pages: UInt64, initialized: Bool)
  /// `pages` were given back.
  mutating func didReturn(pages: UInt64)
}

/// Counts and no more: the sink of the pass that gives speed.
public struct CountingSink: HintSink, Sendable {
  public private(set) var kicks = 0
  public private(set) var descriptors = 0

  @inlinable public init() {}

  @inlinable @inline(__always)
  public mutating func command() { count(descriptors: 1) }

  @inlinable @inline(__always)
  public mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int) {
    count(descriptors: descriptors)
  }

  @inlinable @inline(__always)
  public mutating func report(_ block: Block) { count(descriptors: 1) }

  @inlinable @inline(__always) public mutating func didTake(pages: UInt64, initialized: Bool) {}
  @inlinable @inline(__always) public mutating func didReturn(pages: UInt64) {}

  @usableFromInline @inline(__always)
  mutating func count(descriptors n: Int) {
    kicks &+= 1
    descriptors &+= n
  }
}
