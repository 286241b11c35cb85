/// What the device keeps for itself beside the queue. At most a cache line.
@usableFromInline
struct DeviceState {
  /// The available index up to which chains were popped.
  @usableFromInline var lastAvailable: UInt16 = 0
  /// The available index as last read: while it is ahead of `lastAvailable` the driver's cache line is left alone.
  @usableFromInline var seenAvailable: UInt16 = 0
  /// The used index as published.
  @usableFromInline var usedIndex: UInt16 = 0
  /// The position `avail_event` stands at.
  @usableFromInline var armedAt: UInt16 = 0
  @usableFromInline var notifications = true
  @usableFromInline let usesEventIndex: Bool

  init(usesEventIndex: Bool) { self.usesEventIndex = usesEventIndex }
}
