/// /proc/buddyinfo: one row per zone, one count per order (`frag_show_print` in mm/vmstat.c).
struct BuddyInfoTable {
  struct Row {
    var zone: CapturedZoneID
    var counts: [UInt64]
    var line: CaptureLine
  }

  static let accepted = "rows as in /proc/buddyinfo: 'Node 0, zone Normal' and 1 to 11 counts"

  private(set) var rows: [Row] = []

  /// The number of orders, the same in every row.
  var orders: Int { rows[0].counts.count }

  init(_ text: CaptureText) throws(CaptureError) {
    var seen: [CapturedZoneID: Int] = [:]
    var pages: UInt64 = 0
    let lines = text.lines
    for line in lines {
      guard line.isRow else {
        if line.isPageTypeInfoHeading { throw Self.wrongKind(line, "pagetypeinfo") }
        try line.refuseIfHiddenRow()
        if rows.isEmpty { continue }
        throw line.error("not the row of a zone: \(CaptureError.quoted(line.text))", accepted: Self.accepted)
      }
      let (zone, hasType, words) = try line.row(accepted: Self.accepted)
      if hasType { throw Self.wrongKind(line, "pagetypeinfo") }
      if words.isEmpty {
        throw line.error("a zone without counts, as in a zoneinfo or a row cut short", accepted: Self.accepted)
      }
      try line.checkOrders(words.count, expected: rows.first?.counts.count)
      if let first = seen.updateValue(line.number, forKey: zone) {
        throw line.error("\(zone) was already on line \(first)", accepted: "one row a zone")
      }
      var counts: [UInt64] = []
      for (order, word) in words.enumerated() {
        let count = try line.blocks(word, order: order, "\(zone)")
        counts.append(count)
        pages += count << UInt64(order)  // both at most 2^38
        guard pages <= Capture.maximumPages else {
          throw line.error("more than 1 PiB free in all, which is absurd", accepted: "at most 1 PiB over all rows")
        }
      }
      rows.append(Row(zone: zone, counts: counts, line: line))
    }
    if rows.isEmpty {
      throw CaptureError(
        file: text.name, line: 1, what: lines.isEmpty ? "the file is empty" : "the file has no row of a zone",
        accepted: Self.accepted)
    }
  }

  private static func wrongKind(_ line: CaptureLine, _ kind: String) -> CaptureError {
    line.error("this is a \(kind), but a buddyinfo was expected", accepted: accepted)
  }
}
