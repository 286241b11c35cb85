/// A host's counts on a virtqueue since it started.
public struct HostFigures: Sendable, Hashable {
  /// Chains popped and returned.
  public internal(set) var chains: UInt64 = 0
  /// Descriptors of these chains.
  public internal(set) var descriptors: UInt64 = 0
  /// Bytes of all buffers of these chains.
  public internal(set) var bytes: UInt64 = 0
  /// Kicks received from the driver; on a real host each is a VM exit.
  public internal(set) var notifications: UInt64 = 0
  /// Times the host slept and was woken.
  public internal(set) var wakeUps: UInt64 = 0
  /// Chains returned for which the driver wanted an interrupt.
  public internal(set) var interrupts: UInt64 = 0
  /// Why the host stopped serving; nil if it didn't fail.
  public internal(set) var fault: VirtqueueFault?

  public init() {}

  @inline(__always)
  mutating func count(_ chain: VirtqueueChain, interrupt: Bool, bytes: UInt64) {
    chains &+= 1
    descriptors &+= UInt64(chain.descriptors)
    self.bytes &+= bytes
    if interrupt { interrupts &+= 1 }
  }
}
