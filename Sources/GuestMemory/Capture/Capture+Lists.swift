extension Capture {
  /// Reads the free lists of a kernel, block by block, from a file; see `init(lists:)`.
  ///
  /// - Throws: `CaptureError`, of kind `.unreadable` if the file can't be opened or read.
  public static func read(lists path: String) throws(CaptureError) -> Capture {
    try Capture(lists: try CaptureText.load(path))
  }

  /// Reads the free lists of a kernel, as `dump` of Sources/KernelProbe prints them: zones, and each list's PFNs in list
  /// order.
  ///
  /// Blocks must be aligned, inside their zone, and not overlap; nr_free must be that of the lists. NR_FREE_PAGES is taken
  /// from the lists, since with several CPUs the kernel's lags behind. Without pageblocks, which the probe can't read as a
  /// module, one has the type that most of its free pages have; without any it is movable.
  ///
  /// - Throws: `.inconsistent` if lists and counters contradict one another, otherwise `.malformed`.
  public init(lists text: CaptureText) throws(CaptureError) {
    var state = KernelState()
    var zoneLines: [CaptureLine] = []
    for line in text.lines {
      let accepted = "what the probe's dump prints, as `kernel run` keeps it in a capture's file lists"
      guard let fields = ProbeLine(line.text[...]), KernelState.lineNames.contains(fields.name) else {
        throw line.error("unknown line \(CaptureError.quoted(line.text))", accepted: accepted)
      }
      do throws(ProbeLine.Missing) {
        try state.add(fields)
      } catch {
        throw line.error("no \(error.key) in \(CaptureError.quoted(line.text))", accepted: accepted)
      }
      if fields.name == "zone" { zoneLines.append(line) }
    }
    guard !zoneLines.isEmpty else {
      throw CaptureError(
        file: text.name, line: 1, what: "no zone", accepted: "what the probe's dump prints")
    }
    for index in state.zones.indices where state.zones[index].pageblocks.isEmpty {
      state.zones[index].inferPageblocks()
    }
    for (zone, line) in zip(state.zones, zoneLines) {
      if let what = zone.inconsistency {
        throw line.error("zone \(zone.name): \(what)", accepted: "a dump of one moment", kind: .inconsistent)
      }
    }
    for index in state.zones.indices { state.zones[index].countFreePages() }
    // What /proc would have shown is checked as a capture of it is.
    let files = state.procFiles.map { CaptureText(name: text.name, $0.text) }
    try self.init(buddyinfo: files[0], pagetypeinfo: files[1], zoneinfo: files[2])
    lists = state
  }
}

extension KernelState.Zone {
  /// Blocks under isolation aren't free pages.
  fileprivate mutating func countFreePages() {
    freePages = lists.reduce(0) {
      $1.type == Migratetype.isolate.rawValue ? $0 : $0 + UInt64($1.pfns.count) << UInt64($1.order)
    }
  }

  fileprivate mutating func inferPageblocks() {
    guard spannedPages > 0, spannedPages <= Capture.maximumPages, startPFN <= Capture.maximumPages else { return }
    let first = startPFN >> UInt64(pageblockOrder)
    let count = Int((startPFN + spannedPages - 1) >> UInt64(pageblockOrder) - first + 1)
    // By pageblock, then by type.
    var pages: [Int: [Int: UInt64]] = [:]
    for list in lists where list.order < 64 {
      let size: UInt64 = 1 << UInt64(min(list.order, pageblockOrder))
      for pfn in list.pfns where pfn >= startPFN && pfn < startPFN + spannedPages {
        let place = Int(pfn >> UInt64(pageblockOrder) - first)
        for next in place..<min(count, place + 1 << max(0, list.order - pageblockOrder)) {
          pages[next, default: [:]][list.type, default: 0] += size
        }
      }
    }
    pageblocks = (0..<count).map { place in
      pages[place]?.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? Migratetype.movable.rawValue
    }
  }

  /// What makes its lists impossible, in words; nil if nothing does. Complexity: O(n log n) for n free blocks.
  fileprivate var inconsistency: String? {
    guard !blocksFree.isEmpty, blocksFree.count <= Capture.maximumOrders else {
      return "\(blocksFree.count) orders, and 1 to \(Capture.maximumOrders) can be"
    }
    guard spannedPages <= Capture.maximumPages, startPFN <= Capture.maximumPages else { return "an absurd span" }
    guard (0..<blocksFree.count).contains(pageblockOrder) else { return "pageblocks of order \(pageblockOrder)" }
    let end = startPFN + spannedPages
    if spannedPages > 0 {
      let whole = (end - 1) >> UInt64(pageblockOrder) - startPFN >> UInt64(pageblockOrder) + 1
      guard pageblocks.count == whole else { return "\(pageblocks.count) pageblocks, and its span has \(whole)" }
    }
    guard pageblocks.allSatisfy(Migratetype.allCases.map(\.rawValue).contains) else { return "a pageblock's type" }
    var counts = [Int](repeating: 0, count: blocksFree.count)
    var blocks: [Range<UInt64>] = []
    for list in lists {
      guard counts.indices.contains(list.order), Migratetype.allCases.contains(where: { $0.rawValue == list.type })
      else { return "a list of order \(list.order) and type \(list.type)" }
      counts[list.order] += list.pfns.count
      let size: UInt64 = 1 << UInt64(list.order)
      for pfn in list.pfns {
        guard pfn >= startPFN, pfn < end, end - pfn >= size, pfn.isMultiple(of: size) else {
          return "PFN \(pfn) of order \(list.order) isn't an aligned block inside it"
        }
        blocks.append(pfn..<(pfn + size))
      }
    }
    guard counts == blocksFree else { return "nr_free \(blocksFree), and its lists have \(counts) blocks" }
    blocks.sort { $0.lowerBound < $1.lowerBound }
    for (one, two) in zip(blocks, blocks.dropFirst()) where two.lowerBound < one.upperBound {
      return "PFN \(two.lowerBound) is in two free blocks"
    }
    return nil
  }
}
