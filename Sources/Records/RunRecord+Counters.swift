extension RunRecord {
  /// Hardware events of the strategy's thread, and where they were counted.
  public struct Counters: Hashable, Sendable {
    /// `cycles`: CPU cycles.
    public var cycles: Int?
    /// `instructions`: Instructions retired.
    public var instructions: Int?
    /// `l1d_misses`: Level 1 data cache misses.
    public var l1dMisses: Int?
    /// `l2_misses`: Level 2 cache misses.
    public var l2Misses: Int?
    /// `llc_misses`: Last-level cache misses.
    public var llcMisses: Int?
    /// `dtlb_misses`: Data TLB misses.
    public var dtlbMisses: Int?
    /// `counters_source`: What counted: papi or simulated.
    public var source: String?

    /// Values left out are not measured.
    public init(
      cycles: Int? = nil,
      instructions: Int? = nil,
      l1dMisses: Int? = nil,
      l2Misses: Int? = nil,
      llcMisses: Int? = nil,
      dtlbMisses: Int? = nil,
      source: String? = nil
    ) {
      self.cycles = cycles
      self.instructions = instructions
      self.l1dMisses = l1dMisses
      self.l2Misses = l2Misses
      self.llcMisses = llcMisses
      self.dtlbMisses = dtlbMisses
      self.source = source
    }
  }
}
