import GuestMemory

/// How a strategy lays out hints in its buffer. Words are little-endian u64, as the virtio specification wants them.
public enum HintFormat: Sendable, Equatable {
  /// v8 (2017): two words a block, base and size in pages, each shifted left by 12 (numerically byte address and byte
  /// length).
  case baseAndSize
  /// v33 (2018) and after: one word a block, its byte address; the size is the same for all and stands in the header.
  case address(order: Int)

  /// Words a block takes.
  @inlinable public var stride: Int {
    switch self {
    case .baseAndSize: 2
    case .address: 1
    }
  }
}
