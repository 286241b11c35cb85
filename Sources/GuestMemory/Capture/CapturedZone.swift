/// One zone of a captured machine.
public struct CapturedZone: Equatable, Sendable {
  /// The node's number, 0...1023. Numbers may have gaps, such as nodes 0 and 8 only.
  public var nodeID: Int
  public var kind: CapturedZoneKind
  /// Free blocks by order, from /proc/buddyinfo.
  public var freeBlocks: [UInt64]
  /// Free blocks as `[CapturedMigratetype.rawValue][order]`, always five rows, which add up to `freeBlocks`; nil
  /// without /proc/pagetypeinfo.
  public var freeBlocksByMigratetype: [[UInt64]]?
  /// Pageblocks by `CapturedMigratetype.rawValue`, always five; nil without /proc/pagetypeinfo, or if it leaves out
  /// this zone, which then has no free blocks.
  public var pageblocksByMigratetype: [UInt64]?
  /// Place, size and watermarks; nil without /proc/zoneinfo, or if it leaves out this zone, which then has no free
  /// blocks.
  public var details: ZoneDetails?

  public init(
    nodeID: Int, kind: CapturedZoneKind, freeBlocks: [UInt64], freeBlocksByMigratetype: [[UInt64]]? = nil,
    pageblocksByMigratetype: [UInt64]? = nil, details: ZoneDetails? = nil
  ) {
    self.nodeID = nodeID
    self.kind = kind
    self.freeBlocks = freeBlocks
    self.freeBlocksByMigratetype = freeBlocksByMigratetype
    self.pageblocksByMigratetype = pageblocksByMigratetype
    self.details = details
  }

  /// The free 4 KiB pages of all orders.
  public var freePages: UInt64 {
    freeBlocks.enumerated().reduce(0) { $0 + ($1.element << UInt64($1.offset)) }
  }

  /// Returns the number of free blocks of `order` and above.
  public func freeBlocks(atLeast order: Int) -> UInt64 {
    freeBlocks.dropFirst(Swift.max(0, order)).reduce(0, +)
  }

  /// The highest order whose free blocks can't all be placed inside the span of `details`, naturally aligned and beside
  /// those of higher orders; nil if all fit, or if the span is unknown.
  ///
  /// Exact for a span without holes: a block of order n covers whole aligned blocks of every lower order, so counting
  /// is enough. Holes, and the rule that no two free buddies stay unmerged, may need more room.
  public var orderThatDoesNotFit: Int? {
    guard let details else { return nil }
    var taken: UInt64 = 0  // in blocks of the order looked at
    for (order, count) in freeBlocks.enumerated().reversed() {
      taken = taken * 2 + count
      if taken > details.alignedBlocks(order: order) { return order }
    }
    return nil
  }

  var id: CapturedZoneID { CapturedZoneID(nodeID: nodeID, kind: kind) }
}

/// The identity of a zone in all three files.
struct CapturedZoneID: Hashable, Comparable, CustomStringConvertible {
  var nodeID: Int
  var kind: CapturedZoneKind

  static func < (left: Self, right: Self) -> Bool {
    (left.nodeID, left.kind) < (right.nodeID, right.kind)
  }

  var description: String { "node \(nodeID), zone \(kind.rawValue)" }
}

/// A zone as named in the kernel's /proc files (`zone_names` in mm/page_alloc.c). The cases are in the kernel's order
/// of zones within a node (`enum zone_type`); `rawValue` is the kernel's spelling.
public enum CapturedZoneKind: String, CaseIterable, Comparable, Sendable {
  case dma = "DMA"
  case dma32 = "DMA32"
  case normal = "Normal"
  case highMem = "HighMem"
  case movable = "Movable"
  case device = "Device"

  /// The kernel's order: DMA lowest, Device highest.
  public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .dma: 0
    case .dma32: 1
    case .normal: 2
    case .highMem: 3
    case .movable: 4
    case .device: 5
    }
  }

  /// The names, for messages.
  static let accepted = "zone DMA, DMA32, Normal, HighMem, Movable or Device"
}

/// A migratetype as named in /proc/pagetypeinfo. `rawValue` is the index into the arrays of a `CapturedZone`: the
/// type's number in a kernel without CMA (`enum migratetype` of Linux 4.4 and later).
public enum CapturedMigratetype: Int, CaseIterable, Sendable {
  case unmovable = 0
  case movable = 1
  case reclaimable = 2
  case highAtomic = 3
  case isolate = 4

  /// The kernel's spelling (`migratetype_names`).
  public var name: String {
    switch self {
    case .unmovable: "Unmovable"
    case .movable: "Movable"
    case .reclaimable: "Reclaimable"
    case .highAtomic: "HighAtomic"
    case .isolate: "Isolate"
    }
  }

  /// Creates the type with the kernel's spelling `name`; nil for any other name, CMA included.
  public init?(name: some StringProtocol) {
    guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = type
  }
}
