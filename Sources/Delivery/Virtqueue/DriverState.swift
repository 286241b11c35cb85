/// What the driver keeps for itself beside the queue, as `struct vring_virtqueue` does, so that nothing the device
/// could overwrite leads it astray. At most a cache line.
@usableFromInline
struct DriverState {
  /// First descriptor of the free list.
  @usableFromInline var freeHead: UInt16 = 0
  /// num_free
  @usableFromInline var free: UInt16
  /// Descriptors in chains that aren't detached yet. Counted apart from `free`, which it must add up to N with.
  @usableFromInline var inFlight: UInt16 = 0
  /// The available index as published.
  @usableFromInline var availableIndex: UInt16 = 0
  /// The used index up to which chains were detached.
  @usableFromInline var lastUsed: UInt16 = 0
  /// Chains published since a kick was last decided on; below 65535.
  @usableFromInline var added: UInt16 = 0
  /// A decision that was forced between two calls of kickPrepare() fell in favour of a kick.
  @usableFromInline var kickOwed = false
  @usableFromInline var interrupts = true
  @usableFromInline var isBroken = false
  @usableFromInline let usesEventIndex: Bool

  init(size: UInt16, usesEventIndex: Bool) {
    free = size
    self.usesEventIndex = usesEventIndex
  }
}
