import CHost
import Synchronization

/// The memory of a split virtqueue (virtio 1.2, 2.7) and of both sides' private state: descriptor table, available ring
/// and used ring, laid out by ``VirtqueueLayout``. Use ``driver`` and ``device`` to work on it.
///
/// Its pages are touched when it is created, so that sessions take no page faults. The balloon's queues in QEMU have
/// 128 (inflate, deflate), 32 (reporting) and 1024 (free-page hints) descriptors.
public final class Virtqueue: @unchecked Sendable {
  // Right to send: the properties never change. The memory is written by at most two threads, one through `driver` and
  // one through `device`, which share only atomic fields (see VirtqueueMemory).
  public let layout: VirtqueueLayout
  /// Whether `VIRTIO_RING_F_EVENT_IDX` was negotiated: notifications are requested by ring position, not by flag.
  public let usesEventIndex: Bool
  let memory: VirtqueueMemory
  let base: UnsafeMutableRawPointer
  private let driverState: UnsafeMutablePointer<DriverState>
  private let deviceState: UnsafeMutablePointer<DeviceState>

  /// Creates an empty queue with notifications enabled on both sides. `size`: descriptors, a power of two from 1 to
  /// 32768.
  ///
  /// - Throws: ``VirtqueueError``
  public init(size: Int, usesEventIndex: Bool) throws(VirtqueueError) {
    let layout = try VirtqueueLayout(size: size)
    guard let base = chost_reserve(layout.totalBytes, 4096) else { throw .cannotReserve(bytes: layout.totalBytes) }
    self.layout = layout
    self.usesEventIndex = usesEventIndex
    self.base = base
    memory = VirtqueueMemory(base: base, layout: layout)
    for page in stride(from: 0, to: layout.totalBytes, by: 4096) {
      base.storeBytes(of: 0, toByteOffset: page, as: UInt64.self)
    }

    driverState = (base + layout.driverStateOffset).bindMemory(to: DriverState.self, capacity: 1)
    driverState.initialize(to: DriverState(size: UInt16(size), usesEventIndex: usesEventIndex))
    deviceState = (base + layout.deviceStateOffset).bindMemory(to: DeviceState.self, capacity: 1)
    deviceState.initialize(to: DeviceState(usesEventIndex: usesEventIndex))
    let links = (base + layout.driverLinksOffset).bindMemory(to: UInt16.self, capacity: size)
    for index in 0..<size { links[index] = UInt16((index + 1) & (size - 1)) }
    (base + layout.driverChainsOffset).bindMemory(to: UInt16.self, capacity: size).initialize(repeating: 0, count: size)
  }

  deinit { _ = chost_release(base, layout.totalBytes) }

  /// The guest's side. One thread at a time may use it. The handle doesn't retain the queue; the caller must keep it
  /// alive (`withExtendedLifetime`, or a longer-lived reference).
  public var driver: DriverQueue {
    DriverQueue(
      memory: memory, state: driverState,
      links: (base + layout.driverLinksOffset).assumingMemoryBound(to: UInt16.self),
      chains: (base + layout.driverChainsOffset).assumingMemoryBound(to: UInt16.self))
  }

  /// The host's side. One thread at a time may use it; the caller must keep the queue alive, as with ``driver``.
  public var device: DeviceQueue { DeviceQueue(memory: memory, state: deviceState) }
}
