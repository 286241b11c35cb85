/// Why a virtqueue can't be created.
public enum VirtqueueError: Error, Hashable, CustomStringConvertible, Sendable {
  /// The size isn't a power of two in 1...32768 (virtio 1.2, 2.7).
  case badSize(Int)
  /// The host refused the address space.
  case cannotReserve(bytes: Int)

  public var description: String {
    switch self {
    case .badSize(let size): "a virtqueue of \(size) descriptors; a power of two from 1 to 32768 can be made"
    case .cannotReserve(let bytes): "the host has no \(bytes) bytes of address space left for the virtqueue"
    }
  }
}
