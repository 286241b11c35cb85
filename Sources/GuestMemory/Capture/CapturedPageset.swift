/// A CPU's per-CPU page lists in one zone, from /proc/zoneinfo.
public struct CapturedPageset: Equatable, Sendable {
  /// The CPU's number; the kernel leaves out offline CPUs.
  public var cpu: Int
  /// The number of pages on the lists, which aren't in the free areas.
  public var count: UInt64
  /// The number of pages above which the lists are drained.
  public var high: UInt64
  /// The number of pages per refill.
  public var batch: UInt64

  public init(cpu: Int, count: UInt64, high: UInt64, batch: UInt64) {
    self.cpu = cpu
    self.count = count
    self.high = high
    self.batch = batch
  }
}
