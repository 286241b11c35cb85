/// The rule of `VIRTIO_RING_F_EVENT_IDX` (virtio 1.2, 2.7.7 and 2.7.10): the other side names the ring position whose
/// crossing it wants to be told of.
public enum EventIndex {
  /// Whether a ring index that went from `old` to `new` passed the entry `event`, so that a notification is due. All
  /// three run freely modulo 2^16; at most 65535 entries may lie between `old` and `new`.
  @inlinable @inline(__always)
  public static func isDue(event: UInt16, new: UInt16, old: UInt16) -> Bool {
    new &- event &- 1 < new &- old
  }
}
