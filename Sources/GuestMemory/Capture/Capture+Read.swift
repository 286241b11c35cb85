extension Capture {
  /// Reads a capture from files; see `init(buddyinfo:pagetypeinfo:zoneinfo:)` for what is accepted.
  ///
  /// - Throws: `CaptureError`, of kind `.unreadable` if a file can't be opened or read.
  public static func read(
    buddyinfo: String, pagetypeinfo: String? = nil, zoneinfo: String? = nil
  ) throws(CaptureError) -> Capture {
    let buddy = try CaptureText.load(buddyinfo)
    var types: CaptureText?
    if let pagetypeinfo { types = try CaptureText.load(pagetypeinfo) }
    var zones: CaptureText?
    if let zoneinfo { zones = try CaptureText.load(zoneinfo) }
    return try Capture(buddyinfo: buddy, pagetypeinfo: types, zoneinfo: zones)
  }

  /// Reads a capture from text.
  ///
  /// Accepts the files of any kernel with 1 to 11 orders, any number of nodes with gaps in their numbers, CRLF line
  /// ends, blank lines, trailing blanks, and lines above the first row that aren't rows, such as a pasted prompt. The
  /// files must be consistent:
  /// - pagetypeinfo's counts add up to buddyinfo's for each zone and order; one `>100000` (the kernel stops counting
  ///   there) per zone and order is computed from the other types;
  /// - a zone with memory has all of min, low, high, spanned, present, managed and start_pfn in zoneinfo, correctly
  ///   ordered by size; the spans of zones with memory don't overlap; a zone's free blocks fit, aligned, into its span
  ///   and its managed pages;
  /// - a zone may be missing from a file only if all its counts are zero.
  ///
  /// Refused: free CMA memory (the model is of a kernel without CMA), more than `maximumBytes`, and anything unknown
  /// below the first row (unknown fields of zoneinfo are ignored).
  ///
  /// - Throws: `.inconsistent` if files contradict one another, otherwise `.malformed`.
  public init(
    buddyinfo: CaptureText, pagetypeinfo: CaptureText? = nil, zoneinfo: CaptureText? = nil
  ) throws(CaptureError) {
    let buddy = try BuddyInfoTable(buddyinfo)
    var types: PageTypeInfoTable?
    if let pagetypeinfo { types = try PageTypeInfoTable(pagetypeinfo) }
    var info: ZoneInfoTable?
    if let zoneinfo { info = try ZoneInfoTable(zoneinfo) }

    var zones: [CapturedZoneID: CapturedZone] = [:]
    for row in buddy.rows {
      zones[row.zone] = CapturedZone(nodeID: row.zone.nodeID, kind: row.zone.kind, freeBlocks: row.counts)
    }
    if let types { try Self.add(types, buddy, to: &zones) }
    if let info { try Self.add(info, buddy, to: &zones) }
    if types != nil {
      let none = [[UInt64]](
        repeating: [UInt64](repeating: 0, count: buddy.orders), count: CapturedMigratetype.allCases.count)
      for id in zones.keys where zones[id]?.freeBlocksByMigratetype == nil {
        zones[id]?.freeBlocksByMigratetype = none
      }
    }
    self.init(
      zones: zones.values.sorted { $0.id < $1.id }, orders: buddy.orders, pageblockOrder: types?.pageblockOrder)
    if let info { try checkSpans(info) }
  }

  private static func add(
    _ types: PageTypeInfoTable, _ buddy: BuddyInfoTable, to zones: inout [CapturedZoneID: CapturedZone]
  ) throws(CaptureError) {
    guard types.orders == buddy.orders else {
      throw types.pageblockLine.error(
        "\(types.orders) orders, but \(buddy.rows[0].line.file) has \(buddy.orders)",
        accepted: "a buddyinfo and a pagetypeinfo of the same machine", kind: .inconsistent)
    }
    for row in buddy.rows {
      guard let zone = types.zones[row.zone] else {
        if row.counts.allSatisfy({ $0 == 0 }) { continue }
        throw row.line.error(
          "\(row.zone) has free blocks but isn't in \(types.pageblockLine.file)",
          accepted: "a buddyinfo and a pagetypeinfo of the same machine", kind: .inconsistent)
      }
      zones[row.zone]?.freeBlocksByMigratetype = try types.free(of: row.zone, matching: row)
      zones[row.zone]?.pageblocksByMigratetype = zone.pageblocks
    }
    for (id, zone) in types.zones.sorted(by: { $0.key < $1.key }) where zones[id] == nil {
      guard types.isAllZero(id) else {
        throw zone.line.error(
          "\(id) has free blocks but isn't in \(buddy.rows[0].line.file)",
          accepted: "a buddyinfo and a pagetypeinfo of the same machine", kind: .inconsistent)
      }
      zones[id] = CapturedZone(
        nodeID: id.nodeID, kind: id.kind, freeBlocks: [UInt64](repeating: 0, count: buddy.orders),
        pageblocksByMigratetype: zone.pageblocks)
    }
  }

  private static func add(
    _ info: ZoneInfoTable, _ buddy: BuddyInfoTable, to zones: inout [CapturedZoneID: CapturedZone]
  ) throws(CaptureError) {
    for row in buddy.rows where info.zones[row.zone] == nil && row.counts.contains(where: { $0 != 0 }) {
      throw row.line.error(
        "\(row.zone) has free blocks but isn't in the zoneinfo",
        accepted: "a buddyinfo and a zoneinfo of the same machine", kind: .inconsistent)
    }
    for (id, zone) in info.zones.sorted(by: { $0.key < $1.key }) {
      if zones[id] == nil {
        let free = zone.value(.free) ?? 0
        guard free == 0 else {
          throw zone.line(.free).error(
            "\(id) has \(free) free pages but isn't in \(buddy.rows[0].line.file)",
            accepted: "a buddyinfo and a zoneinfo of the same machine", kind: .inconsistent)
        }
        guard zone.value(.present) ?? 0 > 0 else { continue }
        zones[id] = CapturedZone(
          nodeID: id.nodeID, kind: id.kind, freeBlocks: [UInt64](repeating: 0, count: buddy.orders))
      }
      let freePages = zones[id]?.freePages ?? 0
      zones[id]?.details = try info.details(of: id, freePages: freePages)
    }
  }

  /// Checks the zones' places and what must fit into them, which needs all files.
  private func checkSpans(_ info: ZoneInfoTable) throws(CaptureError) {
    var present: UInt64 = 0
    for zone in zones {
      guard let details = zone.details, let source = info.zones[zone.id] else { continue }
      present += details.present  // at most 2^40 each, and 6144 zones at most
      guard present <= Self.maximumPages else {
        throw source.line(.present).error(
          "more than 1 PiB present in all, which is absurd", accepted: "at most 1 PiB over all zones")
      }
      if let order = zone.orderThatDoesNotFit {
        throw source.line(.startPFN).error(
          "\(zone.id): the free blocks of order \(order) and above don't fit, aligned, into PFN \(details.startPFN) to "
            + "\(details.endPFN)",
          accepted: "a buddyinfo and a zoneinfo of the same machine", kind: .inconsistent)
      }
      if let pageblockOrder, let blocks = zone.pageblocksByMigratetype?.reduce(0, +) {
        let first = details.startPFN >> UInt64(pageblockOrder)
        let end = (details.endPFN + (1 << UInt64(pageblockOrder)) - 1) >> UInt64(pageblockOrder)
        guard blocks <= end - first else {
          throw source.line(.spanned).error(
            "\(zone.id): the pagetypeinfo has \(blocks) pageblocks, but the span has room for \(end - first)",
            accepted: "a pagetypeinfo and a zoneinfo of the same machine", kind: .inconsistent)
        }
      }
    }
    let placed = zones.filter { $0.details.map { $0.spanned > 0 } ?? false }
      .sorted { ($0.details!.startPFN, $0.details!.endPFN) < ($1.details!.startPFN, $1.details!.endPFN) }
    for (lower, upper) in zip(placed, placed.dropFirst()) where upper.details!.startPFN < lower.details!.endPFN {
      throw info.zones[upper.id]!.line(.startPFN).error(
        "\(upper.id) starts at PFN \(upper.details!.startPFN), inside \(lower.id), which ends at "
          + "\(lower.details!.endPFN)",
        accepted: "zones whose spans don't overlap")
    }
  }
}
