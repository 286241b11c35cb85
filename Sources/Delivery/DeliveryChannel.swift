import CHost
import Instruments
import Machine

/// The virtqueue between one strategy and a host that acts on its hints, for one session.
public final class DeliveryChannel {
  private let queue: Virtqueue
  private let host: HostThread
  private let base: UnsafeMutableRawPointer
  private let bytes: Int

  /// - Parameters:
  ///   - size: entries; a power of two up to 32768.
  ///   - ackNanoseconds: before which the host gives no chain back.
  ///   - cpu: where to pin its thread; nil leaves that to the scheduler.
  ///   - act: what the host does with a chain, on its thread; the memory is what to read the chain with.
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
  /// - Throws: ``SystemCallError`` if it can't be pinned, or there is no eventfd left.
  public func start() throws(SystemCallError) { try host.start() }

  /// Ends the host; what it saw. What it hasn't served is dropped with the queue.
  public func stop() -> HostFigures {
    host.stop()
    return host.figures
  }

  /// CPU time of the host's thread so far. Nanoseconds.
  public var hostCPUNanoseconds: UInt64 { host.cpuNanoseconds }

  /// The driver's end.
  ///
  /// - Parameters:
  ///   - sessionID: what its commands and buffers say.
  ///   - exitNanoseconds: what a kick costs that the host wants, beside the write to its eventfd.
  ///   - notesTimes: whether it is noted when a hint is put into the queue.
  ///   - stop: of the session.
  ///   - mostBytes: where another step like the last would name more, the session is stopped.
  public func sink(
    sessionID: UInt32, exitNanoseconds: UInt64 = 0, notesTimes: Bool, stop: StopFlag, mostBytes: UInt64 = .max
  ) -> DeliverySink {
    DeliverySink(
      queue: HintQueue(queue.driver, host: host), host: host, memory: DriverMemory(base: base), sessionID: sessionID,
      exitTicks: UInt64(Double(exitNanoseconds) / CycleClock.nanosecondsPerTick), notesTimes: notesTimes, stop: stop,
      mostBytes: mostBytes)
  }
}
