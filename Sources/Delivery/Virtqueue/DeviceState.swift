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
