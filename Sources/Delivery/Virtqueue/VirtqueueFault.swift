/// A violation of the virtio specification by the driver, found by the device. The device then stops serving until it
/// is reset (`DEVICE_NEEDS_RESET`).
public enum VirtqueueFault: Error, Hashable, CustomStringConvertible, Sendable {
  /// The available index is `ahead` entries ahead of the device, more than the ring holds.
  case availableIndexJumped(ahead: Int)
  /// The available ring names a descriptor outside the table.
  case headOutOfRange(head: Int)
  /// A descriptor's `next` is outside the table (virtio 1.2, 2.7.5).
  case nextOutOfRange(head: Int, next: Int)
  /// The chain has more descriptors than the queue (forbidden by virtio 1.2, 2.7.5.2 and 2.7.5.3.1). In a table of N
  /// descriptors a chain of more than N visits one twice, so such a chain is a loop.
  case loop(head: Int)
  /// A device-readable descriptor follows a device-writable one (virtio 1.2, 2.7.4.2).
  case readableAfterWritable(head: Int)
  /// A descriptor has `VIRTQ_DESC_F_INDIRECT`, which the balloon's driver doesn't negotiate.
  case indirect(head: Int)

  public var description: String {
    switch self {
    case .availableIndexJumped(let ahead): "the available index is \(ahead) entries ahead, more than the ring holds"
    case .headOutOfRange(let head): "the available ring names descriptor \(head), which isn't there"
    case .nextOutOfRange(let head, let next): "the chain of descriptor \(head) leads to \(next), which isn't there"
    case .loop(let head): "the chain of descriptor \(head) is longer than the queue: it loops"
    case .readableAfterWritable(let head): "the chain of descriptor \(head) has a readable part after a writable one"
    case .indirect(let head): "the chain of descriptor \(head) is indirect, which was not negotiated"
    }
  }
}
