import Glibc

/// The free memory that a kernel logs when an allocation fails, at an OOM, or for SysRq-m (`show_free_areas` in
/// mm/page_alloc.c, since 6.5 in mm/show_mem.c): a line `Node 0 Normal free:4kB min:4kB ...` for each zone, then a line
/// `Node 0 Normal: 1*4kB (U) 0*8kB ... = 4kB` for each. Kernels without NUMA print no `Node 0`, those before 3.9 no
/// letters. What a logger puts before them is ignored.
struct ShowMemTable {
  struct Row {
    var line: CaptureLine
    var counts: [UInt64]
    /// By order; nil if the row has no letters.
    var types: [Set<CapturedMigratetype>]?
  }

  static let accepted = "lines as 'Node 0 Normal: 1*4kB (U) 0*8kB ... = 4kB', as the kernel logs them"

  private(set) var rows: [CapturedZoneID: Row] = [:]
  private(set) var details: [CapturedZoneID: ZoneDetails] = [:]
  /// By the first size in the rows.
  private(set) var pageSize: PageSize?
  private(set) var orders = 0
  /// What of the file was read, if it has several dumps.
  private(set) var notes: [String] = []

  /// Whether the text may have such lines. Complexity: O(n) in the C library's search.
  static func isIn(_ text: CaptureText) -> Bool { !ShowMemScan(text).dumps.isEmpty }

  /// - Parameter nth: which of several dumps, from 1; nil: the last.
  init(_ text: CaptureText, nth: Int? = nil) throws(CaptureError) {
    let dumps = ShowMemScan(text).dumps
    guard !dumps.isEmpty else {
      throw CaptureError(
        file: text.name, line: 1, what: text.bytes.isEmpty ? "the file is empty" : "the file has no such lines",
        accepted: Self.accepted)
    }
    guard nth ?? 1 >= 1, nth ?? 1 <= dumps.count else {
      throw CaptureError(
        file: text.name, line: 1, what: "there is no dump \(nth ?? 1)", accepted: "1 to \(dumps.count)")
    }
    let index = (nth ?? dumps.count) - 1
    var lines = ShowMemLines(text)
    var zoneLines: [(id: CapturedZoneID, line: CaptureLine, present: UInt64)] = []
    var last: CaptureLine?
    for entry in dumps[index] {
      let line = lines.line(entry.text)
      switch entry.kind {
      case .row: try addRow(line)
      case .zone: zoneLines.append(try addZone(line, reserve: lines.reserve(after: entry.text), zones: zoneLines))
      }
      last = line
    }
    guard let last else { return }
    if dumps.count > 1 {
      notes.append(
        "\(text.name) has \(dumps.count) dumps: took number \(index + 1), which ends on line \(last.number)"
          + (nth == nil ? ", the last; --nth takes another" : ""))
    }
    if let end = dumps[index].last?.text, let cut = lines.cutRow(after: end) {
      throw cut.error("a row that is cut off: \(CaptureError.quoted(cut.text))", accepted: "rows that end in '= NkB'")
    }
    for zone in zoneLines where rows[zone.id] == nil && zone.present > 0 {
      throw zone.line.error("\(zone.id) has no row of counts: the dump is cut off", accepted: Self.accepted)
    }
    for zone in zoneLines { try check(zone.id, zone.line) }
    // Some lines were lost: watermarks of a part of the machine are none.
    if let bare = rows.keys.sorted().first(where: { details[$0] == nil }) {
      if !zoneLines.isEmpty {
        notes.append("\(bare) has no line 'free:.. min:..': the watermarks of all zones are left out")
      }
      details = [:]
    }
  }

  // MARK: lines

  /// The zone that a line begins with, and the words after it. `mark`: what follows the zone's name.
  private static func zone(
    _ line: CaptureLine, mark: Character?
  ) throws(CaptureError) -> (CapturedZoneID, ArraySlice<Substring>) {
    var words = line.words[...]
    var node = 0
    if words.first == "Node", let word = words.dropFirst().first {
      node = Int(try line.number(word, "the node", atMost: UInt64(CaptureLine.maximumNodes - 1)))
      words = words.dropFirst(2)
    }
    guard let word = words.first else { throw line.error("a line without a zone", accepted: accepted) }
    let name = word.last == mark ? word.dropLast() : word
    guard let kind = CapturedZoneKind(rawValue: String(name)) else {
      throw line.error("unknown zone \(CaptureError.quoted(name))", at: name, accepted: CapturedZoneKind.accepted)
    }
    return (CapturedZoneID(nodeID: node, kind: kind), words.dropFirst())
  }

  private mutating func addRow(_ line: CaptureLine) throws(CaptureError) {
    let (id, words) = try Self.zone(line, mark: ":")
    var counts: [UInt64] = []
    var types: [Set<CapturedMigratetype>] = []
    var size: UInt64 = 0
    var kilobytes: UInt64 = 0
    var sum: UInt64?
    var rest = words
    while let word = rest.popFirst() {
      if word == "=" {
        guard let total = rest.popFirst(), total.hasSuffix("kB") else { break }
        sum = try line.number(total.dropLast(2), "the sum")
        guard rest.isEmpty else {
          throw line.error(
            "more after the sum: \(CaptureError.quoted(rest[rest.startIndex]))", at: rest.first, accepted: Self.accepted
          )
        }
      } else if word.hasPrefix("(") {
        guard let order = types.indices.last, types[order].isEmpty, word.hasSuffix(")"), word.count > 2 else {
          throw line.error("letters out of place: \(CaptureError.quoted(word))", at: word, accepted: Self.accepted)
        }
        for letter in word.dropFirst().dropLast() {
          guard let type = CapturedMigratetype(letter: letter) else {
            throw line.error(
              "unknown migratetype \(CaptureError.quoted(String(letter)))", at: word,
              accepted: "letters U, M, E, H or R, C, I")
          }
          types[order].insert(type)
        }
        guard counts[order] >= types[order].count else {
          throw line.error(
            "\(id), order \(order): \(counts[order]) blocks on the lists of \(types[order].count) types", at: word,
            accepted: "at least a block a type")
        }
      } else {
        let star = word.firstIndex(of: "*")
        guard let star, word.hasSuffix("kB") else {
          if rest.isEmpty { break }
          throw line.error("not a count: \(CaptureError.quoted(word))", at: word, accepted: Self.accepted)
        }
        let own = try line.number(word[word.index(after: star)...].dropLast(2), "the size of a block", atMost: 1 << 32)
        try checkSize(own, order: counts.count, previous: size, line, word)
        size = own
        let count = try line.blocks(word[..<star], order: counts.count, "\(id)")
        kilobytes += count * own  // at most 1 PiB an order
        counts.append(count)
        types.append([])
      }
    }
    guard let sum else {
      throw line.error(
        "a row that is cut off: \(CaptureError.quoted(line.text.suffix(40)))", at: line.words.last,
        accepted: "rows that end in '= NkB'")
    }
    guard sum == kilobytes else {
      throw line.error(
        "\(id): the counts add up to \(kilobytes)kB, but the row says \(sum)kB", accepted: "a row as it was logged")
    }
    try line.checkOrders(counts.count, expected: orders == 0 ? nil : orders)
    orders = counts.count
    guard rows[id] == nil else { throw line.error("\(id) has two rows", accepted: "one row a zone") }
    let hasLetters = types.contains { !$0.isEmpty }
    rows[id] = Row(line: line, counts: counts, types: hasLetters ? types : nil)
  }

  /// Checks the size that a column has. The first gives the page size. kB.
  private mutating func checkSize(
    _ size: UInt64, order: Int, previous: UInt64, _ line: CaptureLine, _ word: Substring
  ) throws(CaptureError) {
    guard order == 0 else {
      guard size == previous * 2 else {
        throw line.error(
          "blocks of \(size)kB after such of \(previous)kB", at: word, accepted: "each size twice the one before")
      }
      return
    }
    guard let own = PageSize.allCases.first(where: { $0.bytes == size << 10 }) else {
      throw line.error("pages of \(size)kB", at: word, accepted: "pages of 4kB, 16kB or 64kB")
    }
    guard pageSize ?? own == own else {
      throw line.error("pages of \(size)kB where other rows have others", at: word, accepted: "one page size")
    }
    pageSize = own
  }

  private mutating func addZone(
    _ line: CaptureLine, reserve: [UInt64],
    zones: [(id: CapturedZoneID, line: CaptureLine, present: UInt64)]
  ) throws(CaptureError) -> (id: CapturedZoneID, line: CaptureLine, present: UInt64) {
    let (id, words) = try Self.zone(line, mark: nil)
    guard !zones.contains(where: { $0.id == id }) else {
      throw line.error("\(id) has two lines of watermarks", accepted: "one a zone")
    }
    var values: [Substring: UInt64] = [:]
    for word in words {
      guard let colon = word.firstIndex(of: ":"), word.lowercased().hasSuffix("kb"),
        Self.keys.contains(word[..<colon])
      else { continue }
      let kilobytes = try line.number(
        word[word.index(after: colon)...].dropLast(2), "\(id): \(word[..<colon])", atMost: Capture.maximumBytes >> 10)
      values[word[..<colon]] = kilobytes
    }
    for key in ["min", "low", "high", "present"] as [Substring] where values[key] == nil {
      throw line.error(
        "\(id) has no field '\(key)': the line is cut off", accepted: "a line from 'free:' to 'present:' at least")
    }
    // In kB until the page size is known.
    var details = ZoneDetails(
      startPFN: 0, spanned: values["present"]!, present: values["present"]!,
      managed: values["managed"] ?? values["present"]!, min: values["min"]!, low: values["low"]!, high: values["high"]!,
      boost: values["boost"], freeCMA: values["free_cma"], protection: reserve)
    details.hasPlace = false
    self.details[id] = details
    return (id, line, values["present"]!)
  }

  private static let keys: Set<Substring> = ["boost", "min", "low", "high", "present", "managed", "free_cma"]

  /// Turns a zone's figures into pages, and checks them.
  private mutating func check(_ id: CapturedZoneID, _ line: CaptureLine) throws(CaptureError) {
    guard var zone = details[id] else { return }
    guard let perPage = pageSize.map({ $0.bytes >> 10 }) else {
      throw line.error("no row of counts: the dump is cut off", accepted: Self.accepted)
    }
    for path in [\ZoneDetails.spanned, \.present, \.managed, \.min, \.low, \.high] {
      let kilobytes = zone[keyPath: path]
      guard kilobytes.isMultiple(of: perPage) else {
        throw line.error("\(id): \(kilobytes)kB are no whole pages of \(perPage)kB", accepted: "whole pages")
      }
      zone[keyPath: path] = kilobytes / perPage
    }
    zone.boost = zone.boost.map { $0 / perPage }
    zone.freeCMA = zone.freeCMA.map { $0 / perPage }
    if let disorder = zone.disorder { throw line.error("\(id): \(disorder.what)", accepted: disorder.accepted) }
    let free = rows[id].map { CapturedZone(nodeID: 0, kind: .dma, freeBlocks: $0.counts).freePages } ?? 0
    guard free <= zone.managed else {
      throw line.error(
        "\(id): \(free) free pages in its row, but only \(zone.managed) are managed",
        accepted: "a log as it was written")
    }
    details[id] = zone.present > 0 ? zone : nil
  }
}

/// Where a log's lines of free memory lie. A journal is long and such lines are few: the C library searches it for
/// their unit, and nothing is done with other lines.
struct ShowMemScan {
  struct Entry {
    enum Kind { case zone, row }
    var kind: Kind
    /// From the zone, or its node, to the end of the line. Bytes of the text.
    var text: Range<Int>
    /// Nil if there is no such zone.
    var id: CapturedZoneID?
  }

  /// In the order of the file; each has the lines of one moment.
  private(set) var dumps: [[Entry]] = []

  init(_ text: CaptureText) {
    text.bytes.withUnsafeBytes { bytes in
      var at = 0
      var previous = 0
      while let hit = Self.find("kB", rare: 1, in: bytes, from: at) {
        let start = Self.startOfLine(bytes, before: hit)
        let end = Self.endOfLine(bytes, from: hit)
        at = end
        guard let entry = Self.entry(bytes, start, hit, end) else { continue }
        if isNew(entry) || Self.hasHeading(bytes, previous..<start) { dumps.append([]) }
        dumps[dumps.count - 1].append(entry)
        previous = end
      }
    }
    // Lines of watermarks alone are a dump that was cut off, unless nothing but such was found.
    if dumps.contains(where: { $0.contains { $0.kind == .row } }) { return }
    dumps = []
  }

  /// Whether an entry can't be of the same moment as those before it.
  private func isNew(_ entry: Entry) -> Bool {
    guard let last = dumps.last else { return true }
    if entry.kind == .zone, last.last?.kind == .row { return true }
    guard let id = entry.id else { return false }
    if last.contains(where: { $0.kind == entry.kind && $0.id == id }) { return true }
    // Rows alone go up by node and zone.
    return last.allSatisfy { $0.kind == .row } && last.last?.id.map { id < $0 } ?? false
  }

  /// Recognises a line by what stands before the first unit in it.
  private static func entry(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ hit: Int, _ end: Int) -> Entry? {
    var at = hit
    while at > start, isDigit(bytes[at - 1]) { at -= 1 }
    guard at > start, at < hit else { return nil }
    let kind: Entry.Kind
    switch bytes[at - 1] {
    case UInt8(ascii: "*"):
      at -= 1
      let star = at
      while at > start, isDigit(bytes[at - 1]) { at -= 1 }
      guard at < star else { return nil }
      let count = at
      while at > start, isBlank(bytes[at - 1]) { at -= 1 }
      guard at < count, at > start, bytes[at - 1] == UInt8(ascii: ":") else { return nil }
      at -= 1
      kind = .row
    case UInt8(ascii: ":"):
      let key = Array("free".utf8)
      at -= 1
      guard at - start > key.count, bytes[(at - key.count)..<at].elementsEqual(key) else { return nil }
      at -= key.count
      guard isBlank(bytes[at - 1]) else { return nil }
      while at > start, isBlank(bytes[at - 1]) { at -= 1 }
      kind = .zone
    default: return nil
    }
    let nameEnd = at
    while at > start, isLetterOrDigit(bytes[at - 1]) { at -= 1 }
    guard at < nameEnd else { return nil }
    var begin = at
    // `Node N` before it.
    var node = at
    while node > start, isBlank(bytes[node - 1]) { node -= 1 }
    let digitsEnd = node
    while node > start, isDigit(bytes[node - 1]) { node -= 1 }
    if node < digitsEnd, node > start, isBlank(bytes[node - 1]) {
      var wordEnd = node
      while wordEnd > start, isBlank(bytes[wordEnd - 1]) { wordEnd -= 1 }
      let word = Array("Node".utf8)
      if wordEnd - start >= word.count, bytes[(wordEnd - word.count)..<wordEnd].elementsEqual(word) {
        begin = wordEnd - word.count
      }
    }
    var last = end
    while last > begin, bytes[last - 1] == UInt8(ascii: "\r") || isBlank(bytes[last - 1]) { last -= 1 }
    // `active:4kB` of another line of the same kind has no zone before it.
    let known = CapturedZoneKind(rawValue: String(decoding: bytes[at..<nameEnd], as: UTF8.self))
    if kind == .zone, known == nil { return nil }
    let number = begin < at ? Int(String(decoding: bytes[node..<digitsEnd], as: UTF8.self)) : 0
    return Entry(
      kind: kind, text: begin..<last,
      id: known.flatMap { zone in number.map { CapturedZoneID(nodeID: $0, kind: zone) } })
  }

  /// Whether a dump's first line, `Mem-Info:`, stands there (`Mem-info:` before 3.x).
  private static func hasHeading(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
    let part = UnsafeRawBufferPointer(rebasing: bytes[range])
    return find("Mem-Info:", in: part, from: 0) != nil || find("Mem-info:", in: part, from: 0) != nil
  }

  /// The first place of `text`. `rare`: the offset in it of the byte that the C library looks for.
  static func find(
    _ text: StaticString, rare: Int = 0, in bytes: UnsafeRawBufferPointer, from: Int
  ) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let length = text.utf8CodeUnitCount
    var at = from + rare
    while at < bytes.count, let hit = memchr(base + at, Int32(text.utf8Start[rare]), bytes.count - at) {
      let place = UnsafeRawPointer(hit) - base - rare
      if place + length <= bytes.count, memcmp(base + place, text.utf8Start, length) == 0 { return place }
      at = place + rare + 1
    }
    return nil
  }

  static func endOfLine(_ bytes: UnsafeRawBufferPointer, from: Int) -> Int {
    guard from < bytes.count, let base = bytes.baseAddress,
      let hit = memchr(base + from, Int32(UInt8(ascii: "\n")), bytes.count - from)
    else { return bytes.count }
    return UnsafeRawPointer(hit) - base
  }

  static func startOfLine(_ bytes: UnsafeRawBufferPointer, before: Int) -> Int {
    var at = before
    while at > 0, bytes[at - 1] != UInt8(ascii: "\n") { at -= 1 }
    return at
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
  private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
  }
}

/// The lines at given places of a log, with their numbers, asked for in ascending order.
private struct ShowMemLines {
  private let text: CaptureText
  private var counted = (offset: 0, line: 1)

  init(_ text: CaptureText) { self.text = text }

  mutating func line(_ range: Range<Int>) -> CaptureLine {
    let (start, number) = text.bytes.withUnsafeBytes { bytes in
      var number = counted.line
      var at = counted.offset
      while case let end = ShowMemScan.endOfLine(bytes, from: at), end < range.lowerBound {
        number += 1
        at = end + 1
      }
      return (at, number)
    }
    counted = (start, number)
    return CaptureLine(
      file: text.name, number: number, text: String(decoding: text.bytes[range], as: UTF8.self),
      indent: range.lowerBound - start)
  }

  /// The numbers of `lowmem_reserve[]: 0 1907 7817` in the line after a zone's; none if there is no such line.
  func reserve(after range: Range<Int>) -> [UInt64] {
    let next = lineAfter(range)
    guard let mark = next.firstRange(of: "lowmem_reserve[]:") else { return [] }
    let words = next[mark.upperBound...].split { $0 == " " || $0 == "\t" || $0 == "\r" }
    let numbers = words.compactMap { CaptureLine.digits($0) }
    return numbers.count == words.count && numbers.allSatisfy { $0 <= CaptureLine.maximumPFN } ? numbers : []
  }

  /// The line after the last row, if it is the beginning of another row.
  mutating func cutRow(after range: Range<Int>) -> CaptureLine? {
    let next = lineAfter(range)
    for kind in CapturedZoneKind.allCases {
      guard let name = next.firstRange(of: " \(kind.rawValue):") else { continue }
      let rest = next[name.upperBound...].drop { $0 == " " }
      // Of a row, and not of a message that ends in a zone's name.
      guard rest.isEmpty || rest.first!.isNumber else { continue }
      let begin = text.bytes.withUnsafeBytes { ShowMemScan.endOfLine($0, from: range.upperBound) + 1 }
      let offset = next.utf8.distance(from: next.startIndex, to: name.lowerBound) + 1
      return line(min(begin + offset, text.bytes.count)..<min(begin + next.utf8.count, text.bytes.count))
    }
    return nil
  }

  private func lineAfter(_ range: Range<Int>) -> String {
    text.bytes.withUnsafeBytes { bytes in
      let start = min(ShowMemScan.endOfLine(bytes, from: range.upperBound) + 1, bytes.count)
      return String(decoding: bytes[start..<ShowMemScan.endOfLine(bytes, from: start)], as: UTF8.self)
    }
  }
}
