/// Finds the line of a value in a JSON text, for messages: decoders report its path, not its line.
struct JSONPlace {
  private let bytes: [UInt8]
  private var position = 0

  /// The line, from 1, of the value (for a member: of its name) at the end of `path`, or as far as the path exists. The
  /// text must be valid JSON.
  static func line(of path: [any CodingKey], in bytes: some Sequence<UInt8>) -> Int {
    var place = JSONPlace(bytes: Array(bytes))
    place.find(path[...])
    return place.line(at: place.position)
  }

  /// The line of the character with this number, from 0.
  static func line(ofCharacter number: Int, in bytes: some Sequence<UInt8>) -> Int {
    let place = JSONPlace(bytes: Array(bytes))
    return place.line(at: number)
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func line(at end: Int) -> Int { 1 + bytes.prefix(max(0, end)).count { $0 == UInt8(ascii: "\n") } }

  private mutating func find(_ path: ArraySlice<any CodingKey>) {
    skipBlanks()
    guard let next = path.first, let opening = current, opening == UInt8(ascii: "{") || opening == UInt8(ascii: "[")
    else { return }
    let start = position
    var index = 0
    position += 1
    skipBlanks()
    while let byte = current, byte != UInt8(ascii: "}"), byte != UInt8(ascii: "]") {
      let member = position
      var isWanted = next.intValue == index
      if opening == UInt8(ascii: "{") {
        isWanted = string() == next.stringValue
        skipBlanks()
        position += 1  // the colon
      }
      if isWanted {
        if path.count > 1 { find(path.dropFirst()) } else { position = member }
        return
      }
      skipValue()
      skipBlanks()
      if current == UInt8(ascii: ",") { position += 1 }
      skipBlanks()
      index += 1
    }
    position = start
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipBlanks() {
    while let byte = current, byte == 0x20 || (9...13).contains(byte) { position += 1 }
  }

  /// Reads a string, without resolving escapes.
  private mutating func string() -> String {
    position += 1
    let start = position
    while let byte = current, byte != UInt8(ascii: "\"") { position += byte == UInt8(ascii: "\\") ? 2 : 1 }
    let text = String(decoding: bytes[start..<min(position, bytes.count)], as: UTF8.self)
    position += 1
    return text
  }

  private mutating func skipValue() {
    skipBlanks()
    var depth = 0
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""): _ = string()
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return }
        depth -= 1
        position += 1
      case UInt8(ascii: ",") where depth == 0: return
      default: position += 1
      }
    }
  }
}
