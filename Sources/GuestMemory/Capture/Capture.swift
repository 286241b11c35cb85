/// The free memory of a real machine, from its /proc files or its kernel's log: see ``CaptureReading`` for what is read
/// and what is refused.
///
/// No file of /proc gives the page size, only a log: see ``evidentPageSize``.
public struct Capture: Equatable, Sendable {
  /// Orders 0 to 10 can be modelled: a zone of the model has free areas for as many, and its lock right behind them, as
  /// kernels with 4 KiB pages have.
  public static let maximumOrders = 11
  /// The fewest orders of a kernel with pages of at most 64 KiB (sh and 32-bit powerpc). Rows with fewer counts were cut
  /// off, all alike, or there is one.
  public static let minimumOrders = 7
  /// 1 PiB. A capture with more free, present or in pageblocks is considered damaged.
  public static let maximumBytes: UInt64 = 1 << 50
  static let maximumPages = maximumBytes / PageSize.small.bytes

  /// The zones by node, then in the kernel's order, without zones that have no memory.
  public var zones: [CapturedZone]
  /// Whether /proc/zoneinfo was captured, too, which has the zones' places, sizes and watermarks, or a log, which has the
  /// latter two.
  public var hasZoneDetails: Bool { zones.contains { $0.details != nil } }
  /// The number of the machine's CPUs that were online, by the per-CPU lists in /proc/zoneinfo; nil without it.
  public var cpuCount: Int? {
    let cpus = Set(zones.flatMap { $0.details?.pagesets ?? [] }.map(\.cpu))
    return cpus.isEmpty ? nil : cpus.count
  }
  /// The number of orders, 1...11; the highest order is one less.
  public var orders: Int
  /// The order of a pageblock, below `orders`; nil without /proc/pagetypeinfo.
  public var pageblockOrder: Int?
  /// The page size that the text itself gives; nil: none. See ``evidentPageSize``.
  public var statedPageSize: PageSize?
  /// The size of its pages, by which figures in bytes are worked out.
  public var pageSize = PageSize.small
  /// Where each free block stands, by list; nil unless it was read from a kernel's lists.
  public var lists: KernelState?

  public init(zones: [CapturedZone], orders: Int, pageblockOrder: Int? = nil) {
    self.zones = zones
    self.orders = orders
    self.pageblockOrder = pageblockOrder
  }

  /// The nodes that have a zone, ascending, possibly with gaps.
  public var nodeIDs: [Int] { Set(zones.map(\.nodeID)).sorted() }

  /// The free pages of all zones and orders.
  public var freePages: UInt64 { zones.reduce(0) { $0 + $1.freePages } }

  /// The free bytes of all zones and orders.
  public var freeBytes: UInt64 { freePages * pageSize.bytes }

  /// Returns the number of free blocks of `order` and above in all zones.
  public func freeBlocks(atLeast order: Int) -> UInt64 {
    zones.reduce(0) { $0 + $1.freeBlocks(atLeast: order) }
  }

  /// The zones whose span begins inside that of a lower one, with that one, by address.
  var overlaps: [(upper: CapturedZone, lower: CapturedZone)] {
    let placed = zones.filter { $0.details.map { $0.hasPlace && $0.spanned > 0 } ?? false }
      .sorted { ($0.details!.startPFN, $0.details!.endPFN) < ($1.details!.startPFN, $1.details!.endPFN) }
    var result: [(CapturedZone, CapturedZone)] = []
    guard var highest = placed.first else { return result }
    for zone in placed.dropFirst() {
      if zone.details!.startPFN < highest.details!.endPFN { result.append((zone, highest)) }
      if zone.details!.endPFN > highest.details!.endPFN { highest = zone }
    }
    return result
  }
}
