extension RunRecord {
  /// What the strategy found, counted against the guest as it really was.
  public struct Found: Hashable, Sendable {
    /// `outcome`: How the session ended: complete, limit, no-buffer, stopped or error.
    public var outcome: RunOutcome
    /// `blocks_free`: Free at the start at orders >= order, all zones and migratetypes, reachable or not.
    public var blocksFree: Int?
    /// `blocks_reported`: Blocks reported.
    public var blocksReported: Int?
    /// `blocks_duplicate`: Reports of blocks that had been reported before.
    public var blocksDuplicate: Int?
    /// `blocks_missed`: Free at the start, touched by nobody until the end, never reported.
    public var blocksMissed: Int?
    /// `blocks_stale`: Distinct reported blocks no longer wholly free when the session ended.
    public var blocksStale: Int?
    /// `bytes_reported`: Bytes reported, each counted once. Bytes.
    public var bytesReported: UInt64?
    /// `coverage`: Distinct bytes reported that were free at the start / bytes free then at orders >= order. 0...1.
    public var coverage: Double?
    /// `coverage_free`: Distinct bytes reported that were free at the start / all bytes free then. 0...1.
    public var coverageFree: Double?
    /// `restarts`: Times the strategy began a list again.
    public var restarts: Int?

    /// Values left out are not measured.
    public init(
      outcome: RunOutcome,
      blocksFree: Int? = nil,
      blocksReported: Int? = nil,
      blocksDuplicate: Int? = nil,
      blocksMissed: Int? = nil,
      blocksStale: Int? = nil,
      bytesReported: UInt64? = nil,
      coverage: Double? = nil,
      coverageFree: Double? = nil,
      restarts: Int? = nil
    ) {
      self.outcome = outcome
      self.blocksFree = blocksFree
      self.blocksReported = blocksReported
      self.blocksDuplicate = blocksDuplicate
      self.blocksMissed = blocksMissed
      self.blocksStale = blocksStale
      self.bytesReported = bytesReported
      self.coverage = coverage
      self.coverageFree = coverageFree
      self.restarts = restarts
    }
  }
}
