/// /proc/pagetypeinfo: free blocks by migratetype and order, and pageblocks by migratetype (`pagetypeinfo_show` in
/// mm/vmstat.c). The kernel prints headings and both tables once per node. Kernels with page owner tracking print a
/// third table, of mixed blocks, which is ignored. What is unaccepted isn't on the free lists; its row is left out.
struct PageTypeInfoTable {
  /// A cell of the free table.
  enum Cell: Equatable {
    case exact(UInt64)
    /// `>100000`: the kernel stops counting there (since 5.4), so there are at least this many.
    case capped
  }

  struct Zone {
    /// The line of the zone's first row.
    var line: CaptureLine
    /// By `CapturedMigratetype.rawValue`; empty if the kernel lacks the type.
    var free = [[Cell]](repeating: [], count: CapturedMigratetype.allCases.count)
    var types: Set<String> = []
    var pageblocks: [UInt64]?
    var pageblockTypes: Set<String> = []
  }

  private enum Section { case none, free, blocks, mixed }

  static let cap: UInt64 = 100_000
  static let accepted = "the whole of a /proc/pagetypeinfo"
  private static let orderKey = "Page block order:"
  private static let pagesKey = "Pages per block:"
  private static let freeKey = "Free pages count per migrate type at order"
  private static let blocksKey = "Number of blocks type"
  private static let mixedKey = "Number of mixed blocks"
  private static let unaccepted = "Unaccepted"
  private static let typesAccepted = "types Unmovable, Movable, Reclaimable, HighAtomic or Reserve, CMA, Isolate"

  private(set) var zones: [CapturedZoneID: Zone] = [:]
  private(set) var orders = 0
  private(set) var pageblockOrder = 0
  /// The line that gives the pageblock order.
  private(set) var pageblockLine: CaptureLine

  /// What the reader changed.
  private(set) var notes: [String] = []

  private var unacceptedPages: UInt64 = 0
  private var hasReserve = false
  private var pageblocks: UInt64 = 0
  private var section = Section.none
  private var columns: [String] = []

  init(_ text: CaptureText) throws(CaptureError) {
    let lines = text.lines
    guard let first = lines.first else {
      throw CaptureError(file: text.name, line: 1, what: "the file is empty", accepted: Self.accepted)
    }
    pageblockLine = first
    var seenOrder: CaptureLine?
    var seenPages: CaptureLine?
    var seenRow = false
    for line in lines {
      if let rest = line.after(Self.orderKey) {
        let value = Int(try line.single(rest, "the page block order", atMost: 63))
        if seenOrder != nil, value != pageblockOrder {
          throw line.error(
            "page block order \(value), but line \(pageblockLine.number) has \(pageblockOrder)",
            accepted: "one page block order for the machine")
        }
        if seenOrder == nil { (pageblockOrder, pageblockLine, seenOrder) = (value, line, line) }
        section = .none
      } else if let rest = line.after(Self.pagesKey) {
        let value = try line.single(rest, "the pages per block")
        guard seenOrder != nil, value == 1 << UInt64(pageblockOrder) else {
          throw line.error(
            seenOrder == nil
              ? "pages per block before a page block order" : "\(value) pages per block of order \(pageblockOrder)",
            accepted: "'Page block order: N', then 'Pages per block: M' with M = 2^N")
        }
        seenPages = line
      } else if let rest = line.after(Self.freeKey) {
        try readFreeHeading(rest, line)
      } else if let rest = line.after(Self.blocksKey) {
        try readBlocksHeading(rest, line)
      } else if line.after(Self.mixedKey) != nil {
        section = .mixed
      } else if line.isRow {
        seenRow = true
        try readRow(line)
      } else {
        try line.refuseIfHiddenRow()
        if seenRow {
          throw line.error("not understood: \(CaptureError.quoted(line.text))", accepted: Self.accepted)
        }
      }
    }
    guard seenRow else {
      throw first.error("the file has no row of a zone", accepted: Self.accepted)
    }
    guard seenOrder != nil, seenPages != nil else {
      throw first.error(
        "no line '\(seenOrder == nil ? Self.orderKey : Self.pagesKey) N'", accepted: Self.accepted)
    }
    try checkWhole()
    if hasReserve {
      notes.append("\(text.name): Reserve, which kernels before 4.4 have, is HighAtomic in the guest")
    }
    if unacceptedPages > 0 {
      notes.append("\(text.name): \(unacceptedPages) unaccepted pages are left out: nobody can allocate them yet")
    }
  }

  private mutating func readFreeHeading(_ rest: [Substring], _ line: CaptureLine) throws(CaptureError) {
    try line.checkOrders(rest.count, expected: orders == 0 ? nil : orders)
    for (order, word) in rest.enumerated() where CaptureLine.digits(word) != UInt64(order) {
      throw line.error(
        "\(CaptureError.quoted(word)) in the place of order \(order)", at: word,
        accepted: "orders 0 to at most 10, ascending")
    }
    guard !rest.isEmpty else { throw line.error("a heading without orders", accepted: Self.accepted) }
    orders = rest.count
    section = .free
  }

  /// A type's name as it is kept here; nil if there is no such type.
  private static func name(_ word: Substring) -> String? {
    word == unaccepted ? unaccepted : CapturedMigratetype(name: word)?.name
  }

  private mutating func readBlocksHeading(_ rest: [Substring], _ line: CaptureLine) throws(CaptureError) {
    columns = []
    for word in rest {
      guard let name = Self.name(word) else {
        throw line.error("unknown migratetype \(CaptureError.quoted(word))", at: word, accepted: Self.typesAccepted)
      }
      guard !columns.contains(name) else {
        throw line.error("two columns \(word)", at: word, accepted: "one column a type")
      }
      columns.append(name)
    }
    section = .blocks
  }

  private mutating func readRow(_ line: CaptureLine) throws(CaptureError) {
    let (id, hasType, words) = try line.row(accepted: Self.accepted)
    switch (section, hasType) {
    case (.free, true): try readFree(id, words, line)
    case (.blocks, false): try readBlocks(id, words, line)
    case (.mixed, false): break
    case (.none, false) where zones.isEmpty:
      throw line.error(
        "this is a \(words.isEmpty ? "zoneinfo" : "buddyinfo"), but a pagetypeinfo was expected",
        accepted: Self.accepted)
    case (.none, _), (.mixed, true), (.blocks, true):
      throw line.error(
        "a row without its heading '\(hasType ? Self.freeKey : Self.blocksKey)'", accepted: Self.accepted)
    case (.free, false):
      throw line.error(
        "a row without a type in the table of free pages, or without its heading '\(Self.blocksKey)'",
        accepted: "'Node N, zone NAME, type TYPE' and \(orders) counts")
    }
  }

  private mutating func readFree(
    _ id: CapturedZoneID, _ words: ArraySlice<Substring>, _ line: CaptureLine
  ) throws(CaptureError) {
    guard let name = words.first else { throw line.error("a row without a type's name", accepted: Self.typesAccepted) }
    guard let known = Self.name(name) else {
      throw line.error("unknown migratetype \(CaptureError.quoted(name))", at: name, accepted: Self.typesAccepted)
    }
    let type = CapturedMigratetype(name: known)
    if name == CapturedMigratetype.formerHighAtomic { hasReserve = true }
    let counts = words.dropFirst()
    try line.checkOrders(counts.count, expected: orders)
    var cells: [Cell] = []
    for (order, word) in counts.enumerated() {
      if word == ">\(Self.cap)" {
        cells.append(.capped)
      } else if word.hasPrefix(">") {
        throw line.error(
          "\(id), type \(name), order \(order): \(CaptureError.quoted(word))", at: word,
          accepted: "a number, or '>\(Self.cap)' where the kernel stopped counting")
      } else {
        cells.append(.exact(try line.blocks(word, order: order, "\(id), type \(name)")))
      }
    }
    var zone = zones[id] ?? Zone(line: line)
    guard zone.types.insert(known).inserted else {
      throw line.error("\(id), type \(name) has two rows", accepted: "one row a zone and type")
    }
    if let type {
      zone.free[type.rawValue] = cells
    } else {
      for (order, cell) in cells.enumerated() {
        if case .exact(let blocks) = cell { unacceptedPages += blocks << UInt64(order) }
      }
    }
    zones[id] = zone
  }

  private mutating func readBlocks(
    _ id: CapturedZoneID, _ words: ArraySlice<Substring>, _ line: CaptureLine
  ) throws(CaptureError) {
    guard words.count == columns.count else {
      throw line.error("\(words.count) counts under \(columns.count) types", accepted: "one count a type")
    }
    guard var zone = zones[id] else {
      throw line.error("\(id) has pageblocks but no rows of free pages", accepted: Self.accepted)
    }
    guard zone.pageblocks == nil else {
      throw line.error("\(id) has two rows of pageblocks", accepted: "one row a zone")
    }
    var blocks = [UInt64](repeating: 0, count: CapturedMigratetype.allCases.count)
    for (column, word) in zip(columns, words) {
      let value = try line.number(word, "\(id): the number of \(column) pageblocks", atMost: Capture.maximumPages)
      pageblocks += value
      guard pageblocks <= Capture.maximumPages else {
        throw line.error("more than 1 PiB in pageblocks, which is absurd", accepted: "at most 1 PiB over all rows")
      }
      if let type = CapturedMigratetype(name: column) { blocks[type.rawValue] = value }
    }
    zone.pageblocks = blocks
    zone.pageblockTypes = Set(columns)
    zones[id] = zone
  }

  /// Checks what needs the whole file: every zone has both tables, and all have the same types.
  private func checkWhole() throws(CaptureError) {
    guard pageblockOrder < orders else {
      throw pageblockLine.error(
        "page block order \(pageblockOrder), but the highest order is \(orders - 1)",
        accepted: "a page block order from 0 to \(orders - 1)")
    }
    let ordered = zones.sorted { $0.value.line.number < $1.value.line.number }
    guard let (_, first) = ordered.first else {
      throw pageblockLine.error("no table '\(Self.freeKey)'", accepted: Self.accepted)
    }
    let needed: [CapturedMigratetype] = [.unmovable, .movable, .reclaimable, .highAtomic]
    for (id, zone) in ordered {
      for type in needed where !zone.types.contains(type.name) {
        throw zone.line.error("\(id) has no row of type \(type.name)", accepted: Self.accepted)
      }
      guard zone.types == first.types else {
        throw zone.line.error("\(id) has other types than the first zone", accepted: "the same types in every zone")
      }
      guard zone.pageblocks != nil else {
        throw zone.line.error("\(id) has no row under '\(Self.blocksKey)'", accepted: Self.accepted)
      }
      guard zone.pageblockTypes == zone.types else {
        throw zone.line.error(
          "\(id) has other types among its free pages than under '\(Self.blocksKey)'",
          accepted: "the same types in both tables")
      }
    }
    guard pageblocks <= Capture.maximumPages >> UInt64(pageblockOrder) else {
      throw pageblockLine.error(
        "\(pageblocks) pageblocks of order \(pageblockOrder) are more than 1 PiB, which is absurd",
        accepted: "at most 1 PiB over all rows")
    }
  }

  /// Returns the free blocks of zone `id` by type and order.
  ///
  /// - Parameters:
  ///   - row: the zone's row of buddyinfo, from which capped counts are computed; nil: there is none.
  ///   - isOfOneMoment: whether the types must add up to the row.
  /// - Throws: `.malformed` if a count is capped and can't be computed, `.inconsistent` if the sum over the types isn't
  ///   the row's count.
  func free(
    of id: CapturedZoneID, matching row: BuddyInfoTable.Row?, isOfOneMoment: Bool = true
  ) throws(CaptureError) -> [[UInt64]] {
    var result = [[UInt64]](
      repeating: [UInt64](repeating: 0, count: orders), count: CapturedMigratetype.allCases.count)
    guard let zone = zones[id] else { return result }
    for order in 0..<orders {
      let (sum, capped) = sums(of: zone, order: order)
      for type in CapturedMigratetype.allCases where !zone.free[type.rawValue].isEmpty {
        if case .exact(let value) = zone.free[type.rawValue][order] { result[type.rawValue][order] = value }
      }
      if capped.count > 1 {
        throw zone.line.error(
          "\(id), order \(order): \(capped.map(\.name).joined(separator: " and ")) are each capped at '>\(Self.cap)', "
            + "so none of them can be worked out",
          accepted: "at most one capped type at a zone and order")
      }
      guard let row else {
        if let type = capped.first {
          throw zone.line.error(
            "\(id), order \(order): \(type.name) is '>\(Self.cap)', where the kernel stopped counting",
            accepted: "the buddyinfo of the same moment, too, which has the count")
        }
        continue
      }
      let total = row.counts[order]
      if let type = capped.first {
        guard total >= sum + Self.cap else {
          throw zone.line.error(
            "\(id), order \(order): \(type.name) is '>\(Self.cap)' and the other types have \(sum), but "
              + "\(row.line.file) line \(row.line.number) has \(total) in all",
            accepted: "a buddyinfo and a pagetypeinfo of the same moment", kind: .inconsistent)
        }
        result[type.rawValue][order] = total - sum
      } else if sum != total, isOfOneMoment {
        throw zone.line.error(
          "\(id), order \(order): the types have \(sum) free blocks, but \(row.line.file) line \(row.line.number) "
            + "has \(total)",
          accepted: "a buddyinfo and a pagetypeinfo of the same moment", kind: .inconsistent)
      }
    }
    return result
  }

  /// The exact counts of a zone's types at an order in all, and the types whose count is capped.
  private func sums(of zone: Zone, order: Int) -> (UInt64, capped: [CapturedMigratetype]) {
    var sum: UInt64 = 0
    var capped: [CapturedMigratetype] = []
    for type in CapturedMigratetype.allCases where !zone.free[type.rawValue].isEmpty {
      switch zone.free[type.rawValue][order] {
      case .exact(let value): sum += value  // six values of at most 2^38
      case .capped: capped.append(type)
      }
    }
    return (sum, capped)
  }

  /// How far the counts are from a buddyinfo's.
  struct Difference {
    /// The zones and orders that differ, and all.
    var cells = 0
    var of = 0
    /// Free pages in all; those of capped counts as their lower bound.
    var pages: UInt64 = 0
    var buddyPages: UInt64 = 0
  }

  func difference(to buddy: BuddyInfoTable) -> Difference {
    var result = Difference()
    for row in buddy.rows {
      for (order, total) in row.counts.enumerated() {
        let (sum, capped) = zones[row.zone].map { sums(of: $0, order: order) } ?? (0, [])
        let least = sum + UInt64(capped.count) * Self.cap
        result.cells += (capped.isEmpty ? total != sum : total < least) ? 1 : 0
        result.of += 1
        result.pages += Swift.max(least, capped.isEmpty ? 0 : total) << UInt64(order)
        result.buddyPages += total << UInt64(order)
      }
    }
    return result
  }

  /// Whether any count is capped.
  var isCapped: Bool { zones.values.contains { $0.free.contains { $0.contains(.capped) } } }

  /// Whether zone `id` has no free block of any type.
  func isAllZero(_ id: CapturedZoneID) -> Bool {
    zones[id]?.free.allSatisfy { $0.allSatisfy { $0 == .exact(0) } } ?? true
  }
}

extension CaptureLine {
  /// The words after `key`; nil if the line doesn't start with it.
  fileprivate func after(_ key: String) -> [Substring]? {
    guard text.utf8.starts(with: key.utf8) else { return nil }
    return text.dropFirst(key.count).split(whereSeparator: { $0 == " " || $0 == "\t" })
  }

  /// The only number in `words`.
  fileprivate func single(
    _ words: [Substring], _ name: String, atMost limit: UInt64 = .max
  ) throws(CaptureError) -> UInt64 {
    guard words.count == 1 else {
      throw error("\(words.count) words for \(name)", accepted: "one number")
    }
    return try number(words[0], name, atMost: limit)
  }
}
