/// What one repetition found, held and cost in one zone of one node: a row of `zones.csv`.
///
/// What was not measured is nil and stands as an empty field, never as 0.
public struct ZoneRecord: Hashable, Sendable {
  /// `run_id`.
  public var runID: String
  /// `cell_id`.
  public var cellID: String
  /// `repetition`.
  public var repetition: Int
  /// `node`: the guest's node.
  public var node: Int
  /// `host_node`: the host node its memory lies on.
  public var hostNode: Int?
  /// `zone`: DMA, DMA32, Normal or Movable.
  public var zone: String
  /// `blocks_free`: free at the start at orders >= order.
  public var blocksFree: Int?
  /// `blocks_reported`.
  public var blocksReported: Int?
  /// `bytes_free`: all free memory of the zone at the start. Bytes.
  public var bytesFree: UInt64?
  /// `bytes_reported`: each counted once. Bytes.
  public var bytesReported: UInt64?
  /// `coverage`: as in `runs.csv`, of this zone. 0...1.
  public var coverage: Double?
  /// `lock_acquisitions`.
  public var lockAcquisitions: Int?
  /// `lock_hold_ns_p50`. ns.
  public var lockHoldNsP50: Double?
  /// `lock_hold_ns_p99`. ns.
  public var lockHoldNsP99: Double?
  /// `lock_hold_ns_max`. ns.
  public var lockHoldNsMax: Double?
  /// `lock_hold_ns_total`. ns.
  public var lockHoldNsTotal: Double?
  /// `scan_ns`: time spent in this zone. ns.
  public var scanNs: Double?
  /// `ns_per_block`. ns a block.
  public var nsPerBlock: Double?

  /// Values left out are not measured.
  public init(
    runID: String,
    cellID: String,
    repetition: Int,
    node: Int,
    hostNode: Int? = nil,
    zone: String,
    blocksFree: Int? = nil,
    blocksReported: Int? = nil,
    bytesFree: UInt64? = nil,
    bytesReported: UInt64? = nil,
    coverage: Double? = nil,
    lockAcquisitions: Int? = nil,
    lockHoldNsP50: Double? = nil,
    lockHoldNsP99: Double? = nil,
    lockHoldNsMax: Double? = nil,
    lockHoldNsTotal: Double? = nil,
    scanNs: Double? = nil,
    nsPerBlock: Double? = nil
  ) {
    self.runID = runID
    self.cellID = cellID
    self.repetition = repetition
    self.node = node
    self.hostNode = hostNode
    self.zone = zone
    self.blocksFree = blocksFree
    self.blocksReported = blocksReported
    self.bytesFree = bytesFree
    self.bytesReported = bytesReported
    self.coverage = coverage
    self.lockAcquisitions = lockAcquisitions
    self.lockHoldNsP50 = lockHoldNsP50
    self.lockHoldNsP99 = lockHoldNsP99
    self.lockHoldNsMax = lockHoldNsMax
    self.lockHoldNsTotal = lockHoldNsTotal
    self.scanNs = scanNs
    self.nsPerBlock = nsPerBlock
  }
}

extension ZoneRecord: TabularRecord {
  /// `zones.csv`.
  public static var fileName: String { "zones.csv" }

  /// Nothing yet.
  public static var blank: ZoneRecord { ZoneRecord(runID: "", cellID: "", repetition: 0, node: 0, zone: "") }

  /// The columns of `zones.csv` in its order.
  public static let columns: [Column<ZoneRecord>] = [
    Column("run_id", \.runID, meaning: "The run this row belongs to."),
    Column("cell_id", \.cellID, meaning: "The cell this row belongs to."),
    Column("repetition", \.repetition, meaning: "The repetition this row belongs to."),
    Column("node", \.node, meaning: "Node of the guest."),
    Column("host_node", \.hostNode, meaning: "Host node the guest node's memory lies on."),
    Column("zone", \.zone, meaning: "Zone: DMA, DMA32, Normal or Movable."),
    Column("blocks_free", unit: "blocks", \.blocksFree, meaning: "Free at the start at orders >= order."),
    Column("blocks_reported", unit: "blocks", \.blocksReported, meaning: "Blocks reported."),
    Column("bytes_free", unit: "bytes", \.bytesFree, meaning: "All free memory of the zone at the start."),
    Column("bytes_reported", unit: "bytes", \.bytesReported, meaning: "Bytes reported, each counted once."),
    Column(
      "coverage", unit: "share", direction: .higherIsBetter, \.coverage,
      meaning: "Distinct bytes reported that were free at the start / bytes free then at orders >= order."),
    Column(
      "lock_acquisitions", direction: .lowerIsBetter, \.lockAcquisitions, meaning: "Times the zone's lock was taken."),
    Column("lock_hold_ns_p50", unit: "ns", direction: .lowerIsBetter, \.lockHoldNsP50, meaning: "Median hold."),
    Column(
      "lock_hold_ns_p99", unit: "ns", direction: .lowerIsBetter, \.lockHoldNsP99,
      meaning: "99th percentile of the holds."),
    Column("lock_hold_ns_max", unit: "ns", direction: .lowerIsBetter, \.lockHoldNsMax, meaning: "Longest single hold."),
    Column(
      "lock_hold_ns_total", unit: "ns", direction: .lowerIsBetter, \.lockHoldNsTotal, meaning: "All holds together."),
    Column(
      "scan_ns", unit: "ns", direction: .lowerIsBetter, \.scanNs, meaning: "Time spent in the zone; not measured."),
    Column(
      "ns_per_block", unit: "ns/block", direction: .lowerIsBetter, \.nsPerBlock,
      meaning: "All holds of the zone together, those that give back as well, for each distinct block reported."),
  ]
}
