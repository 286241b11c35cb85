extension RunRecord {
  /// What ran beside the strategy, and where everything was placed.
  public struct Load: Hashable, Sendable {
    /// `load`: What the mutators do: none, order0, thp, mixed, faults or compile.
    public var kind: String
    /// `mutators`: Threads that allocate and free while the strategy runs.
    public var mutators: Int
    /// `oversubscribed`: More measured threads than cores: kept, and left out of verdicts.
    public var oversubscribed: Bool
    /// `cache`: State of the caches at the start: cold or warm.
    public var cache: String
    /// `host_ack_ns`: Time the host takes to acknowledge a report; a setting. ns.
    public var hostAckNs: Double?
    /// `scan_cpu`: Host CPU of the strategy's thread; empty with several scanners.
    public var scanCPU: Int?
    /// `scan_node`: Host node of the strategy's thread; empty with scanners on several.
    public var scanNode: Int?
    /// `memory_node`: Host node of the guest's memory; empty if several.
    public var memoryNode: Int?

    /// Values left out are not measured.
    public init(
      kind: String,
      mutators: Int,
      oversubscribed: Bool,
      cache: String,
      hostAckNs: Double? = nil,
      scanCPU: Int? = nil,
      scanNode: Int? = nil,
      memoryNode: Int? = nil
    ) {
      self.kind = kind
      self.mutators = mutators
      self.oversubscribed = oversubscribed
      self.cache = cache
      self.hostAckNs = hostAckNs
      self.scanCPU = scanCPU
      self.scanNode = scanNode
      self.memoryNode = memoryNode
    }
  }
}
