extension RunRecord {
  /// Holds of, and waits for, the zone locks by the strategy's thread. A hold includes the clock's cost.
  public struct Lock: Hashable, Sendable {
    /// `lock_acquisitions`: Times a zone lock was taken.
    public var acquisitions: Int?
    /// `items_per_hold_max`: Most list entries looked at in one hold, emitted or skipped.
    public var itemsPerHoldMax: Int?
    /// `lock_hold_ns_mean`: Mean hold. ns.
    public var holdNsMean: Double?
    /// `lock_hold_ns_p50`: Median hold. ns.
    public var holdNsP50: Double?
    /// `lock_hold_ns_p99`: 99th percentile of the holds. ns.
    public var holdNsP99: Double?
    /// `lock_hold_ns_p999`: 99.9th percentile of the holds. ns.
    public var holdNsP999: Double?
    /// `lock_hold_ns_max`: Longest single hold; on a shared machine mostly its noise. ns.
    public var holdNsMax: Double?
    /// `lock_hold_ns_total`: All holds together. ns.
    public var holdNsTotal: Double?
    /// `lock_wait_ns_p99`: 99th percentile of the waits for a zone lock. ns.
    public var waitNsP99: Double?
    /// `lock_wait_ns_max`: Longest wait for a zone lock. ns.
    public var waitNsMax: Double?

    /// Values left out are not measured.
    public init(
      acquisitions: Int? = nil,
      itemsPerHoldMax: Int? = nil,
      holdNsMean: Double? = nil,
      holdNsP50: Double? = nil,
      holdNsP99: Double? = nil,
      holdNsP999: Double? = nil,
      holdNsMax: Double? = nil,
      holdNsTotal: Double? = nil,
      waitNsP99: Double? = nil,
      waitNsMax: Double? = nil
    ) {
      self.acquisitions = acquisitions
      self.itemsPerHoldMax = itemsPerHoldMax
      self.holdNsMean = holdNsMean
      self.holdNsP50 = holdNsP50
      self.holdNsP99 = holdNsP99
      self.holdNsP999 = holdNsP999
      self.holdNsMax = holdNsMax
      self.holdNsTotal = holdNsTotal
      self.waitNsP99 = waitNsP99
      self.waitNsMax = waitNsMax
    }
  }
}
