extension RunRecord {
  /// What the strategy took from the guest while it ran.
  public struct SideEffects: Hashable, Sendable {
    /// `blocks_withheld_max`: Most memory held off the free lists at once, in blocks of the highest order, rounded up.
    public var blocksWithheldMax: Int?
    /// `withheld_byte_seconds`: Bytes held off the free lists, times how long. Byte seconds.
    public var withheldByteSeconds: Double?
    /// `bytes_free_min`: Lowest free memory while the strategy ran. Bytes.
    public var bytesFreeMin: UInt64?

    /// Values left out are not measured.
    public init(
      blocksWithheldMax: Int? = nil,
      withheldByteSeconds: Double? = nil,
      bytesFreeMin: UInt64? = nil
    ) {
      self.blocksWithheldMax = blocksWithheldMax
      self.withheldByteSeconds = withheldByteSeconds
      self.bytesFreeMin = bytesFreeMin
    }
  }
}
