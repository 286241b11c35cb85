import Records

/// What the probe printed: one `NAME KEY=VALUE...` a line.
public struct ProbeReport: Sendable {
  /// A session of a design.
  public struct Session: Sendable {
    public var design: String
    /// `OPTION=VALUE`; nil for a design without an option.
    public var option: String?
    public var order: Int
    /// Whether its holds were timed.
    public var isProbed: Bool
    public var isCold: Bool
    public var blocks: Int
    public var pages: UInt64
    /// A sum over the PFNs of the blocks: equal for passes that found the same.
    public var pfnSum: UInt64
    public var holds: Int
    public var holdsDropped: Int
    /// Of collecting, and of giving back. Ticks of the time-stamp counter.
    public var ticks: UInt64
    public var returnTicks: UInt64
    /// The timed holds in order: ticks, and list entries looked at.
    public var samples: [(ticks: UInt64, items: UInt32)] = []

    /// The full name of the strategy, as `hintbench list strategies` has it.
    public var fullName: String { option.map { "\(design):\($0)" } ?? design }
  }

  /// A zone as dumped.
  public struct Zone: Sendable {
    public var node: Int
    public var name: String
    public var managedPages: UInt64
    public var freePages: UInt64
    /// The free blocks by order.
    public var blocksFree: [Int] = []
    /// The PFNs of the highest order's lists by migratetype, in list order.
    public var highestOrderLists: [[UInt64]] = []
  }

  /// `uname -r`.
  public var release = ""
  public var cpus = 0
  public var nodes = 0
  public var maxOrder = 0
  /// The memory that the kernel manages. Pages.
  public var pages: UInt64 = 0
  public var sessions: [Session] = []
  /// Of the last `dump`.
  public var zones: [Zone] = []
  /// Whether all commands were run.
  public var isComplete = false
  /// The command that failed, and its errno.
  public var failure: (command: String, errno: Int)?

  /// Parses a report, whole or cut short.
  ///
  /// - Throws: ``UserError`` of kind input with the line if it can't be one.
  public init(_ text: String, file: String) throws(UserError) {
    var command = ""
    // The last line ends with a newline, unless it was torn.
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated() {
      guard let fields = Fields(line) else {
        throw .input(file: file, line: number + 1, "invalid line '\(line)'", accepted: "expected NAME KEY=VALUE...")
      }
      do throws(Fields.Missing) {
        switch fields.name {
        case "command":
          command = String(line.dropFirst("command ".count))
          if command == "dump" { zones = [] }
        case "done": isComplete = true
        case "error": failure = (command, Int(fields.first ?? "") ?? 0)
        case "hintprobe": try start(fields)
        case "session": sessions.append(try Session(fields))
        case "hold":
          guard !sessions.isEmpty else { throw Fields.Missing(key: "session before") }
          sessions[sessions.count - 1].samples.append(
            (UInt64(try fields.number("ticks")), UInt32(clamping: try fields.number("items"))))
        case "zone":
          zones.append(
            Zone(
              node: try fields.number("node"), name: try fields.text("name"),
              managedPages: UInt64(try fields.number("managed")),
              freePages: UInt64(try fields.number("nr_free_pages"))))
        case "free": if !zones.isEmpty { zones[zones.count - 1].blocksFree.append(try fields.number("nr_free")) }
        case "list":
          if !zones.isEmpty, try fields.number("order") == maxOrder {
            zones[zones.count - 1].highestOrderLists.append(fields.runs)
          }
        case "pcp", "pcplist", "order0": break
        default: throw Fields.Missing(key: "known name")
        }
      } catch {
        throw .input(
          file: file, line: number + 1, "no \(error.key) in '\(line)'", accepted: "expected what the probe prints")
      }
    }
  }

  private mutating func start(_ fields: Fields) throws(Fields.Missing) {
    release = try fields.text("release")
    cpus = try fields.number("cpus")
    nodes = try fields.number("nodes")
    maxOrder = try fields.number("max_order")
    pages = UInt64(try fields.number("pages"))
  }

  /// A line's name and values.
  fileprivate struct Fields {
    struct Missing: Error {
      var key: String
    }

    let name: Substring
    /// What follows the name without `=`.
    let words: [Substring]
    private var values: [Substring: Substring] = [:]

    init?(_ line: Substring) {
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

    var first: Substring? { words.first }

    func text(_ key: Substring) throws(Missing) -> String {
      guard let value = values[key] else { throw Missing(key: String(key)) }
      return String(value)
    }

    func number(_ key: Substring) throws(Missing) -> Int {
      guard let value = values[key], let number = Int(value) ?? UInt64(value).map({ Int(truncatingIfNeeded: $0) })
      else { throw Missing(key: String(key)) }
      return number
    }

    /// The numbers of a list: `PFN`, or `FIRST*COUNT:STEP`.
    var runs: [UInt64] {
      words.flatMap { word -> [UInt64] in
        let parts = word.split(whereSeparator: { $0 == "*" || $0 == ":" })
        guard let first = parts.first.flatMap({ Int64($0) }) else { return [] }
        guard parts.count == 3, let count = Int64(parts[1]), let step = Int64(parts[2]) else { return [UInt64(first)] }
        return (0..<count).map { UInt64(first + $0 * step) }
      }
    }
  }
}

extension ProbeReport.Session {
  fileprivate init(_ fields: ProbeReport.Fields) throws(ProbeReport.Fields.Missing) {
    design = try fields.text("design")
    let name = try fields.text("option")
    option = name.isEmpty ? nil : "\(name)=\(try fields.number("limit"))"
    order = try fields.number("order")
    isProbed = try fields.number("probed") != 0
    isCold = try fields.text("cache") == "cold"
    blocks = try fields.number("blocks")
    pages = UInt64(truncatingIfNeeded: try fields.number("pages"))
    pfnSum = UInt64(bitPattern: Int64(try fields.number("pfn_sum")))
    holds = try fields.number("holds")
    holdsDropped = try fields.number("dropped")
    ticks = UInt64(truncatingIfNeeded: try fields.number("ticks"))
    returnTicks = UInt64(truncatingIfNeeded: try fields.number("return_ticks"))
  }
}
