import Synchronization

/// A handle on the shared memory of a split virtqueue: each field of ``VirtqueueLayout`` by its name in the
/// specification. Trivial; valid as long as its ``Virtqueue``.
///
/// Fields that both sides access concurrently (flags, idx, the event fields) are atomic. Descriptors and ring entries
/// are plain: a reader has acquired the index that their writer released after writing them.
@usableFromInline
struct VirtqueueMemory {
  @usableFromInline let descriptors: UnsafeMutableRawPointer
  @usableFromInline let available: UnsafeMutableRawPointer
  @usableFromInline let used: UnsafeMutableRawPointer
  /// N - 1: the mask for a free-running index.
  @usableFromInline let mask: Int

  init(base: UnsafeMutableRawPointer, layout: VirtqueueLayout) {
    descriptors = base + layout.descriptorTableOffset
    available = base + layout.availableRingOffset
    used = base + layout.usedRingOffset
    mask = layout.size - 1
  }

  /// VIRTQ_DESC_F_NEXT, _WRITE, _INDIRECT
  @inlinable static var next: UInt16 { 1 }
  @inlinable static var write: UInt16 { 2 }
  @inlinable static var indirect: UInt16 { 4 }
  /// VIRTQ_AVAIL_F_NO_INTERRUPT in the available ring's flags, VIRTQ_USED_F_NO_NOTIFY in the used ring's.
  @inlinable static var suppressed: UInt16 { 1 }

  @inlinable @inline(__always)
  var size: Int { mask &+ 1 }

  @inlinable @inline(__always)
  static func atomic(_ address: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<UInt16>> {
    address.assumingMemoryBound(to: Atomic<UInt16>.self)
  }

  @inlinable var availableFlags: UnsafeMutablePointer<Atomic<UInt16>> { Self.atomic(available) }
  @inlinable var availableIndex: UnsafeMutablePointer<Atomic<UInt16>> { Self.atomic(available + 2) }
  @inlinable var usedEvent: UnsafeMutablePointer<Atomic<UInt16>> { Self.atomic(available + (4 &+ 2 &* size)) }
  @inlinable var usedFlags: UnsafeMutablePointer<Atomic<UInt16>> { Self.atomic(used) }
  @inlinable var usedIndex: UnsafeMutablePointer<Atomic<UInt16>> { Self.atomic(used + 2) }
  @inlinable var availableEvent: UnsafeMutablePointer<Atomic<UInt16>> { Self.atomic(used + (4 &+ 8 &* size)) }

  @inlinable @inline(__always)
  func availableEntry(_ index: UInt16) -> UnsafeMutablePointer<UInt16> {
    (available + (4 &+ 2 &* (Int(index) & mask))).assumingMemoryBound(to: UInt16.self)
  }

  @inlinable @inline(__always)
  func usedElement(_ index: UInt16) -> UnsafeMutablePointer<UInt32> {
    (used + (4 &+ 8 &* (Int(index) & mask))).assumingMemoryBound(to: UInt32.self)
  }

  @inlinable @inline(__always)
  func writeDescriptor(_ index: Int, address: UInt64, length: UInt32, flags: UInt16, next: UInt16) {
    let descriptor = descriptors + 16 &* index
    descriptor.storeBytes(of: address, as: UInt64.self)
    descriptor.storeBytes(of: length, toByteOffset: 8, as: UInt32.self)
    descriptor.storeBytes(of: flags, toByteOffset: 12, as: UInt16.self)
    descriptor.storeBytes(of: next, toByteOffset: 14, as: UInt16.self)
  }

  @inlinable @inline(__always)
  func address(of index: Int) -> UInt64 { (descriptors + 16 &* index).load(as: UInt64.self) }
  @inlinable @inline(__always)
  func length(of index: Int) -> UInt32 { (descriptors + 16 &* index).load(fromByteOffset: 8, as: UInt32.self) }
  @inlinable @inline(__always)
  func flags(of index: Int) -> UInt16 { (descriptors + 16 &* index).load(fromByteOffset: 12, as: UInt16.self) }
  @inlinable @inline(__always)
  func next(of index: Int) -> UInt16 { (descriptors + 16 &* index).load(fromByteOffset: 14, as: UInt16.self) }
}
