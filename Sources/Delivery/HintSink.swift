import GuestMemory

/// Receives a strategy's hints and counts its effects on the guest. A generic parameter in the measured path.
///
/// Hints go through the strategy's virtqueue, as a driver would send them. Kicks (calls of virtqueue_kick(), each a VM
/// exit unless the host asked for none) and descriptors follow from the strategy's protocol.
public protocol HintSink {
  /// Sends a command buffer of the session's protocol (start, stop): one descriptor and one kick.
  mutating func command()
  /// Sends the first `words` of a buffer in `descriptors` descriptors with one kick. The blocks it names are free, not
  /// held.
  mutating func send(_ buffer: HintBuffer, words: Int, _ format: HintFormat, descriptors: Int)
  /// Puts one block that isn't held into the queue without a kick (virtqueue_add_inbuf()). May be called under the
  /// zone's lock. Returns false if only the entry reserved for the command is left; the hint is dropped.
  mutating func hint(_ block: Block) -> Bool
  /// The number of queue entries, and how many are free as of the driver's last reclaim (num_free).
  var queueSize: Int { get }
  var descriptorsFree: Int { get }
  /// virtqueue_kick()
  mutating func kick()
  /// Detaches all used chains (virtqueue_get_buf() until it returns nothing).
  mutating func reclaim()
  /// Reports one block that the strategy holds off the lists: one descriptor and one kick. Returns false, without
  /// reporting, if only the entry reserved for the command is left.
  mutating func report(_ block: Block) -> Bool
  /// Reports blocks that the strategy holds until the host has acted on them: words `range` of `blocks`, each a
  /// ``Block/rawValue``, as one chain with one kick. Returns when the host has acknowledged it; false if the queue
  /// refused it.
  mutating func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool
  /// Waits until the host has used every buffer that is in the queue. Returns false if the host failed.
  mutating func waitUntilUsed() -> Bool
  /// As ``report(_:_:)``, but each block is a buffer of its own: one kick for all, and the host answers each by itself.
  /// Returns when it has answered all; false if the queue refused one.
  mutating func reportEach(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool
  /// Notes that a hint was dropped for lack of room. The block won't be named again in this session.
  mutating func didDrop()
  /// Notes that the strategy took `pages` off the free lists, for any use. `initialized`: taken by alloc_pages(), so
  /// that a kernel with init_on_alloc zeroes them.
  mutating func didTake(pages: UInt64, initialized: Bool)
  /// Notes that the strategy gave `pages` back.
  mutating func didReturn(pages: UInt64)
}

extension HintSink {
  /// Does nothing, which most sinks want.
  @inlinable @inline(__always)
  public mutating func didDrop() {}
}

/// Only counts: the sink of the pass that measures speed.
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

  @inline(__always)
  public mutating func waitUntilUsed() -> Bool { queue.waitUntilAllUsed() }

  @inline(__always)
  public mutating func reportEach(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    count(descriptors: range.count)
    return queue.reportEach(blocks, range)
  }

  @inline(__always) public mutating func didTake(pages: UInt64, initialized: Bool) {}
  @inline(__always) public mutating func didReturn(pages: UInt64) {}

  @inline(__always)
  private mutating func count(descriptors n: Int) {
    kicks &+= 1
    descriptors &+= n
  }
}
