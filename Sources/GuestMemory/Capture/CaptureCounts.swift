/// A machine's free blocks by zone and order, whatever file they are from.
struct CaptureCounts {
  struct Row {
    var line: CaptureLine
    var counts: [UInt64]
    var types: [[UInt64]]?
    var typesPresent: [Set<CapturedMigratetype>]?
    var pageblocks: [UInt64]?

    var isAllZero: Bool { counts.allSatisfy { $0 == 0 } }
  }

  /// What the counts are from, for messages: a kind of file, and its path.
  var source: String
  var file: String
  var rows: [CapturedZoneID: Row] = [:]
  var orders: Int
  var pageblockOrder: Int?
  /// Nil: unknown.
  var pageSize: PageSize?

  init(_ buddy: BuddyInfoTable) {
    source = "buddyinfo"
    file = buddy.rows[0].line.file
    orders = buddy.orders
    for row in buddy.rows { rows[row.zone] = Row(line: row.line, counts: row.counts) }
  }

  /// - Throws: ``CaptureError`` if a count is capped.
  init(_ types: PageTypeInfoTable) throws(CaptureError) {
    source = "pagetypeinfo"
    file = types.pageblockLine.file
    orders = types.orders
    pageblockOrder = types.pageblockOrder
    for (id, zone) in types.zones.sorted(by: { $0.key < $1.key }) {
      let free = try types.free(of: id, matching: nil)
      rows[id] = Row(
        line: zone.line, counts: (0..<orders).map { order in free.reduce(0) { $0 + $1[order] } }, types: free,
        pageblocks: zone.pageblocks)
    }
  }

  init(_ log: ShowMemTable, file: String) {
    source = "log"
    self.file = file
    orders = log.orders
    pageSize = log.pageSize
    for (id, row) in log.rows { rows[id] = Row(line: row.line, counts: row.counts, typesPresent: row.types) }
  }

  /// Both, of one moment.
  ///
  /// - Throws: `.inconsistent` if they contradict one another, `.malformed` if a capped count can't be computed.
  init(_ buddy: BuddyInfoTable, _ types: PageTypeInfoTable) throws(CaptureError) {
    self.init(buddy)
    try Self.requireSameZones(buddy, types)
    let difference = types.difference(to: buddy)
    guard difference.cells == 0 else {
      throw types.pageblockLine.error(
        "\(difference.cells) of \(difference.of) counts differ from those of \(file), and \(difference.pages) free pages "
          + "from its \(difference.buddyPages): they are of different moments",
        accepted: "one of the two: leave out the buddyinfo or the pagetypeinfo", kind: .inconsistent)
    }
    pageblockOrder = types.pageblockOrder
    for row in buddy.rows {
      rows[row.zone]?.types = try types.free(of: row.zone, matching: row)
      rows[row.zone]?.pageblocks = types.zones[row.zone]?.pageblocks
    }
    for (id, zone) in types.zones where rows[id] == nil {
      rows[id] = Row(
        line: zone.line, counts: [UInt64](repeating: 0, count: orders), types: try types.free(of: id, matching: nil),
        pageblocks: zone.pageblocks)
    }
  }

  /// The types' counts, with capped ones from a buddyinfo of another moment.
  ///
  /// - Throws: ``CaptureError`` if that isn't possible.
  init(_ types: PageTypeInfoTable, capsFrom buddy: BuddyInfoTable) throws(CaptureError) {
    try Self.requireSameZones(buddy, types)
    source = "pagetypeinfo"
    file = types.pageblockLine.file
    orders = types.orders
    pageblockOrder = types.pageblockOrder
    for (id, zone) in types.zones.sorted(by: { $0.key < $1.key }) {
      let free = try types.free(
        of: id, matching: buddy.rows.first { $0.zone == id }, isOfOneMoment: false)
      rows[id] = Row(
        line: zone.line, counts: (0..<orders).map { order in free.reduce(0) { $0 + $1[order] } }, types: free,
        pageblocks: zone.pageblocks)
    }
  }

  private static func requireSameZones(
    _ buddy: BuddyInfoTable, _ types: PageTypeInfoTable
  ) throws(CaptureError) {
    let accepted = "a buddyinfo and a pagetypeinfo of the same machine"
    let file = buddy.rows[0].line.file
    guard types.orders == buddy.orders else {
      throw types.pageblockLine.error(
        "\(types.orders) orders, but \(file) has \(buddy.orders)", accepted: accepted, kind: .inconsistent)
    }
    for row in buddy.rows where types.zones[row.zone] == nil && row.counts.contains(where: { $0 != 0 }) {
      throw row.line.error(
        "\(row.zone) has free blocks but isn't in \(types.pageblockLine.file)", accepted: accepted, kind: .inconsistent)
    }
    let known = Set(buddy.rows.map(\.zone))
    for (id, zone) in types.zones.sorted(by: { $0.key < $1.key }) where !known.contains(id) && !types.isAllZero(id) {
      throw zone.line.error("\(id) has free blocks but isn't in \(file)", accepted: accepted, kind: .inconsistent)
    }
  }
}
