/// A capture as read from texts, and what the reader should know of it.
public struct CaptureReading: Sendable {
  /// The texts of a capture, of which none must be there.
  public struct Texts: Sendable {
    public var buddyinfo: CaptureText?
    public var pagetypeinfo: CaptureText?
    public var zoneinfo: CaptureText?
    /// A kernel's log.
    public var showMem: CaptureText?
    /// Which of the log's dumps, from 1; nil: the last.
    public var nth: Int?

    public init(
      buddyinfo: CaptureText? = nil, pagetypeinfo: CaptureText? = nil, zoneinfo: CaptureText? = nil,
      showMem: CaptureText? = nil, nth: Int? = nil
    ) {
      self.buddyinfo = buddyinfo
      self.pagetypeinfo = pagetypeinfo
      self.zoneinfo = zoneinfo
      self.showMem = showMem
      self.nth = nth
    }
  }

  public private(set) var capture: Capture
  /// What isn't as the files say, was left out, or isn't known: a line each.
  public private(set) var notes: [String] = []

  /// Reads a capture from texts: the counts from a buddyinfo, a pagetypeinfo, both, or the last lines of a log; places
  /// and watermarks from a zoneinfo, or watermarks from the log.
  ///
  /// Accepts the files of any kernel with 1 to 11 orders, any number of nodes with gaps in their numbers, CRLF line
  /// ends, blank lines, trailing blanks, and lines above the first row that aren't rows, such as a pasted prompt. Files
  /// must be consistent:
  /// - pagetypeinfo's counts add up to buddyinfo's for each zone and order; one `>100000` (the kernel stops counting
  ///   there) per zone and order is computed from the other types;
  /// - a zone with memory has all of min, low, high, spanned, present and start_pfn in zoneinfo, correctly ordered by
  ///   size; a zone's free blocks fit, aligned, into its span and its managed pages;
  /// - a zone may be missing from a file only if all its counts are zero.
  ///
  /// Refused: more than `maximumBytes`, and anything unknown below the first row (unknown fields of zoneinfo are
  /// ignored).
  ///
  /// - Parameter goesOn: what doesn't go with the counts is left out, with a note, and of a buddyinfo and a pagetypeinfo
  ///   of different moments one is taken.
  /// - Throws: `.inconsistent` if files contradict one another, otherwise `.malformed`.
  public init(_ texts: Texts, goesOn: Bool = false) throws(CaptureError) {
    var notes: [String] = []
    var log: ShowMemTable?
    let counts: CaptureCounts
    if texts.buddyinfo != nil || texts.pagetypeinfo != nil {
      counts = try Self.counts(texts.buddyinfo, texts.pagetypeinfo, goesOn, &notes)
    } else if let text = texts.showMem {
      let table = try ShowMemTable(text, nth: texts.nth)
      notes += table.notes
      counts = CaptureCounts(table, file: text.name)
      log = table
    } else {
      throw CaptureError(
        file: texts.zoneinfo?.name ?? "", line: 1, what: "a zoneinfo has no free blocks",
        accepted: "a buddyinfo, a pagetypeinfo, or a kernel's log, too")
    }
    var zones: [CapturedZoneID: CapturedZone] = [:]
    for (id, row) in counts.rows {
      zones[id] = CapturedZone(
        nodeID: id.nodeID, kind: id.kind, freeBlocks: row.counts, freeBlocksByMigratetype: row.types,
        typesPresent: row.typesPresent, pageblocksByMigratetype: row.pageblocks, details: log?.details[id])
    }
    if counts.pageblockOrder != nil {
      let none = [[UInt64]](
        repeating: [UInt64](repeating: 0, count: counts.orders), count: CapturedMigratetype.allCases.count)
      for id in zones.keys where zones[id]?.freeBlocksByMigratetype == nil { zones[id]?.freeBlocksByMigratetype = none }
    }
    var capture = Capture(
      zones: zones.values.sorted { $0.id < $1.id }, orders: counts.orders, pageblockOrder: counts.pageblockOrder)
    capture.statedPageSize = counts.pageSize
    capture.pageSize = counts.pageSize ?? .small
    if let text = texts.zoneinfo {
      do throws(CaptureError) {
        let info = try ZoneInfoTable(text)
        var own: [String] = []
        try capture.add(info, counts, &own)
        notes += own
      } catch {
        guard goesOn else { throw error }
        notes.append("zoneinfo left out: \(error)")
      }
    }
    self.capture = capture
    self.notes = notes + Self.notes(of: capture, counts)
  }

  /// A capture of which there is nothing to say.
  init(of capture: Capture) { self.capture = capture }

  /// The same after other notes.
  func with(notes: [String]) -> CaptureReading {
    var reading = self
    reading.notes = notes + self.notes
    return reading
  }

  private static func counts(
    _ buddyinfo: CaptureText?, _ pagetypeinfo: CaptureText?, _ goesOn: Bool, _ notes: inout [String]
  ) throws(CaptureError) -> CaptureCounts {
    let buddy = try buddyinfo.map { text throws(CaptureError) in try BuddyInfoTable(text) }
    guard let pagetypeinfo else { return CaptureCounts(buddy!) }
    do throws(CaptureError) {
      let types = try PageTypeInfoTable(pagetypeinfo)
      defer { notes += types.notes }
      guard let buddy else { return try CaptureCounts(types) }
      let difference = types.difference(to: buddy)
      guard goesOn, difference.cells > 0, types.orders == buddy.orders else { return try CaptureCounts(buddy, types) }
      let counts = try types.isCapped ? CaptureCounts(types, capsFrom: buddy) : CaptureCounts(types)
      notes.append(
        "buddyinfo and pagetypeinfo are of different moments: \(difference.cells) of \(difference.of) counts differ, "
          + "\(difference.buddyPages) and \(difference.pages) free pages; took pagetypeinfo, which has the types")
      return counts
    } catch {
      guard goesOn, let buddy else { throw error }
      notes.append("pagetypeinfo left out: \(error)")
      return CaptureCounts(buddy)
    }
  }

  private static func notes(of capture: Capture, _ counts: CaptureCounts) -> [String] {
    var notes: [String] = []
    if capture.zones.contains(where: { $0.typesPresent != nil }) {
      notes.append(
        "a log's letters tell which types have free blocks, and not how many: where there are several letters, each type "
          + "has one block in the guest, and the rest are Movable, or of the first letter without an M")
    } else if counts.pageblockOrder == nil {
      let cma = capture.zones.reduce(0) { $0 + ($1.details?.freeCMA ?? 0) }
      if cma > 0 {
        notes.append(
          "\(cma) of the free pages are CMA, and without a pagetypeinfo nothing tells which: all are Movable")
      }
    }
    if capture.zones.contains(where: { $0.details?.hasPlace == false }) {
      notes.append("a log doesn't tell where zones lie: the guest's lie one behind the other")
    }
    return notes
  }
}

extension Capture {
  /// Adds what a zoneinfo knows of the zones.
  fileprivate mutating func add(
    _ info: ZoneInfoTable, _ counts: CaptureCounts, _ notes: inout [String]
  ) throws(CaptureError) {
    let accepted = "a \(counts.source) and a zoneinfo of the same machine"
    for (id, row) in counts.rows.sorted(by: { $0.key < $1.key }) where info.zones[id] == nil && !row.isAllZero {
      throw row.line.error("\(id) has free blocks but isn't in the zoneinfo", accepted: accepted, kind: .inconsistent)
    }
    var zones = Dictionary(uniqueKeysWithValues: self.zones.map { ($0.id, $0) })
    var shown: UInt64 = 0
    var withoutManaged = false
    for (id, zone) in info.zones.sorted(by: { $0.key < $1.key }) {
      shown += zone.value(.free) ?? 0
      if zones[id] == nil {
        let free = zone.value(.free) ?? 0
        guard free == 0 else {
          throw zone.line(.free).error(
            "\(id) has \(free) free pages but isn't in \(counts.file)", accepted: accepted, kind: .inconsistent)
        }
        guard zone.value(.present) ?? 0 > 0 else { continue }
        zones[id] = CapturedZone(
          nodeID: id.nodeID, kind: id.kind, freeBlocks: [UInt64](repeating: 0, count: counts.orders),
          freeBlocksByMigratetype: counts.pageblockOrder.map { _ in
            [[UInt64]](
              repeating: [UInt64](repeating: 0, count: counts.orders), count: CapturedMigratetype.allCases.count)
          })
      }
      let details = try info.details(of: id, freePages: zones[id]?.freePages ?? 0, source: counts.source)
      zones[id]?.details = details
      if details != nil, zone.value(.managed) == nil { withoutManaged = true }
    }
    var added = Capture(
      zones: zones.values.sorted { $0.id < $1.id }, orders: orders, pageblockOrder: pageblockOrder)
    added.statedPageSize = statedPageSize
    added.pageSize = pageSize
    notes += try added.checkSpans(info, counts)
    if withoutManaged { notes.append("no managed pages, as before Linux 3.8: those present are taken for them") }
    let (less, more) = (min(shown, freePages), max(shown, freePages))
    if shown > 0, more - less > more / 100 {
      notes.append("zoneinfo is of another moment: it has \(shown) free pages, and \(counts.source) \(freePages)")
    }
    self = added
  }

  /// Checks the zones' places and what must fit into them, which needs all files. Returns notes.
  private func checkSpans(_ info: ZoneInfoTable, _ counts: CaptureCounts) throws(CaptureError) -> [String] {
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
          accepted: "a \(counts.source) and a zoneinfo of the same machine", kind: .inconsistent)
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
    return overlaps.map { upper, lower in
      "\(upper.id) starts inside \(lower.id), as after hotplug: in the guest it lies behind it"
    }
  }
}
