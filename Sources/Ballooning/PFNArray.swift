/// `vb->pfns`: the PFNs of one message to the host, 32 bits each, little-endian. A handle on memory of the balloon.
public struct PFNArray: @unchecked Sendable {
  // Right to send: an address; only one thread at a time uses it, see Balloon.
  @usableFromInline let base: UnsafeMutablePointer<UInt32>

  @inlinable @inline(__always)
  init(_ base: UnsafeMutablePointer<UInt32>) { self.base = base }

  /// VIRTIO_BALLOON_ARRAY_PFNS_MAX: the most PFNs in one message.
  @inlinable public static var capacity: Int { 256 }

  /// The PFN of an entry. PFNs of 2^32 and up (16 TiB) don't fit and can't be reported (virtio 1.2, 5.5.6).
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

  /// The array's address, for a descriptor.
  @inlinable public var address: UInt64 { UInt64(UInt(bitPattern: base)) }
}
