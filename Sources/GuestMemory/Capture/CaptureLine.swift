/// A line of a capture file, and the parsing that all kinds of file share.
struct CaptureLine: Equatable, Sendable {
  /// The most nodes a kernel can be built for (NODES_SHIFT 10).
  static let maximumNodes = 1024
  /// 2^40 pages of 4 KiB: the 52 bits of physical address that x86-64 has.
  static let maximumPFN: UInt64 = 1 << 40

  var file: String
  var number: Int
  /// The text without surrounding blanks; never empty.
  var text: String
  /// The bytes before the text.
  var indent = 0

  /// The words of the line.
  var words: [Substring] { text.split(whereSeparator: { $0 == " " || $0 == "\t" }) }

  /// Whether the line is, or looks like, the row of a zone.
  var isRow: Bool { text.utf8.starts(with: "Node".utf8) }

  /// An error at a word of the line, or at its first.
  func error(
    _ what: String, at word: Substring? = nil, accepted: String, kind: CaptureError.Kind = .malformed
  ) -> CaptureError {
    let offset = word.map { text.utf8.distance(from: text.startIndex, to: $0.startIndex) } ?? 0
    return CaptureError(
      kind: kind, file: file, line: number, column: indent + offset + 1, what: what, accepted: accepted)
  }

  /// Refuses a line that contains a row but isn't one, such as a quoted or damaged row: ignoring it would lose a zone
  /// silently.
  func refuseIfHiddenRow() throws(CaptureError) {
    let mark = Array(", zone".utf8)
    var rest = text.utf8[...]
    while let comma = rest.firstIndex(of: UInt8(ascii: ",")) {
      if rest[comma...].starts(with: mark) {
        throw error(
          "a row of a zone that doesn't start with 'Node': \(CaptureError.quoted(text))",
          accepted: "rows that start with 'Node N, zone NAME'")
      }
      rest = rest[rest.index(after: comma)...]
    }
  }

  /// Whether this is the first line of a pagetypeinfo, which no other file can have.
  var isPageTypeInfoHeading: Bool {
    ["Page block order:", "Pages per block:", "Free pages count per migrate type", "Number of blocks type"]
      .contains { text.utf8.starts(with: $0.utf8) }
  }

  /// Reads `Node N, zone NAME` and returns the words after it. `hasType`: a comma follows the name, as in a
  /// pagetypeinfo's `zone NAME, type TYPE`; the word `type` is then consumed, too.
  func row(
    accepted: String
  ) throws(CaptureError) -> (zone: CapturedZoneID, hasType: Bool, rest: ArraySlice<Substring>) {
    let words = words
    guard words.count >= 4, words[0] == "Node", words[1].hasSuffix(","), words[2] == "zone" else {
      throw error("not the row of a zone: \(CaptureError.quoted(text))", accepted: accepted)
    }
    guard let node = Self.digits(words[1].dropLast()), node < Self.maximumNodes else {
      throw error(
        "node number \(CaptureError.quoted(words[1].dropLast()))", at: words[1],
        accepted: "a number from 0 to \(Self.maximumNodes - 1)")
    }
    let hasComma = words[3].hasSuffix(",")
    let name = hasComma ? words[3].dropLast() : words[3]
    guard let kind = CapturedZoneKind(rawValue: String(name)) else {
      throw error("unknown zone \(CaptureError.quoted(name))", at: name, accepted: CapturedZoneKind.accepted)
    }
    var rest = words[4...]
    if hasComma {
      guard rest.first == "type" else {
        throw error("a comma after the zone's name without a type", accepted: accepted)
      }
      rest = rest.dropFirst()
    }
    return (CapturedZoneID(nodeID: Int(node), kind: kind), hasComma, rest)
  }

  /// Reads a number, digits only. `name`: what it counts, for errors.
  func number(_ word: Substring, _ name: String, atMost limit: UInt64 = .max) throws(CaptureError) -> UInt64 {
    if let value = Self.digits(word) {
      guard value <= limit else {
        throw error("\(name) is \(value), which is absurd", at: word, accepted: "a number up to \(limit)")
      }
      return value
    }
    let quoted = CaptureError.quoted(word)
    let accepted = "a number from 0 to \(limit), digits only"
    if word.hasPrefix("-"), word.count > 1, Self.isDigits(word.dropFirst()) {
      throw error("\(name) is negative: \(quoted)", at: word, accepted: accepted)
    }
    if Self.isDigits(word) {
      throw error("\(name) doesn't fit in 64 bits: \(quoted)", at: word, accepted: accepted)
    }
    throw error("\(name) is not a number: \(quoted)", at: word, accepted: accepted)
  }

  /// Reads a count of blocks of `order`. Refuses one that alone exceeds `Capture.maximumBytes`.
  func blocks(_ word: Substring, order: Int, _ owner: String) throws(CaptureError) -> UInt64 {
    let limit = Capture.maximumPages >> UInt64(order)
    let value = try number(word, "\(owner), order \(order): the count")
    guard value <= limit else {
      throw error(
        "\(owner), order \(order): \(value) blocks are more than 1 PiB, which is absurd", at: word,
        accepted: "at most \(limit) blocks of order \(order)")
    }
    return value
  }

  /// Refuses a row whose number of counts can't be modelled or differs from `expected`, the other rows' number.
  func checkOrders(_ count: Int, expected: Int?) throws(CaptureError) {
    guard count <= Capture.maximumOrders else {
      throw error(
        "\(count) orders, 0 to \(count - 1), but a modelled zone has free areas for orders 0 to "
          + "\(Capture.maximumOrders - 1), with its lock right behind them, as kernels with 4 KiB pages on x86-64 and arm64 "
          + "have",
        accepted: "1 to \(Capture.maximumOrders) orders")
    }
    if let expected, count != expected {
      throw error(
        "\(count) orders where other rows have \(expected)", accepted: "the same number of orders in all rows")
    }
  }

  private static func isDigits(_ word: some StringProtocol) -> Bool {
    !word.isEmpty && word.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
  }

  /// Returns the value of `word`; nil if it isn't digits only or doesn't fit in 64 bits.
  static func digits(_ word: some StringProtocol) -> UInt64? {
    isDigits(word) ? UInt64(word) : nil
  }
}
