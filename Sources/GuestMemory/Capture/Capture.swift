/// The free memory of a real machine, as its /proc/buddyinfo shows it, with what /proc/pagetypeinfo and /proc/zoneinfo
/// add.
///
/// No file says how large a page is; all pages are taken as 4 KiB, which is right for x86-64. The kinds of capture that
/// are refused, and why, are at `init(buddyinfo:pagetypeinfo:zoneinfo:)`.
public struct Capture: Equatable, Sendable {
  /// Orders 0 to 10 can be modelled (`MAX_PAGE_ORDER` of a kernel with 4 KiB pages is 10).
  public static let maximumOrders = 11
  /// 1 PiB. A capture with more free, present or in pageblocks is taken for damaged.
  public static let maximumBytes: UInt64 = 1 << 50
  public static let pageBytes: UInt64 = 4096
  static let maximumPages = maximumBytes / pageBytes

  /// By node, then in the kernel's order of zones. Zones that have no memory are left out.
  public var zones: [CapturedZone]
  /// Number of orders, 1...11; the highest order is one less.
  public var orders: Int
  /// Order of a pageblock, below `orders`; nil without /proc/pagetypeinfo.
  public var pageblockOrder: Int?

  public init(zones: [CapturedZone], orders: Int, pageblockOrder: Int? = nil) {
    self.zones = zones
    self.orders = orders
    self.pageblockOrder = pageblockOrder
  }

  /// The nodes that have a zone, ascending, perhaps with gaps.
  public var nodeIDs: [Int] { Set(zones.map(\.nodeID)).sorted() }

  /// Free pages of 4 KiB over all zones and orders.
  public var freePages: UInt64 { zones.reduce(0) { $0 + $1.freePages } }

  /// Free bytes over all zones and orders.
  public var freeBytes: UInt64 { freePages * Self.pageBytes }

  /// Free blocks of `order` and above over all zones, each counted once.
  public func freeBlocks(atLeast order: Int) -> UInt64 {
    zones.reduce(0) { $0 + $1.freeBlocks(atLeast: order) }
  }
}
