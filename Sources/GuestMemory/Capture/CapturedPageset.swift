/// One CPU's per-cpu page lists in one zone, as /proc/zoneinfo shows them.
public struct CapturedPageset: Equatable, Sendable {
  /// The CPU's number; numbers of offline CPUs are left out by the kernel.
  public var cpu: Int
  /// Pages on the lists. They are not free in the sense of the free areas.
  public var count: UInt64
  /// Pages above which the lists are drained.
  public var high: UInt64
  /// Pages that one refill takes.
  public var batch: UInt64

  public init(cpu: Int, count: UInt64, high: UInt64, batch: UInt64) {
    self.cpu = cpu
    self.count = count
    self.high = high
    self.batch = batch
  }
}
