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
