import CHost
import GuestMemory
import Instruments

/// A strategy's end of its virtqueue: the driver's half of ``HintSink``. A trivial handle; its ``HintDevice`` must
/// outlive it.
///
/// With a host thread entries come back when that has served them. Without one the host is ideal: it costs nothing, and
/// has used all there is when it is kicked, when the queue is full and when the driver waits.
public struct HintQueue {
  @usableFromInline let driver: DriverQueue
  /// Nil: an ideal host.
  private let host: Unmanaged<HostThread>?

  init(_ driver: DriverQueue, host: HostThread?) {
    self.driver = driver
    self.host = host.map(Unmanaged.passUnretained)
  }

  @inlinable public var size: Int { driver.size }

  /// The smallest size that has room for a chain of `entries`, and no less than `least`.
  public static func size(for entries: Int, least: Int) -> Int {
    var size = least
    while size < entries { size *= 2 }
    return size
  }
  /// num_free, as of the driver's last look.
  @inlinable @inline(__always)
  public var descriptorsFree: Int { driver.descriptorsFree }

  /// virtqueue_add_inbuf() of a block: its address and length. False where no entry is free.
  @inlinable @inline(__always)
  func add(_ block: Block) -> Bool {
    driver.add(
      address: block.pfn &<< 12, length: UInt32(truncatingIfNeeded: block.bytes), deviceWrites: true)
  }

  /// Detaches what the host has used.
  @inline(__always)
  func reclaim() {
    if host == nil {
      driver.lookForIdealDevice()
    } else {
      while driver.detachUsed() != nil {}
    }
  }

  /// virtqueue_kick(): the host is told unless it has asked not to be.
  @inline(__always)
  func kick() {
    let isDue = driver.kickPrepare()
    guard let host else { return driver.noteKick() }
    if isDue { host._withUnsafeGuaranteedRef { $0.notify() } }
  }

  /// A chain of buffers for the host to read, with a kick, waiting for room where there is none.
  func send(descriptors: Int) {
    reclaim()
    while !driver.addChain(count: descriptors, deviceWrites: false, { _ in (0, 4) }) {
      if isDead { return }
      kick()
      reclaim()
      chost_pause()
    }
    kick()
  }

  /// A chain of blocks with a kick; returns when the host has given it back. False where it is longer than the queue,
  /// or the host broke down.
  func report(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    guard !range.isEmpty, range.count <= driver.size else { return false }
    reclaim()
    while !driver.addChain(
      count: range.count, deviceWrites: true,
      { position in
        let block = Block(rawValue: blocks[range.lowerBound &+ position])
        return (block.pfn &<< 12, UInt32(truncatingIfNeeded: block.bytes))
      })
    {
      if isDead { return false }
      kick()
      reclaim()
    }
    kick()
    return waitUntilAllUsed()
  }

  /// wait_event(): spins for a moment, then sleeps between looks, as a task that waits leaves its CPU to others.
  func waitUntilAllUsed() -> Bool {
    reclaim()
    var looks = 0
    while driver.inFlight > 0 {
      if isDead { return false }
      looks += 1
      if looks < 50 { chost_pause() } else { MonotonicClock.sleep(nanoseconds: 10_000) }
      reclaim()
    }
    return true
  }

  /// Nothing will ever come back.
  var isDead: Bool { driver.isBroken || host.map { $0._withUnsafeGuaranteedRef { $0.hasFailed } } ?? false }
}

/// The queue of one strategy, and the host that serves it.
public final class HintDevice {
  /// Without a device: its descriptors follow each other in a ring for ever.
  private let ideal: Virtqueue
  private var served: (queue: Virtqueue, host: HostThread)?

  /// `size`: entries; a power of two up to 32768.
  ///
  /// - Throws: ``VirtqueueError``
  public init(size: Int) throws(VirtqueueError) { ideal = try Virtqueue(size: size, usesEventIndex: true) }

  /// The driver's end, whose host is the one that runs now.
  public var driver: HintQueue { HintQueue(served?.queue.driver ?? ideal.driver, host: served?.host) }

  /// Lets a thread serve a queue of its own, which acknowledges each chain after so long; until then, and after
  /// ``stopHost()``, the host is ideal.
  ///
  /// - Throws: ``VirtqueueError``, or ``SystemCallError`` if it can't be pinned.
  public func startHost(ackNanoseconds: UInt64, cpu: Int?) throws {
    precondition(served == nil, "a queue has one host")
    let queue = try Virtqueue(size: ideal.layout.size, usesEventIndex: true)
    let host = HostThread(queue: queue, ackNanoseconds: ackNanoseconds, cpu: cpu)
    try host.start()
    served = (queue, host)
  }

  /// What the thread saw; nil if there was none. Chains it hadn't served are dropped with their queue.
  @discardableResult
  public func stopHost() -> HostFigures? {
    guard let (_, host) = served else { return nil }
    host.stop()
    served = nil
    return host.figures
  }
}
