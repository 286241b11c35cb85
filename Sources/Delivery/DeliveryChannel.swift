import CHost
import Instruments
import Machine

/// The virtqueue between a strategy and a host that acts on its hints, for one session.
public final class DeliveryChannel {
  private let queue: Virtqueue
  private let host: HostThread
  private let base: UnsafeMutableRawPointer
  private let bytes: Int

  /// - Parameters:
  ///   - size: queue entries; a power of two up to 32768.
  ///   - ackNanoseconds: the least time before the host returns a chain.
  ///   - cpu: the CPU the host's thread is pinned to; nil: not pinned.
  ///   - act: acts on a chain, on the host's thread; the memory is needed to read the chain.
  /// - Throws: ``VirtqueueError``
  public init(
    size: Int, _ notification: HostNotification, ackNanoseconds: UInt64 = 0, cpu: Int? = nil,
    act: @escaping @Sendable (VirtqueueChain, DriverMemory) -> Void
  ) throws(VirtqueueError) {
    queue = try Virtqueue(size: size, usesEventIndex: true)
    bytes = DriverMemory.bytes(queueSize: size)
    guard let base = chost_reserve(bytes, 4096) else { throw .cannotReserve(bytes: bytes) }
    for page in stride(from: 0, to: bytes, by: 4096) { base.storeBytes(of: 0, toByteOffset: page, as: UInt64.self) }
    self.base = base
    let memory = DriverMemory(base: base)
    host = HostThread(
      queue: queue, ackNanoseconds: ackNanoseconds, cpu: cpu, pollNanoseconds: notification.pollNanoseconds
    ) { act($0, memory) }
  }

  deinit { _ = chost_release(base, bytes) }

  /// Starts the host. ``stop()`` must follow.
  ///
  /// - Throws: ``SystemCallError`` if the thread can't be pinned or no eventfd is left.
  public func start() throws(SystemCallError) { try host.start() }

  /// Stops the host and returns its figures. Chains it hasn't served are dropped with the queue.
  public func stop() -> HostFigures {
    host.stop()
    return host.figures
  }

  /// CPU time of the host's thread so far. Nanoseconds.
  public var hostCPUNanoseconds: UInt64 { host.cpuNanoseconds }

  /// Creates the driver's side.
  ///
  /// - Parameters:
  ///   - sessionID: the id in the session's commands and buffers.
  ///   - exitNanoseconds: the added cost of a kick that the host wants, on top of the write to its eventfd.
  ///   - notesTimes: whether to note when each hint is put into the queue.
  ///   - stop: the session's stop flag.
  ///   - mostBytes: the session is stopped once another step like the last would exceed this.
  public func sink(
    sessionID: UInt32, exitNanoseconds: UInt64 = 0, notesTimes: Bool, stop: StopFlag, mostBytes: UInt64 = .max
  ) -> DeliverySink {
    DeliverySink(
      queue: HintQueue(queue.driver, host: host), host: host, memory: DriverMemory(base: base), sessionID: sessionID,
      exitTicks: UInt64(Double(exitNanoseconds) / CycleClock.nanosecondsPerTick), notesTimes: notesTimes, stop: stop,
      mostBytes: mostBytes)
  }
}

/// How a host learns of new entries in its queue.
public enum HostNotification: String, CaseIterable, Sendable {
  /// The host sleeps while the queue is empty; a kick wakes it through an eventfd.
  case eventfd
  /// The host polls the queue and asks for no kicks, as QEMU does during a hinting session.
  case polled

  /// How long the host polls an empty queue before it sleeps. Nanoseconds.
  public var pollNanoseconds: UInt64 {
    switch self {
    case .eventfd: 0
    case .polled: .max
    }
  }
}
