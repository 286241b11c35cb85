import Synchronization

/// The guest's side of a ``Virtqueue``, with the rules of drivers/virtio/virtio_ring.c (6.1, split ring, no indirect
/// descriptors). A trivial handle: no operation allocates or counts references.
///
/// One thread at a time may use it, as Linux has its callers serialize. Indices run freely modulo 2^16.
public struct DriverQueue {
  @usableFromInline let memory: VirtqueueMemory
  @usableFromInline let state: UnsafeMutablePointer<DriverState>
  /// The next descriptor of the free list or of the chain, in memory the device doesn't reach.
  @usableFromInline let links: UnsafeMutablePointer<UInt16>
  /// The number of descriptors of a chain in flight, by its head; 0 for all other descriptors.
  @usableFromInline let chains: UnsafeMutablePointer<UInt16>

  init(
    memory: VirtqueueMemory, state: UnsafeMutablePointer<DriverState>, links: UnsafeMutablePointer<UInt16>,
    chains: UnsafeMutablePointer<UInt16>
  ) {
    self.memory = memory
    self.state = state
    self.links = links
    self.chains = chains
  }

  /// The number of descriptors, N.
  @inlinable public var size: Int { memory.size }
  /// Descriptors that can be added (`num_free`), 0...N.
  @inlinable public var descriptorsFree: Int { Int(state.pointee.free) }
  /// Descriptors in chains that were added and not detached yet, 0...N. The sum with ``descriptorsFree`` is always N.
  @inlinable public var inFlight: Int { Int(state.pointee.inFlight) }
  /// The id of the next chain; meaningless if no descriptor is free.
  @inlinable public var nextID: Int { Int(state.pointee.freeHead) }
  /// Whether the device returned a chain it was never given. Nothing more is added or detached (`vq->broken`).
  @inlinable public var isBroken: Bool { state.pointee.isBroken }

  /// Publishes one buffer in its own descriptor. `address` and `length` in bytes of guest memory; `deviceWrites`: an
  /// "in" buffer, otherwise an "out" buffer. O(1).
  ///
  /// - Returns: false, with nothing written, if no descriptor is free (ENOSPC).
  @inlinable @inline(__always)
  public func add(address: UInt64, length: UInt32, deviceWrites: Bool) -> Bool {
    addChain(count: 1, deviceWrites: deviceWrites) { _ in (address, length) }
  }

  /// Publishes a chain of `count` buffers of one direction. `body` returns each buffer by its position from 0; it must
  /// not use the queue, and the lengths must not exceed 2^32 bytes in total (virtio 1.2, 2.7.5.2). O(count).
  ///
  /// - Returns: false, with nothing written and `body` not called, if fewer than `count` descriptors are free (ENOSPC),
  ///   which always holds above ``size``. In this case Linux notifies the device if the chain has an "out" part,
  ///   regardless of suppression; here the caller must do that.
  @inlinable @inline(__always)
  public func addChain(
    count: Int, deviceWrites: Bool, _ body: (_ position: Int) -> (address: UInt64, length: UInt32)
  ) -> Bool {
    precondition(count >= 1, "a chain has a descriptor at least")
    guard count <= Int(state.pointee.free), !state.pointee.isBroken else { return false }
    let head = state.pointee.freeHead
    let direction = deviceWrites ? VirtqueueMemory.write : 0
    var index = head
    var position = 0
    while true {
      let buffer = body(position)
      let next = links[Int(index)]
      position &+= 1
      let more = position < count
      memory.writeDescriptor(
        Int(index), address: buffer.address, length: buffer.length,
        flags: more ? direction | VirtqueueMemory.next : direction, next: more ? next : 0)
      index = next
      if !more { break }
    }
    publish(head: head, count: UInt16(truncatingIfNeeded: count), nextFree: index)
    return true
  }

  @inlinable @inline(__always)
  func publish(head: UInt16, count: UInt16, nextFree: UInt16) {
    chains[Int(head)] = count
    let index = state.pointee.availableIndex
    memory.availableEntry(index).pointee = head
    state.pointee.freeHead = nextFree
    state.pointee.free &-= count
    state.pointee.inFlight &+= count
    state.pointee.availableIndex = index &+ 1
    // Releasing: the device that sees the index sees the entry and the descriptors (virtio 1.2, 2.7.13).
    memory.availableIndex.pointee.store(index &+ 1, ordering: .releasing)
    state.pointee.added &+= 1
    // One more, and the distance from the last decision would be 2^16, which is 0: the event would be missed.
    if state.pointee.added == .max { state.pointee.kickOwed = decideOnKick() || state.pointee.kickOwed }
  }

  /// Decides whether the chains added since the last call need a kick (`virtqueue_kick_prepare`). Call it after every
  /// batch of adds and before waiting for the device; if it returns true, notify the host.
  ///
  /// Every 65535 adds a decision is made in between, because the event rule can't look back further. Linux then
  /// notifies at once; here the next call returns true.
  @inlinable @inline(__always)
  public func kickPrepare() -> Bool {
    let owed = state.pointee.kickOwed
    state.pointee.kickOwed = false
    return decideOnKick() || owed
  }

  @inlinable @inline(__always)
  func decideOnKick() -> Bool {
    // The index must be published before the device's event is read: the device writes its event, then reads the index,
    // and without full barriers on both sides each could miss the other (virtio 1.2, 2.7.13.4.1).
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    let new = state.pointee.availableIndex
    let old = new &- state.pointee.added
    state.pointee.added = 0
    if state.pointee.usesEventIndex {
      return EventIndex.isDue(event: memory.availableEvent.pointee.load(ordering: .relaxed), new: new, old: old)
    }
    return memory.usedFlags.pointee.load(ordering: .relaxed) & VirtqueueMemory.suppressed == 0
  }

  /// Detaches the next chain that the device has used (`virtqueue_get_buf`), in the device's order, and frees its
  /// descriptors. O(descriptors of the chain).
  ///
  /// - Returns: nil if there is none, or if the device returned an id that isn't in flight, which makes the queue
  ///   ``isBroken``.
  @inlinable @inline(__always)
  public func detachUsed() -> UsedChain? {
    let last = state.pointee.lastUsed
    // Acquiring: what the device wrote before it published the index is seen after it (virtio 1.2, 2.7.14).
    guard memory.usedIndex.pointee.load(ordering: .acquiring) != last, !state.pointee.isBroken else { return nil }
    let element = memory.usedElement(last)
    let id = element[0]
    let length = element[1]
    guard id < UInt32(truncatingIfNeeded: size), chains[Int(id)] != 0 else {
      state.pointee.isBroken = true
      return nil
    }
    let head = Int(id)
    let count = chains[head]
    chains[head] = 0
    var tail = head
    var left = count
    while left > 1 {
      tail = Int(links[tail])
      left &-= 1
    }
    links[tail] = state.pointee.freeHead
    state.pointee.freeHead = UInt16(truncatingIfNeeded: head)
    state.pointee.free &+= count
    state.pointee.inFlight &-= count
    state.pointee.lastUsed = last &+ 1
    if state.pointee.interrupts && state.pointee.usesEventIndex {
      memory.usedEvent.pointee.store(last &+ 1, ordering: .relaxed)
      // The event must be published before the next call finds the ring empty, or the next interrupt is lost.
      atomicMemoryFence(ordering: .sequentiallyConsistent)
    }
    return UsedChain(id: head, descriptors: Int(count), length: length)
  }

  /// Looks for used chains in a queue without a device, as if a device had used everything published when it was kicked
  /// (``noteKick()``), when at most one descriptor is left, or when nothing was published since the last look. O(1):
  /// the descriptors are used in ring order as long as no chain is detached by itself.
  @inlinable @inline(__always)
  public func lookForIdealDevice() {
    // Without a device `lastUsed` has no other use: the index at the last look.
    let isIdle = state.pointee.lastUsed == state.pointee.availableIndex
    if isIdle || state.pointee.free <= 1 {
      state.pointee.free = UInt16(truncatingIfNeeded: size)
      state.pointee.inFlight = 0
    }
    state.pointee.lastUsed = state.pointee.availableIndex
  }

  /// Notes a kick in a queue without a device: everything counts as used at the next look.
  @inlinable @inline(__always)
  public func noteKick() { state.pointee.lastUsed = state.pointee.availableIndex }

  /// Enables or suppresses the device's interrupts (`virtqueue_enable_cb`, `virtqueue_disable_cb`). Suppression is a
  /// hint that the device may not have seen yet; with event indices it names an entry just passed, which comes up once
  /// in 65536 chains (virtio 1.2, 2.7.7).
  ///
  /// - Returns: whether a used chain waits now. After enabling, true means that no interrupt may come for it: detach it
  ///   before sleeping.
  @discardableResult
  @inlinable @inline(__always)
  public func setInterrupts(_ enabled: Bool) -> Bool {
    state.pointee.interrupts = enabled
    let last = state.pointee.lastUsed
    if state.pointee.usesEventIndex {
      memory.usedEvent.pointee.store(enabled ? last : last &- 1, ordering: .relaxed)
    } else {
      memory.availableFlags.pointee.store(enabled ? 0 : VirtqueueMemory.suppressed, ordering: .relaxed)
    }
    if enabled { atomicMemoryFence(ordering: .sequentiallyConsistent) }
    return memory.usedIndex.pointee.load(ordering: .acquiring) != last
  }
}

/// The driver's private state, as in `struct vring_virtqueue`, where the device can't overwrite it. At most a cache
/// line.
@usableFromInline
struct DriverState {
  /// The first descriptor of the free list.
  @usableFromInline var freeHead: UInt16 = 0
  /// num_free
  @usableFromInline var free: UInt16
  /// Descriptors in chains that aren't detached yet. Counted separately from `free`; both must add up to N.
  @usableFromInline var inFlight: UInt16 = 0
  /// The available index as published.
  @usableFromInline var availableIndex: UInt16 = 0
  /// The used index up to which chains were detached.
  @usableFromInline var lastUsed: UInt16 = 0
  /// Chains published since the last decision on a kick; below 65535.
  @usableFromInline var added: UInt16 = 0
  /// Whether a decision forced between two calls of kickPrepare() asked for a kick.
  @usableFromInline var kickOwed = false
  @usableFromInline var interrupts = true
  @usableFromInline var isBroken = false
  @usableFromInline let usesEventIndex: Bool

  init(size: UInt16, usesEventIndex: Bool) {
    free = size
    self.usesEventIndex = usesEventIndex
  }
}

/// A chain that the device has used and ``DriverQueue/detachUsed()`` returned.
public struct UsedChain: Sendable, Hashable {
  /// The chain's head: the value of ``DriverQueue/nextID`` before the chain was added.
  public let id: Int
  /// The number of its descriptors, which are free again.
  public let descriptors: Int
  /// Bytes written into the chain, according to the device.
  public let length: UInt32

  @inlinable
  init(id: Int, descriptors: Int, length: UInt32) {
    self.id = id
    self.descriptors = descriptors
    self.length = length
  }
}
