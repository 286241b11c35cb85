/// A chain that the device has given back, as the driver's ``DriverQueue/detachUsed()`` returns it.
public struct UsedChain: Sendable, Hashable {
  /// The chain's head: what ``DriverQueue/nextID`` was before the chain was added.
  public let id: Int
  /// How many descriptors it had; they are free again.
  public let descriptors: Int
  /// Bytes that the device says it wrote into it.
  public let length: UInt32

  @inlinable
  init(id: Int, descriptors: Int, length: UInt32) {
    self.id = id
    self.descriptors = descriptors
    self.length = length
  }
}
