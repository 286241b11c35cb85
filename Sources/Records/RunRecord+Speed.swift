extension RunRecord {
  /// What the session cost. From the pass without a probe.
  public struct Speed: Hashable, Sendable {
    /// `scan_ns`: From the session's start to the last hint accepted, without return_ns. ns.
    public var scanNs: Double?
    /// `ms_per_tib`: Scan time for each TiB reported, each byte counted once. ms/TiB.
    public var msPerTiB: Double?
    /// `ns_per_block`: Scan time for each distinct block reported. ns a block.
    public var nsPerBlock: Double?
    /// `blocks_per_second`: Distinct blocks reported a second.
    public var blocksPerSecond: Double?
    /// `gib_per_second`: Distinct bytes reported a second, as addresses.
    public var gibPerSecond: Double?
    /// `guest_cpu_ns`: CPU time of the strategy's thread, return included. ns.
    public var guestCPUNs: Double?
    /// `return_ns`: Time to give taken blocks back. ns.
    public var returnNs: Double?
    /// `buffer_alloc_ns`: Time to get the buffers. ns.
    public var bufferAllocNs: Double?
    /// `buffer_free_ns`: Time to give the buffers back. ns.
    public var bufferFreeNs: Double?
    /// `page_init_ns`: Zeroing of allocated pages, from the measured zeroing rate; never part of scan_ns. ns.
    public var pageInitNs: Double?

    /// Values left out are not measured.
    public init(
      scanNs: Double? = nil,
      msPerTiB: Double? = nil,
      nsPerBlock: Double? = nil,
      blocksPerSecond: Double? = nil,
      gibPerSecond: Double? = nil,
      guestCPUNs: Double? = nil,
      returnNs: Double? = nil,
      bufferAllocNs: Double? = nil,
      bufferFreeNs: Double? = nil,
      pageInitNs: Double? = nil
    ) {
      self.scanNs = scanNs
      self.msPerTiB = msPerTiB
      self.nsPerBlock = nsPerBlock
      self.blocksPerSecond = blocksPerSecond
      self.gibPerSecond = gibPerSecond
      self.guestCPUNs = guestCPUNs
      self.returnNs = returnNs
      self.bufferAllocNs = bufferAllocNs
      self.bufferFreeNs = bufferFreeNs
      self.pageInitNs = pageInitNs
    }
  }
}
