import GuestMemory

/// What a session found, compared with the guest before and after by independent walks, not by the strategy's own
/// account.
public struct SessionAccount: Sendable, Equatable {
  /// The counts of one zone, or of the whole guest.
  public struct Tally: Sendable, Equatable {
    /// Blocks free at the start at the orders looked at.
    public var blocksFree = 0
    public var bytesFree: UInt64 = 0
    /// Bytes free at the start at all orders.
    public var bytesFreeAllOrders: UInt64 = 0
    /// Hints accepted, duplicates included.
    public var blocksReported = 0
    /// Hints of a block that was already hinted.
    public var blocksDuplicate = 0
    /// Distinct bytes hinted.
    public var bytesReported: UInt64 = 0
    /// Distinct bytes hinted that were free at the start at the orders looked at.
    public var bytesCovered: UInt64 = 0
    /// Blocks that were free at the start, stayed on their list and were never hinted.
    public var blocksMissed = 0
    /// Blocks hinted, not held by the strategy, and not wholly free at the session's end.
    public var blocksStale = 0

    public init() {}

    /// The share of free bytes that were hinted; nil if nothing was free.
    public var coverage: Double? { bytesFree == 0 ? nil : Double(bytesCovered) / Double(bytesFree) }
    public var coverageFree: Double? {
      bytesFreeAllOrders == 0 ? nil : Double(bytesCovered) / Double(bytesFreeAllOrders)
    }
    public var blocksDistinct: Int { blocksReported - blocksDuplicate }
  }

  public var total = Tally()
  /// The counts by zone index.
  public var zones: [Tally]

  /// Takes the account at a session's end, while the strategy still holds its blocks and no thread runs in the guest.
  /// The start is the guest's snapshot. `holdsToTheEnd`: whether blocks held when reported are still held. Complexity:
  /// O(n log n) in free blocks and hints.
  public init(_ guest: Guest, lowestOrder: Int, hints: [HintLog.Hint], holdsToTheEnd: Bool = true) {
    let core = guest.core
    // By address; a zone's hints then lie together.
    let sorted = hints.sorted { $0.block < $1.block }
    zones = core.zones.map { zone in
      let first = sorted.partitioningIndex { $0.block.pfn >= zone.startPFN }
      let end = sorted.partitioningIndex { $0.block.pfn >= zone.endPFN }
      return Self.tally(guest, zone.index, lowestOrder, sorted[first..<end], holdsToTheEnd)
    }
    for zone in zones {
      total.blocksFree += zone.blocksFree
      total.bytesFree += zone.bytesFree
      total.bytesFreeAllOrders += zone.bytesFreeAllOrders
      total.blocksReported += zone.blocksReported
      total.blocksDuplicate += zone.blocksDuplicate
      total.bytesReported += zone.bytesReported
      total.bytesCovered += zone.bytesCovered
      total.blocksMissed += zone.blocksMissed
      total.blocksStale += zone.blocksStale
    }
  }

  private static func tally(
    _ guest: Guest, _ zone: Int, _ lowestOrder: Int, _ hints: ArraySlice<HintLog.Hint>, _ holdsToTheEnd: Bool
  ) -> Tally {
    var tally = Tally()
    let start = guest.snapshot?.blocks(zone: zone, fromOrder: lowestOrder) ?? []
    let startRuns = PageRuns(start)
    tally.blocksFree = start.count
    tally.bytesFree = guest.core.bytes(startRuns.pages)
    tally.bytesFreeAllOrders = guest.core.bytes(guest.snapshot?.pagesFree(zone: zone) ?? 0)

    let reportedRuns = PageRuns(hints.map(\.block))
    tally.blocksReported = hints.count
    tally.blocksDuplicate = zip(hints, hints.dropFirst()).count { $0.block == $1.block }
    tally.bytesReported = guest.core.bytes(reportedRuns.pages)
    tally.bytesCovered = guest.core.bytes(reportedRuns.intersection(startRuns).pages)
    if tally.bytesCovered < tally.bytesFree {
      tally.blocksMissed = start.count { !reportedRuns.contains($0) && guest.isUntouched($0) }
    }
    // Most blocks are still on a list unchanged; only the others are looked for in larger and smaller blocks.
    let doubtful = Set(hints.lazy.filter { !($0.isHeld && holdsToTheEnd) && !guest.isFree($0.block) }.map(\.block))
    if !doubtful.isEmpty {
      let freeRuns = PageRuns(guest.freeBlocks(zone: zone))
      tally.blocksStale = doubtful.count { !freeRuns.contains($0) }
    }
    return tally
  }
}

extension Array {
  /// The first index at which `isPast` holds, in an array partitioned by it. O(log n).
  fileprivate func partitioningIndex(where isPast: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if isPast(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
