/// The results of a repetition in one zone: a row of `zones.csv`. ``columns`` documents the values.
///
/// Unmeasured values are nil and stand as empty fields, never as 0.
public struct ZoneRecord: Hashable, Sendable {
  public var runID = ""
  public var cellID = ""
  public var repetition = 0
  public var node = 0
  public var hostNode: Int?
  public var zone = ""
  public var blocksFree: Int?
  public var blocksReported: Int?
  public var bytesFree: UInt64?
  public var bytesReported: UInt64?
  public var coverage: Double?
  public var lockAcquisitions: Int?
  public var lockHoldNsP50: Double?
  public var lockHoldNsP99: Double?
  public var lockHoldNsMax: Double?
  public var lockHoldNsTotal: Double?
  public var scanNs: Double?
  public var nsPerBlock: Double?

  /// Creates a record without values.
  public init() {}
}

extension ZoneRecord: RepetitionRecord {
  /// The record's repetition.
  public var key: RepetitionKey { RepetitionKey(cellID: cellID, repetition: repetition) }

  /// `zones.csv`.
  public static var fileName: String { "zones.csv" }

  /// A record without values.
  public static var blank: ZoneRecord { ZoneRecord() }

  /// The columns of `zones.csv` in order.
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
      "scan_ns", unit: "ns", direction: .lowerIsBetter, \.scanNs,
      meaning: "Always empty: what a session does between its holds belongs to no zone."),
    Column(
      "ns_per_block", unit: "ns/block", direction: .lowerIsBetter, \.nsPerBlock,
      meaning: "All holds of the zone together, those that give back as well, for each distinct block reported."),
  ]
}
