/// `vb->pfns`: what one message to the host names, 32 bits each, little-endian. A handle on memory of the balloon's.
public struct PFNArray: @unchecked Sendable {
  // Right to send: an address; one thread at a time uses it, see Balloon.
  @usableFromInline let base: UnsafeMutablePointer<UInt32>

  @inlinable @inline(__always)
  init(_ base: UnsafeMutablePointer<UInt32>) { self.base = base }

  /// VIRTIO_BALLOON_ARRAY_PFNS_MAX: how many go into one message.
  @inlinable public static var capacity: Int { 256 }

  /// The entry's PFN. Those of 16 TiB and more don't fit 32 bits (virtio 1.2, 5.5.6) and can't be told.
  @inlinable @inline(__always)
  public subscript(index: Int) -> UInt64 {
    get {
      assert(index >= 0 && index < PFNArray.capacity)
      return UInt64(UInt32(littleEndian: base[index]))
    }
    nonmutating set {
      assert(index >= 0 && index < PFNArray.capacity)
      base[index] = UInt32(newValue).littleEndian
    }
  }

  /// Where it lies, for a descriptor.
  @inlinable public var address: UInt64 { UInt64(UInt(bitPattern: base)) }
}
