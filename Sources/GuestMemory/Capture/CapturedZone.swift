/// One zone of a captured machine.
public struct CapturedZone: Equatable, Sendable {
  /// The node's number, 0...1023. Numbers may have gaps: a machine may have nodes 0 and 8 only.
  public var nodeID: Int
  public var kind: CapturedZoneKind
  /// Free blocks by order, from /proc/buddyinfo.
  public var freeBlocks: [UInt64]
  /// Free blocks as `[CapturedMigratetype.rawValue][order]`, always five rows; nil without /proc/pagetypeinfo. Their
  /// sum over the types is `freeBlocks`.
  public var freeBlocksByMigratetype: [[UInt64]]?
  /// Pageblocks by `CapturedMigratetype.rawValue`, always five; nil without /proc/pagetypeinfo, and for a zone without
  /// free blocks that it leaves out.
  public var pageblocksByMigratetype: [UInt64]?
  /// Place, size and watermarks; nil without /proc/zoneinfo, and for a zone without free blocks that it leaves out.
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

  /// Free pages of 4 KiB, over all orders.
  public var freePages: UInt64 {
    freeBlocks.enumerated().reduce(0) { $0 + ($1.element << UInt64($1.offset)) }
  }

  /// Free blocks of `order` and above, each counted once.
  public func freeBlocks(atLeast order: Int) -> UInt64 {
    freeBlocks.dropFirst(Swift.max(0, order)).reduce(0, +)
  }

  /// The highest order whose free blocks can't all be placed, naturally aligned and beside those of higher orders,
  /// inside `details`'s span; nil if all can, or if the span isn't known.
  ///
  /// Exact for a span without holes: a block of order n takes whole aligned blocks of every lower order, so it is
  /// enough to count. Holes and the rule that no two free buddies stay unmerged may ask for more room.
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
