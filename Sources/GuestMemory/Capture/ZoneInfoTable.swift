/// /proc/zoneinfo (`zoneinfo_show_print` in mm/vmstat.c). Its layout differs between releases: fields are identified by
/// name, never by position or indentation, and unknown fields are ignored.
struct ZoneInfoTable {
  /// The fields that are read; `rawValue` is the first word of their line.
  enum Field: String, CaseIterable {
    case free = "pages"  // "pages free N"
    case boost, min, low, high, promo, spanned, present, managed
    case freeCMA = "nr_free_cma"
    case protection = "protection:"
    case startPFN = "start_pfn:"

    var name: String {
      switch self {
      case .free: "pages free"
      case .freeCMA: "nr_free_cma"
      case .protection: "protection"
      case .startPFN: "start_pfn"
      default: rawValue
      }
    }

    /// `managed` is there since Linux 3.8.
    static let needed: [Field] = [.min, .low, .high, .spanned, .present, .startPFN]
  }

  struct Value {
    var number: UInt64
    var line: CaptureLine
  }

  struct Zone {
    var line: CaptureLine
    var values: [Field: Value] = [:]
    var protection: [UInt64] = []
    var pagesets: [CapturedPageset] = []

    func value(_ field: Field) -> UInt64? { values[field]?.number }
    /// The line of `field`, or of the zone's row if the field is missing.
    func line(_ field: Field) -> CaptureLine { values[field]?.line ?? line }
  }

  /// The pageset being read.
  private struct OpenPageset {
    var cpu: Int
    var line: CaptureLine
    var values: [Substring: UInt64] = [:]
  }

  static let accepted = "a /proc/zoneinfo: 'Node 0, zone Normal' and its fields on lines of their own"
  private static let pagesetKeys: Set<Substring> = ["count:", "high:", "batch:", "high_min:", "high_max:"]

  private(set) var zones: [CapturedZoneID: Zone] = [:]

  init(_ text: CaptureText) throws(CaptureError) {
    let lines = text.lines
    guard let first = lines.first else {
      throw CaptureError(file: text.name, line: 1, what: "the file is empty", accepted: Self.accepted)
    }
    var current: (id: CapturedZoneID, zone: Zone)?
    var pageset: OpenPageset?
    for line in lines {
      if line.isRow {
        try Self.close(&pageset, into: &current)
        if let current { zones[current.id] = current.zone }
        let (id, hasType, words) = try line.row(accepted: Self.accepted)
        if hasType || !words.isEmpty {
          throw line.error(
            "this is a \(hasType ? "pagetypeinfo" : "buddyinfo"), but a zoneinfo was expected",
            accepted: Self.accepted)
        }
        if let earlier = zones[id] {
          throw line.error("\(id) was already on line \(earlier.line.number)", accepted: "each zone once")
        }
        current = (id, Zone(line: line))
        continue
      }
      try line.refuseIfHiddenRow()
      guard current != nil else {
        if line.isPageTypeInfoHeading {
          throw line.error("this is a pagetypeinfo, but a zoneinfo was expected", accepted: Self.accepted)
        }
        continue
      }
      let words = line.words
      if words[0] == "cpu:" {
        try Self.close(&pageset, into: &current)
        let cpu = Int(try Self.only(words, line, "cpu", atMost: 1 << 20))
        if current?.zone.pagesets.contains(where: { $0.cpu == cpu }) == true {
          throw line.error("cpu \(cpu) twice in a zone", accepted: "each cpu once")
        }
        pageset = OpenPageset(cpu: cpu, line: line)
      } else if Self.pagesetKeys.contains(words[0]) {
        let name = String(words[0].dropLast())
        guard pageset != nil else {
          throw line.error("'\(name)' of a pageset without its cpu", accepted: "'cpu: N' before it")
        }
        let value = try Self.only(words, line, "\(name)", atMost: CaptureLine.maximumPFN)
        guard pageset?.values.updateValue(value, forKey: words[0]) == nil else {
          throw line.error("'\(name)' twice for one cpu", accepted: "each field once for a cpu")
        }
      } else if let field = Field(rawValue: String(words[0])) {
        try Self.read(field, words, line, into: &current)
      }
    }
    try Self.close(&pageset, into: &current)
    if let current { zones[current.id] = current.zone }
    if zones.isEmpty { throw first.error("the file has no zone", accepted: Self.accepted) }
  }

  private static func read(
    _ field: Field, _ words: [Substring], _ line: CaptureLine, into current: inout (id: CapturedZoneID, zone: Zone)?
  ) throws(CaptureError) {
    guard let id = current?.id else { return }
    if let earlier = current?.zone.values[field] {
      throw line.error(
        "'\(field.name)' of \(id) was already on line \(earlier.line.number)", accepted: "each field once a zone")
    }
    var value: UInt64 = 0
    switch field {
    case .free:
      guard words.count > 1, words[1] == "free" else { return }
      value = try only(Array(words.dropFirst()), line, "pages free", atMost: CaptureLine.maximumPFN)
    case .protection:
      current?.zone.protection = try protection(line)
    default:
      value = try only(words, line, field.name, atMost: CaptureLine.maximumPFN)
    }
    current?.zone.values[field] = Value(number: value, line: line)
  }

  /// Reads the number of a line that consists of a name and a number.
  private static func only(
    _ words: [Substring], _ line: CaptureLine, _ name: String, atMost limit: UInt64
  ) throws(CaptureError) -> UInt64 {
    guard words.count == 2 else {
      throw line.error("\(words.count - 1) words for '\(name)'", accepted: "one number")
    }
    return try line.number(words[1], name, atMost: limit)
  }

  /// Reads `protection: (0, 3019, 10187)`.
  private static func protection(_ line: CaptureLine) throws(CaptureError) -> [UInt64] {
    let accepted = "'protection: (A, B, ...)'"
    guard let open = line.text.firstIndex(of: "("), line.text.hasSuffix(")"),
      line.text[..<open].split(whereSeparator: \.isWhitespace).count == 1,
      case let list = line.text[line.text.index(after: open)...].dropLast(), !list.isEmpty
    else {
      throw line.error("not a list of pages: \(CaptureError.quoted(line.text))", accepted: accepted)
    }
    var result: [UInt64] = []
    for piece in list.split(separator: ",", omittingEmptySubsequences: false) {
      let word = piece.drop { $0 == " " }
      result.append(
        try line.number(
          word.prefix { $0 != " " }, "protection", atMost: CaptureLine.maximumPFN))
    }
    return result
  }

  private static func close(
    _ pageset: inout OpenPageset?, into current: inout (id: CapturedZoneID, zone: Zone)?
  ) throws(CaptureError) {
    guard let open = pageset else { return }
    guard let count = open.values["count:"], let high = open.values["high:"], let batch = open.values["batch:"] else {
      throw open.line.error("cpu \(open.cpu) lacks one of its fields", accepted: "count, high and batch for each cpu")
    }
    var tuning: ClosedRange<UInt64>?
    switch (open.values["high_min:"], open.values["high_max:"]) {
    case (nil, nil): break
    case (let least?, let most?) where least <= most: tuning = least...most
    case (_?, _?):
      throw open.line.error("cpu \(open.cpu) has a high_min above its high_max", accepted: "high_min <= high_max")
    default:
      throw open.line.error("cpu \(open.cpu) has one of high_min and high_max", accepted: "both or none")
    }
    current?.zone.pagesets.append(
      CapturedPageset(cpu: open.cpu, count: count, high: high, batch: batch, tuning: tuning))
    pageset = nil
  }

  /// Returns the checked details of zone `id`; nil if the file leaves the zone out or shows it without memory.
  ///
  /// - Parameters:
  ///   - freePages: the zone's free pages according to `source`. They may differ from zoneinfo's own figure, taken at
  ///     another moment, but must fit into the managed pages.
  func details(of id: CapturedZoneID, freePages: UInt64, source: String) throws(CaptureError) -> ZoneDetails? {
    guard let zone = zones[id] else { return nil }
    if freePages == 0, zone.value(.present) ?? 0 == 0 { return nil }
    for field in Field.needed where zone.values[field] == nil {
      throw zone.line.error(
        "\(id) has no field '\(field.name)'",
        accepted: "a zoneinfo with \(Field.needed.map(\.name).joined(separator: ", ")) for each zone with memory")
    }
    let details = ZoneDetails(
      startPFN: zone.value(.startPFN)!, spanned: zone.value(.spanned)!, present: zone.value(.present)!,
      managed: zone.value(.managed) ?? zone.value(.present)!, min: zone.value(.min)!, low: zone.value(.low)!,
      high: zone.value(.high)!,
      boost: zone.value(.boost), promo: zone.value(.promo), freeCMA: zone.value(.freeCMA),
      protection: zone.protection, pagesets: zone.pagesets)
    if let disorder = details.disorder {
      throw zone.line(disorder.isOfWatermarks ? .min : .managed).error(
        "\(id): \(disorder.what)", accepted: disorder.accepted)
    }
    guard details.endPFN <= CaptureLine.maximumPFN else {
      throw zone.line(.startPFN).error(
        "\(id): the span ends above 2^52 bytes, which is absurd", accepted: "addresses of 52 bits")
    }
    guard freePages <= details.managed else {
      throw zone.line(.managed).error(
        "\(id): \(source) has \(freePages) free pages, but only \(details.managed) are managed",
        accepted: "a \(source) and a zoneinfo of the same machine", kind: .inconsistent)
    }
    return details
  }
}
