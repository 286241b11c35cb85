/// What Linux 6.12 changed, which later kernels begin with.
public protocol RulesSince6_12: KernelRules {}

/// Linux 6.12.y, as Debian 13 has it (6.12.117).
public enum Linux6_12: RulesSince6_12 {
  @inlinable public static var version: KernelVersion { .linux612 }
}

extension RulesSince6_12 {
  @inlinable public static var tunesPerCPULists: Bool { true }
  @inlinable public static var notesMigratetype: Bool { false }
  @inlinable public static var alwaysChecksPages: Bool { false }
  @inlinable public static var keepsListsPure: Bool { true }
  @inlinable public static var claimsOrSteals: Bool { true }
  @inlinable public static var countsFreeHighAtomic: Bool { true }

  @inlinable public static func mostHighAtomic(managed: UInt64, pageblock: UInt64) -> UInt64 {
    let hundredth = managed / 100
    // Less than a pageblock isn't worth a reserve.
    return hundredth < pageblock ? 0 : (hundredth &+ pageblock &- 1) / pageblock &* pageblock
  }

  @inlinable public static var highIgnoresBoost: Bool { true }

  /// A parameter in 0 ... 10 before a device's order in 1 ... 10.
  public static func reportingOrder(parameter: Int?, device: Int?, pageblockOrder: Int) -> Int {
    for (order, orders) in [(parameter, 0...10), (device, 1...10)] {
      if let order, orders.contains(order) { return order }
    }
    return pageblockOrder
  }
}
