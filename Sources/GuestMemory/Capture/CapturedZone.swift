/// One zone of a captured machine.
public struct CapturedZone: Equatable, Sendable {
  /// The node's number, 0...1023. Numbers may have gaps, such as nodes 0 and 8 only.
  public var nodeID: Int
  public var kind: CapturedZoneKind
  /// Free blocks by order, of all migratetypes.
  public var freeBlocks: [UInt64]
  /// Free blocks as `[CapturedMigratetype.rawValue][order]`, a row for each type, which add up to `freeBlocks`; nil
  /// without /proc/pagetypeinfo.
  public var freeBlocksByMigratetype: [[UInt64]]?
  /// By order, the types that have a free block: all that the letters of a kernel's log tell. nil where it has none.
  public var typesPresent: [Set<CapturedMigratetype>]?
  /// Pageblocks by `CapturedMigratetype.rawValue`; nil without /proc/pagetypeinfo, or if it leaves out
  /// this zone, which then has no free blocks.
  public var pageblocksByMigratetype: [UInt64]?
  /// Place, size and watermarks; nil without /proc/zoneinfo, or if it leaves out this zone, which then has no free
  /// blocks.
  public var details: ZoneDetails?

  public init(
    nodeID: Int, kind: CapturedZoneKind, freeBlocks: [UInt64], freeBlocksByMigratetype: [[UInt64]]? = nil,
    typesPresent: [Set<CapturedMigratetype>]? = nil, pageblocksByMigratetype: [UInt64]? = nil,
    details: ZoneDetails? = nil
  ) {
    self.nodeID = nodeID
    self.kind = kind
    self.freeBlocks = freeBlocks
    self.freeBlocksByMigratetype = freeBlocksByMigratetype
    self.typesPresent = typesPresent
    self.pageblocksByMigratetype = pageblocksByMigratetype
    self.details = details
  }

  /// The free pages of all orders.
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
    guard let details, details.hasPlace else { return nil }
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
/// type's number in a kernel without CMA (`enum migratetype` of Linux 4.4 and later), and CMA last.
public enum CapturedMigratetype: Int, CaseIterable, Sendable {
  case unmovable = 0
  case movable = 1
  case reclaimable = 2
  case highAtomic = 3
  case isolate = 4
  case cma = 5

  /// The kernel's spelling (`migratetype_names`).
  public var name: String {
    switch self {
    case .unmovable: "Unmovable"
    case .movable: "Movable"
    case .reclaimable: "Reclaimable"
    case .highAtomic: "HighAtomic"
    case .isolate: "Isolate"
    case .cma: "CMA"
    }
  }

  /// The letter that the kernel's log has for it (`show_migration_types`).
  public var letter: Character {
    switch self {
    case .unmovable: "U"
    case .movable: "M"
    case .reclaimable: "E"
    case .highAtomic: "H"
    case .isolate: "I"
    case .cma: "C"
    }
  }

  /// What kernels before 4.4 had in place of HighAtomic: blocks kept for allocations that can't wait, too.
  static let formerHighAtomic = "Reserve"

  /// Creates the type with the kernel's spelling `name`, in any case; `Reserve` is `highAtomic`. nil for any other name.
  public init?(name: some StringProtocol) {
    let lowered = name.lowercased()
    if lowered == Self.formerHighAtomic.lowercased() {
      self = .highAtomic
      return
    }
    guard let type = Self.allCases.first(where: { $0.name.lowercased() == lowered }) else { return nil }
    self = type
  }

  /// Creates the type with the letter of a log; `R`, of kernels before 4.4, is `highAtomic`. nil for any other letter.
  init?(letter: Character) {
    guard let type = letter == "R" ? .highAtomic : Self.allCases.first(where: { $0.letter == letter }) else {
      return nil
    }
    self = type
  }
}
