import GuestMemory

/// The layout of hints in a strategy's buffer. Words are little-endian u64, as in the virtio specification.
public enum HintFormat: Sendable, Equatable {
  /// v8 (2017): two words a block, base and size in pages, each shifted left by 12 (numerically byte address and byte
  /// length).
  case baseAndSize
  /// v33 (2018) and later: one word a block, its byte address; the common size is in the header.
  case address(order: Int)

  /// Words per block.
  @inlinable public var stride: Int {
    switch self {
    case .baseAndSize: 2
    case .address: 1
    }
  }
}
