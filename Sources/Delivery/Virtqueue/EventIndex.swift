/// The rule of `VIRTIO_RING_F_EVENT_IDX` (virtio 1.2, 2.7.7 and 2.7.10): each side names the ring position at which it
/// wants to be notified.
public enum EventIndex {
  /// Whether a ring index passed the entry `event` on its way from `old` to `new`, so that a notification is due. All
  /// three run freely modulo 2^16; `new` may be at most 65535 entries ahead of `old`.
  @inlinable @inline(__always)
  public static func isDue(event: UInt16, new: UInt16, old: UInt16) -> Bool {
    new &- event &- 1 < new &- old
  }
}
