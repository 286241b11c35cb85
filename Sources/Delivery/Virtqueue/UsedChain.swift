/// A chain that the device has used and ``DriverQueue/detachUsed()`` returned.
public struct UsedChain: Sendable, Hashable {
  /// The chain's head: the value of ``DriverQueue/nextID`` before the chain was added.
  public let id: Int
  /// The number of its descriptors, which are free again.
  public let descriptors: Int
  /// Bytes written into the chain, according to the device.
  public let length: UInt32

  @inlinable
  init(id: Int, descriptors: Int, length: UInt32) {
    self.id = id
    self.descriptors = descriptors
    self.length = length
  }
}
