/// A chain that the device has popped and validated. Trivial; valid until it is pushed.
public struct VirtqueueChain {
  @usableFromInline let memory: VirtqueueMemory
  /// The first descriptor: the argument of ``DeviceQueue/push(head:length:)``.
  public let head: Int
  /// The number of descriptors, 1...N.
  public let descriptors: Int

  @inlinable @inline(__always)
  init(memory: VirtqueueMemory, head: Int, descriptors: Int) {
    self.memory = memory
    self.head = head
    self.descriptors = descriptors
  }

  /// Calls `body` with each buffer in order: guest address and length in bytes, and whether the device writes it. Stays
  /// inside the table even if the driver changes it meanwhile. O(descriptors).
  @inlinable @inline(__always)
  public func forEach(_ body: (_ address: UInt64, _ length: UInt32, _ deviceWrites: Bool) -> Void) {
    var index = head
    var left = descriptors
    while left > 0 {
      body(
        memory.address(of: index), memory.length(of: index), memory.flags(of: index) & VirtqueueMemory.write != 0)
      index = Int(memory.next(of: index)) & memory.mask
      left &-= 1
    }
  }

  /// Bytes of all buffers. O(descriptors).
  @inlinable public var bytes: UInt64 {
    var sum: UInt64 = 0
    forEach { _, length, _ in sum &+= UInt64(length) }
    return sum
  }
}
