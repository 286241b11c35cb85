extension RunRecord {
  /// How quiet the machine was while the repetition ran.
  public struct Trust: Hashable, Sendable {
    /// `noise_ns_p999`: 99.9th percentile of empty intervals as long as the median hold. ns.
    public var noiseNsP999: Double?
    /// `noise_ns_max`: Longest of the empty intervals. ns.
    public var noiseNsMax: Double?
    /// `involuntary_switches`: Involuntary context switches of the measured threads; above 0 the row is marked.
    public var involuntarySwitches: Int?
    /// `minor_faults`: Minor page faults of the measuring threads.
    public var minorFaults: Int?
    /// `steal_ns`: Time the hypervisor took from this machine. ns.
    public var stealNs: Double?

    /// Values left out are not measured.
    public init(
      noiseNsP999: Double? = nil,
      noiseNsMax: Double? = nil,
      involuntarySwitches: Int? = nil,
      minorFaults: Int? = nil,
      stealNs: Double? = nil
    ) {
      self.noiseNsP999 = noiseNsP999
      self.noiseNsMax = noiseNsMax
      self.involuntarySwitches = involuntarySwitches
      self.minorFaults = minorFaults
      self.stealNs = stealNs
    }
  }

  /// Whether a measured thread was taken off its CPU in the middle of it; nil where that wasn't watched. Such a
  /// repetition is kept and marked.
  public var isPreempted: Bool? { trust.involuntarySwitches.map { $0 > 0 } }
}
