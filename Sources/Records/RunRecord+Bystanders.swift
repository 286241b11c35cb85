extension RunRecord {
  /// What the mutators did and suffered. Irq-off time is a wait plus the mutator's own hold.
  public struct Bystanders: Hashable, Sendable {
    /// `mutator_ops_per_second`: Allocations that were granted, and frees, a second; all mutators.
    public var opsPerSecond: Double?
    /// `mutator_alloc_ns_p50`: Median allocation. ns.
    public var allocNsP50: Double?
    /// `mutator_alloc_ns_p99`: 99th percentile of the allocations. ns.
    public var allocNsP99: Double?
    /// `mutator_alloc_ns_p999`: 99.9th percentile of the allocations. ns.
    public var allocNsP999: Double?
    /// `mutator_alloc_ns_max`: Longest allocation. ns.
    public var allocNsMax: Double?
    /// `mutator_irqoff_ns_p99`: 99th percentile of the mutators' irq-off times. ns.
    public var irqoffNsP99: Double?
    /// `mutator_irqoff_ns_p999`: 99.9th percentile of the mutators' irq-off times. ns.
    public var irqoffNsP999: Double?
    /// `mutator_irqoff_ns_max`: Longest irq-off time of a mutator. ns.
    public var irqoffNsMax: Double?
    /// `mutator_wait_ns_total`: All waits for zone locks, all mutators. ns.
    public var waitNsTotal: Double?
    /// `mutator_alloc_failed`: Allocations that failed.
    public var allocFailed: Int?

    /// Values left out are not measured.
    public init(
      opsPerSecond: Double? = nil,
      allocNsP50: Double? = nil,
      allocNsP99: Double? = nil,
      allocNsP999: Double? = nil,
      allocNsMax: Double? = nil,
      irqoffNsP99: Double? = nil,
      irqoffNsP999: Double? = nil,
      irqoffNsMax: Double? = nil,
      waitNsTotal: Double? = nil,
      allocFailed: Int? = nil
    ) {
      self.opsPerSecond = opsPerSecond
      self.allocNsP50 = allocNsP50
      self.allocNsP99 = allocNsP99
      self.allocNsP999 = allocNsP999
      self.allocNsMax = allocNsMax
      self.irqoffNsP99 = irqoffNsP99
      self.irqoffNsP999 = irqoffNsP999
      self.irqoffNsMax = irqoffNsMax
      self.waitNsTotal = waitNsTotal
      self.allocFailed = allocFailed
    }
  }
}
