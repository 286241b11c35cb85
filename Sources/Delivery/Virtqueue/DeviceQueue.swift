import Synchronization

/// The host's side of a ``Virtqueue``, with the rules of the virtio specification and of QEMU's hw/virtio/virtio.c. A
/// trivial handle: no operation allocates or counts references. One thread at a time may use it.
public struct DeviceQueue {
  @usableFromInline let memory: VirtqueueMemory
  @usableFromInline let state: UnsafeMutablePointer<DeviceState>

  init(memory: VirtqueueMemory, state: UnsafeMutablePointer<DeviceState>) {
    self.memory = memory
    self.state = state
  }

  /// The number of descriptors, N.
  @inlinable public var size: Int { memory.size }

  /// Whether a chain waits to be popped. Changes nothing: the check of a busy-polling device.
  @inlinable @inline(__always)
  public var hasAvailable: Bool {
    memory.availableIndex.pointee.load(ordering: .acquiring) != state.pointee.lastAvailable
  }

  /// Takes the next chain that the driver has published, in the driver's order, and validates it. If there is none and
  /// notifications are enabled, the driver will kick for the next chain; a device that sleeps before this returned nil
  /// may miss it. O(descriptors of the chain).
  ///
  /// - Returns: nil if there is no chain.
  /// - Throws: ``VirtqueueFault``; the chain stays in place, so that every later call throws the same.
  @inlinable @inline(__always)
  public func pop() throws(VirtqueueFault) -> VirtqueueChain? {
    let last = state.pointee.lastAvailable
    if state.pointee.seenAvailable == last {
      var seen = memory.availableIndex.pointee.load(ordering: .acquiring)
      if seen == last {
        // When the queue runs empty the event must be set and the ring checked once more; earlier it would only cause
        // kicks for chains that are being popped anyway.
        guard state.pointee.notifications, state.pointee.usesEventIndex, state.pointee.armedAt != last else {
          return nil
        }
        seen = arm()
        if seen == last { return nil }
      }
      let ahead = Int(seen &- last)
      guard ahead <= size else { throw .availableIndexJumped(ahead: ahead) }
      state.pointee.seenAvailable = seen
    }
    let head = Int(memory.availableEntry(last).pointee)
    let chain = try VirtqueueChain(memory: memory, head: head, descriptors: checkedLength(head: head))
    state.pointee.lastAvailable = last &+ 1
    return chain
  }

  /// Returns the chain's length in descriptors after checking it against all rules.
  @inlinable @inline(__always)
  func checkedLength(head: Int) throws(VirtqueueFault) -> Int {
    guard head < size else { throw .headOutOfRange(head: head) }
    var index = head
    var count = 1
    var writable = false
    while true {
      let flags = memory.flags(of: index)
      guard flags & VirtqueueMemory.indirect == 0 else { throw .indirect(head: head) }
      if flags & VirtqueueMemory.write != 0 {
        writable = true
      } else if writable {
        throw .readableAfterWritable(head: head)
      }
      guard flags & VirtqueueMemory.next != 0 else { return count }
      guard count < size else { throw .loop(head: head) }
      let next = Int(memory.next(of: index))
      guard next < size else { throw .nextOutOfRange(head: head, next: next) }
      index = next
      count &+= 1
    }
  }

  /// Returns a popped chain as used; chains may be returned in any order. `length`: bytes written into it. O(1).
  ///
  /// - Returns: whether the driver wants an interrupt for it.
  @inlinable @inline(__always)
  public func push(head: Int, length: UInt32) -> Bool {
    let old = state.pointee.usedIndex
    assert(old != state.pointee.lastAvailable, "nothing is popped that could be pushed")
    let new = old &+ 1
    let element = memory.usedElement(old)
    element[0] = UInt32(truncatingIfNeeded: head)
    element[1] = length
    state.pointee.usedIndex = new
    // Releasing: the driver that sees the index sees the element.
    memory.usedIndex.pointee.store(new, ordering: .releasing)
    // The index must be published before the driver's event is read (virtio 1.2, 2.7.7.2).
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    if state.pointee.usesEventIndex {
      return EventIndex.isDue(event: memory.usedEvent.pointee.load(ordering: .relaxed), new: new, old: old)
    }
    return memory.availableFlags.pointee.load(ordering: .relaxed) & VirtqueueMemory.suppressed == 0
  }

  /// Enables or suppresses the driver's notifications (`virtio_queue_set_notification`). Suppression is a hint that the
  /// driver may not have seen yet; with event indices it leaves the event index in place, so that one more kick may
  /// come, and then one every 65536 chains.
  ///
  /// - Returns: whether a chain waits now. After enabling, true means that no kick may come for it: pop it before
  ///   sleeping, or the wake-up is lost.
  @inlinable @inline(__always)
  public func setNotifications(_ enabled: Bool) -> Bool {
    state.pointee.notifications = enabled
    let last = state.pointee.lastAvailable
    if state.pointee.usesEventIndex {
      if enabled { return arm() != last }
    } else {
      memory.usedFlags.pointee.store(enabled ? 0 : VirtqueueMemory.suppressed, ordering: .relaxed)
      if enabled { atomicMemoryFence(ordering: .sequentiallyConsistent) }
    }
    return memory.availableIndex.pointee.load(ordering: .acquiring) != last
  }

  /// Sets the event to the next entry and reads the available index after a full barrier.
  @inlinable @inline(__always)
  func arm() -> UInt16 {
    state.pointee.armedAt = state.pointee.lastAvailable
    memory.availableEvent.pointee.store(state.pointee.lastAvailable, ordering: .relaxed)
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    return memory.availableIndex.pointee.load(ordering: .acquiring)
  }
}

/// The device's private state. At most a cache line.
@usableFromInline
struct DeviceState {
  /// The available index up to which chains were popped.
  @usableFromInline var lastAvailable: UInt16 = 0
  /// The available index as last read. While it is ahead of `lastAvailable`, the device doesn't touch the driver's
  /// cache line.
  @usableFromInline var seenAvailable: UInt16 = 0
  /// The used index as published.
  @usableFromInline var usedIndex: UInt16 = 0
  /// The current value of `avail_event`.
  @usableFromInline var armedAt: UInt16 = 0
  @usableFromInline var notifications = true
  @usableFromInline let usesEventIndex: Bool

  init(usesEventIndex: Bool) { self.usesEventIndex = usesEventIndex }
}
