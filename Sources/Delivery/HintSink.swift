import GuestMemory

/// Where a strategy's hints go, and who counts what it does to the guest. In the measured path a generic parameter.
///
/// What is sent goes through the strategy's virtqueue, as a driver would write it. Kicks (calls of virtqueue_kick(),
/// each a VM exit unless the host has asked for none) and descriptors are counted from the strategy's protocol.
public protocol HintSink {
  /// A command buffer of the session's protocol (start, stop): one descriptor and one kick.
  mutating func command()
  /// The first `words` of a buffer, sent in `descriptors` descriptors with one kick. The blocks named in it are free,
  /// not held.
  mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int)
  /// One block that isn't held, put into the queue and no more (virtqueue_add_inbuf()): may be called under the zone's
  /// lock. False where only the entry for the protocol's command is left: the hint is dropped.
  mutating func hint(_ block: Block) -> Bool
  /// Entries the queue has, and how many of them are free as far as the driver has looked (num_free).
  var queueSize: Int { get }
  var descriptorsFree: Int { get }
  /// virtqueue_kick()
  mutating func kick()
  /// Detaches what the host has used (virtqueue_get_buf() until there is none).
  mutating func reclaim()
  /// One block that the strategy holds off the lists: one descriptor and one kick. False where the queue has no room
  /// but the command's entry: not reported.
  mutating func report(_ block: Block) -> Bool
  /// Blocks that the strategy holds until the host has acted on them: words `range` of `blocks`, each a
  /// ``Block/rawValue``, as one chain with one kick; returns when the host has acknowledged it. False: the queue
  /// refused it.
  mutating func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool
  /// A hint was dropped, since the queue had no room: the block won't be named any more in this session.
  mutating func didDrop()
  /// `pages` were taken off the free lists by the strategy, for whatever use; `initialized`: by alloc_pages(), which a
  /// kernel with init_on_alloc has zero them.
  mutating func didTake(pages: UInt64, initialized: Bool)
  /// `pages` were given back.
  mutating func didReturn(pages: UInt64)
}

extension HintSink {
  /// Nothing: most have no use for it.
  @inlinable @inline(__always)
  public mutating func didDrop() {}
}

/// Counts and no more: the sink of the pass that gives speed.
public struct CountingSink: HintSink {
  private let queue: HintQueue
  public private(set) var kicks = 0
  public private(set) var descriptors = 0

  public init(_ queue: HintQueue) { self.queue = queue }

  @inline(__always)
  public mutating func command() {
    count(descriptors: 1)
    queue.send(descriptors: 1)
  }

  @inline(__always)
  public mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int) {
    count(descriptors: descriptors)
    queue.send(descriptors: descriptors)
  }

  @inline(__always)
  public mutating func hint(_ block: Block) -> Bool {
    guard queue.descriptorsFree > 1, queue.add(block) else { return false }
    descriptors &+= 1
    return true
  }

  public var queueSize: Int { @inline(__always) get { queue.size } }
  public var descriptorsFree: Int { @inline(__always) get { queue.descriptorsFree } }

  @inline(__always)
  public mutating func kick() {
    kicks &+= 1
    queue.kick()
  }

  @inline(__always)
  public mutating func reclaim() { queue.reclaim() }

  @inline(__always)
  public mutating func report(_ block: Block) -> Bool {
    guard queue.descriptorsFree > 1, queue.add(block) else { return false }
    count(descriptors: 1)
    queue.kick()
    return true
  }

  @inline(__always)
  public mutating func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    count(descriptors: range.count)
    return queue.report(blocks, range)
  }

  @inline(__always) public mutating func didTake(pages: UInt64, initialized: Bool) {}
  @inline(__always) public mutating func didReturn(pages: UInt64) {}

  @inline(__always)
  private mutating func count(descriptors n: Int) {
    kicks &+= 1
    descriptors &+= n
  }
}
