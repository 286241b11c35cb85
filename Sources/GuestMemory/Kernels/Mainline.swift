/// Mainline as of the 7.3 cycle (mm/page_alloc.c at 2fc4c1d51d87).
///
/// Left out: vm.defrag_mode, which is 0 by default; NR_FREE_PAGES_BLOCKS, which no design reads; requests and frees that may
/// not wait for a lock (BPF).
public enum Mainline: RulesSince6_12 {
  @inlinable public static var version: KernelVersion { .mainline }
  public typealias Lists = Linux6_12
  @inlinable public static var drainsInBatches: Bool { true }
  @inlinable public static func freeHighFrom(batch: Int32, highMin: Int32) -> Int32 { batch &+ highMin / 2 }
  @inlinable public static var atomicsUseReserveFirst: Bool { true }
  /// As before, except that a device may ask for order 0.
  public static func reportingOrder(parameter: Int?, device: Int?, pageblockOrder: Int) -> Int {
    [parameter, device].lazy.compactMap { $0 }.first { (0...10).contains($0) } ?? pageblockOrder
  }
  @inlinable public static var isolationKeepsType: Bool { true }
  @inlinable public static var freesRangesWhole: Bool { true }
  @inlinable public static var balloonLocksPages: Bool { false }
}
