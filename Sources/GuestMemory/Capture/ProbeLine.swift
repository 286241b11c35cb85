/// A line that the probe prints: a name, words, and `KEY=VALUE`s.
public struct ProbeLine {
  /// What a line lacks.
  public struct Missing: Error {
    public var key: String

    public init(key: String) { self.key = key }
  }

  public let name: Substring
  /// What follows the name without `=`.
  public let words: [Substring]
  private var values: [Substring: Substring] = [:]

  public init?(_ line: Substring) {
    let parts = line.split(separator: " ")
    guard let name = parts.first else { return nil }
    self.name = name
    var words: [Substring] = []
    for part in parts.dropFirst() {
      if let equals = part.firstIndex(of: "=") {
        values[part[..<equals]] = part[part.index(after: equals)...]
      } else {
        words.append(part)
      }
    }
    self.words = words
  }

  public func text(_ key: Substring) throws(Missing) -> String {
    guard let value = values[key] else { throw Missing(key: String(key)) }
    return String(value)
  }

  public func number(_ key: Substring) throws(Missing) -> Int {
    guard let value = values[key], let number = Int(value) ?? UInt64(value).map({ Int(truncatingIfNeeded: $0) })
    else { throw Missing(key: String(key)) }
    return number
  }

  /// The number of `key`; 0 where the kernel has none.
  public func number(ifAny key: Substring) throws(Missing) -> Int { values[key] == nil ? 0 : try number(key) }

  /// The numbers of a list: `PFN`, or `FIRST*COUNT:STEP`.
  public var runs: [UInt64] {
    words.flatMap { word -> [UInt64] in
      let parts = word.split(whereSeparator: { $0 == "*" || $0 == ":" })
      guard let first = parts.first.flatMap({ Int64($0) }) else { return [] }
      guard parts.count == 3, let count = Int64(parts[1]), let step = Int64(parts[2]), count > 0 else {
        return [UInt64(bitPattern: first)]
      }
      return (0..<count).map { UInt64(bitPattern: first &+ $0 &* step) }
    }
  }
}

extension KernelState {
  /// The lines of a dump begin with these.
  public static let lineNames: Set<Substring> = ["zone", "free", "list", "pageblocks", "pcp", "pcplist", "pcpnoted"]

  /// Adds a line of a dump.
  public mutating func add(_ fields: ProbeLine) throws(ProbeLine.Missing) {
    if fields.name == "zone" {
      zones.append(try Zone(fields))
      return
    }
    guard !zones.isEmpty else { throw ProbeLine.Missing(key: "zone before") }
    try zones[zones.count - 1].add(fields)
  }
}

extension KernelState.Zone {
  fileprivate init(_ fields: ProbeLine) throws(ProbeLine.Missing) {
    func pages(_ key: Substring) throws(ProbeLine.Missing) -> UInt64 {
      UInt64(truncatingIfNeeded: try fields.number(key))
    }
    self.init()
    node = try fields.number("node")
    name = try fields.text("name")
    startPFN = try pages("start")
    spannedPages = try pages("spanned")
    managedPages = try pages("managed")
    watermarks = Watermarks(min: try pages("min"), low: try pages("low"), high: try pages("high"))
    boost = try pages("boost")
    isBelowHigh = try fields.number(ifAny: "below_high") != 0
    highAtomic = try pages("highatomic")
    freePages = try pages("nr_free_pages")
  }

  fileprivate mutating func add(_ fields: ProbeLine) throws(ProbeLine.Missing) {
    switch fields.name {
    case "free": blocksFree.append(try fields.number("nr_free"))
    case "list":
      lists.append(.init(order: try fields.number("order"), type: try fields.number("type"), pfns: fields.runs))
    case "pageblocks":
      pageblockOrder = try fields.number("order")
      // Here a run is `TYPE*COUNT`.
      pageblocks = fields.words.flatMap { word in
        let parts = word.split(separator: "*").compactMap { Int($0) }
        return parts.count == 2 && parts[1] > 0 ? [Int](repeating: parts[0], count: parts[1]) : []
      }
    case "pcp":
      var lists = KernelState.PerCPU()
      lists.count = try fields.number("count")
      lists.high = try fields.number("high")
      lists.batch = try fields.number("batch")
      lists.freeFactor = try fields.number(ifAny: "free_factor")
      lists.highMin = try fields.number(ifAny: "high_min")
      lists.highMax = try fields.number(ifAny: "high_max")
      lists.allocFactor = try fields.number(ifAny: "alloc_factor")
      lists.freeCount = try fields.number(ifAny: "free_count")
      lists.flags = try fields.number(ifAny: "flags")
      perCPU.append(lists)
    default:
      guard !perCPU.isEmpty else { throw ProbeLine.Missing(key: "pcp before") }
      if fields.name == "pcpnoted" {
        perCPU[perCPU.count - 1].highAtomic.formUnion(fields.runs)
      } else {
        perCPU[perCPU.count - 1].lists[try fields.number("list")] = fields.runs
      }
    }
  }
}
