import Synchronization

/// The guest's side of a ``Virtqueue``, with the rules of drivers/virtio/virtio_ring.c (6.1, split ring, no indirect
/// descriptors). A trivial handle: no operation allocates or counts references.
///
/// One thread at a time may use it, as Linux has its callers serialize. Indices run freely modulo 2^16.
public struct DriverQueue {
  @usableFromInline let memory: VirtqueueMemory
  @usableFromInline let state: UnsafeMutablePointer<DriverState>
  /// The next descriptor of the free list or of the chain, kept out of the device's reach.
  @usableFromInline let links: UnsafeMutablePointer<UInt16>
  /// For the head of a chain in flight its descriptors, for all others 0.
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

  /// Descriptors in all: N.
  @inlinable public var size: Int { memory.size }
  /// Descriptors that can be added (`num_free`), 0...N.
  @inlinable public var descriptorsFree: Int { Int(state.pointee.free) }
  /// Descriptors in chains that were added and not yet detached, 0...N. With ``descriptorsFree`` always N.
  @inlinable public var inFlight: Int { Int(state.pointee.inFlight) }
  /// The id that the next chain will have; means nothing while no descriptor is free.
  @inlinable public var nextID: Int { Int(state.pointee.freeHead) }
  /// The device returned something that was never given to it. Nothing more is added or detached (`vq->broken`).
  @inlinable public var isBroken: Bool { state.pointee.isBroken }

  /// Publishes one buffer in a descriptor of its own. `address` and `length` in bytes of guest memory; `deviceWrites`:
  /// an "in" buffer, else an "out" one. O(1).
  ///
  /// - Returns: false where no descriptor is free (ENOSPC); then nothing was written.
  @inlinable @inline(__always)
  public func add(address: UInt64, length: UInt32, deviceWrites: Bool) -> Bool {
    addChain(count: 1, deviceWrites: deviceWrites) { _ in (address, length) }
  }

  /// Publishes a chain of `count` buffers, all of one direction, which `body` gives by position, 0 first; it may not
  /// use the queue, and their lengths may not add up to more than 2^32 bytes (virtio 1.2, 2.7.5.2). O(count).
  ///
  /// - Returns: false where fewer than `count` descriptors are free (ENOSPC), which is always so above ``size``; then
  ///   nothing was written and `body` not called. Linux notifies the device at that moment where the chain has an
  ///   "out" part, whatever the suppression says; here that is the caller's to do.
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
    // One more and the distance from the last decision would be 2^16, which is 0: the event would be missed.
    if state.pointee.added == .max { state.pointee.kickOwed = decideOnKick() || state.pointee.kickOwed }
  }

  /// Decides whether what was added since the last call needs a kick (`virtqueue_kick_prepare`). To be called after
  /// every batch of adds, and before waiting for the device; where it returns true the host must be notified.
  ///
  /// Every 65535 adds a decision is made in between, because the event rule can't look back further; Linux then
  /// notifies at once, here the next call returns true.
  @inlinable @inline(__always)
  public func kickPrepare() -> Bool {
    let owed = state.pointee.kickOwed
    state.pointee.kickOwed = false
    return decideOnKick() || owed
  }

  @inlinable @inline(__always)
  func decideOnKick() -> Bool {
    // The index must be out before the device's wish is read: the device writes its wish, then reads the index, and
    // without full barriers on both sides each could miss the other (virtio 1.2, 2.7.13.4.1).
    atomicMemoryFence(ordering: .sequentiallyConsistent)
    let new = state.pointee.availableIndex
    let old = new &- state.pointee.added
    state.pointee.added = 0
    if state.pointee.usesEventIndex {
      return EventIndex.isDue(event: memory.availableEvent.pointee.load(ordering: .relaxed), new: new, old: old)
    }
    return memory.usedFlags.pointee.load(ordering: .relaxed) & VirtqueueMemory.suppressed == 0
  }

  /// Takes back the next chain that the device has used (`virtqueue_get_buf`), in the device's order; its descriptors
  /// are free again. O(descriptors of the chain).
  ///
  /// - Returns: nil if there is none, and where the device returned an id that isn't out, which makes the queue
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
      // The event must be out before the next call finds the ring empty, or the interrupt for what comes then is lost.
      atomicMemoryFence(ordering: .sequentiallyConsistent)
    }
    return UsedChain(id: head, descriptors: Int(count), length: length)
  }

  /// For a queue without a device: looks for used chains, as if the device had used everything published where it was
  /// kicked (``noteKick()``), where at most one descriptor is left, and where nothing was published since the last
  /// look. O(1): where no chain is ever detached by itself, the descriptors follow each other in a ring.
  @inlinable @inline(__always)
  public func lookForIdealDevice() {
    // `lastUsed` has no other use without a device: the index as it stood at the last look.
    let isIdle = state.pointee.lastUsed == state.pointee.availableIndex
    if isIdle || state.pointee.free <= 1 {
      state.pointee.free = UInt16(truncatingIfNeeded: size)
      state.pointee.inFlight = 0
    }
    state.pointee.lastUsed = state.pointee.availableIndex
  }

  /// For a queue without a device: it has seen a kick, and used everything by the next look.
  @inlinable @inline(__always)
  public func noteKick() { state.pointee.lastUsed = state.pointee.availableIndex }

  /// Asks the device for interrupts, or asks it to leave them (`virtqueue_enable_cb`, `virtqueue_disable_cb`): a hint
  /// that it may not have seen yet. With event indices "leave them" is an entry just passed, which comes up once in
  /// 65536 chains (virtio 1.2, 2.7.7).
  ///
  /// - Returns: whether a used chain waits now. After enabling, true means that no interrupt may come for it: detach
  ///   it before sleeping.
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
