import CHost
import GuestMemory
import Instruments

/// A strategy's side of its virtqueue: the driver's half of ``HintSink``. A trivial handle; its ``HintDevice`` must
/// outlive it.
///
/// With a host thread, entries become free once it has served them. Without one the host is ideal: it costs nothing,
/// and has used everything whenever it is kicked, the queue is full or the driver waits.
public struct HintQueue {
  @usableFromInline let driver: DriverQueue
  /// The host thread; nil: an ideal host.
  private let host: Unmanaged<HostThread>?

  init(_ driver: DriverQueue, host: HostThread?) {
    self.driver = driver
    self.host = host.map(Unmanaged.passUnretained)
  }

  @inlinable public var size: Int { driver.size }

  /// Returns the smallest valid size that fits a chain of `entries` and is at least `least`.
  public static func size(for entries: Int, least: Int) -> Int {
    var size = least
    while size < entries { size *= 2 }
    return size
  }
  /// num_free, as of the driver's last reclaim.
  @inlinable @inline(__always)
  public var descriptorsFree: Int { driver.descriptorsFree }

  /// virtqueue_add_inbuf() of a block's address and length. Returns false if no entry is free.
  @inlinable @inline(__always)
  func add(_ block: Block) -> Bool {
    driver.add(
      address: block.pfn &<< 12, length: UInt32(truncatingIfNeeded: block.bytes), deviceWrites: true)
  }

  /// Detaches all chains that the host has used.
  @inline(__always)
  func reclaim() {
    if host == nil {
      driver.lookForIdealDevice()
    } else {
      while driver.detachUsed() != nil {}
    }
  }

  /// virtqueue_kick(): notifies the host unless it asked for no kicks.
  @inline(__always)
  func kick() {
    let isDue = driver.kickPrepare()
    guard let host else { return driver.noteKick() }
    if isDue { host._withUnsafeGuaranteedRef { $0.notify() } }
  }

  /// Sends a chain of device-readable buffers with a kick, waiting for room if necessary.
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

  /// Sends a chain of blocks with a kick and waits until the host has returned it. Returns false if the chain is longer
  /// than the queue or the host failed.
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

  /// Sends each block as a buffer of its own with one kick for all, and waits until the host has returned all. Returns
  /// false if the host failed.
  func reportEach(_ blocks: HintBuffer, _ range: Range<Int>) -> Bool {
    reclaim()
    for index in range {
      while !add(Block(rawValue: blocks[index])) {
        if isDead { return false }
        kick()
        reclaim()
      }
    }
    kick()
    return waitUntilAllUsed()
  }

  /// wait_event(): spins briefly, then sleeps between checks, as a waiting task leaves its CPU to others.
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

  /// Whether the queue or its host failed, so that no entry will be returned.
  var isDead: Bool { driver.isBroken || host.map { $0._withUnsafeGuaranteedRef { $0.hasFailed } } ?? false }
}

/// A strategy's queue, and the host that serves it.
public final class HintDevice {
  /// The queue used with an ideal host: without a device, its descriptors are used in ring order.
  private let ideal: Virtqueue
  private var served: (queue: Virtqueue, host: HostThread)?

  /// Creates the queue. `size`: entries; a power of two up to 32768.
  ///
  /// - Throws: ``VirtqueueError``
  public init(size: Int) throws(VirtqueueError) { ideal = try Virtqueue(size: size, usesEventIndex: true) }

  /// The driver's side of the queue of the current host.
  public var driver: HintQueue { HintQueue(served?.queue.driver ?? ideal.driver, host: served?.host) }

  /// Starts a host thread with its own queue, which acknowledges each chain after `ackNanoseconds`. Before this and
  /// after ``stopHost()`` the host is ideal.
  ///
  /// - Throws: ``VirtqueueError``, or ``SystemCallError`` if the thread can't be pinned.
  public func startHost(ackNanoseconds: UInt64, cpu: Int?) throws {
    precondition(served == nil, "a queue has one host")
    let queue = try Virtqueue(size: ideal.layout.size, usesEventIndex: true)
    let host = HostThread(queue: queue, ackNanoseconds: ackNanoseconds, cpu: cpu)
    try host.start()
    served = (queue, host)
  }

  /// Stops the host thread and returns its figures; nil if no host was started. Chains it hasn't served are dropped
  /// with their queue.
  @discardableResult
  public func stopHost() -> HostFigures? {
    guard let (_, host) = served else { return nil }
    host.stop()
    served = nil
    return host.figures
  }
}
