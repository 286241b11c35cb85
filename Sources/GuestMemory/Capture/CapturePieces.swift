import Glibc

/// The parts of a text that several files were pasted into, told apart by their content: `cat` of several files with or
/// without the prompts between them, or `tail -n +1 /proc/...`, which puts `==> NAME <==` before each. A file of one kind
/// alone is a text with one part.
struct CapturePieces {
  /// By kind, each occurrence: a file that has a buddyinfo three times has three parts of that kind. A part has the text's
  /// lines with others blanked, so that the numbers of lines stay.
  private(set) var texts: [CaptureFile: [CaptureText]] = [:]

  private struct Part {
    var lines: [Range<Int>] = []
    /// What each row is of, which a second copy repeats.
    var keys: Set<[Substring]> = []
  }

  private let text: CaptureText
  private var parts: [CaptureFile: [Part]] = [:]
  private var current: CaptureFile?
  /// The heading of a table of pageblocks that is being read, and the number of its columns.
  private var table: (heading: Substring, columns: Int)?
  /// Lines that belong to the part of the next row: a pagetypeinfo's headings, which come once a node, and damaged rows.
  private var pending: [Range<Int>] = []

  init(_ text: CaptureText) {
    self.text = text
    guard Self.mayHaveRows(text) else { return }
    text.bytes.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count {
        let end = ShowMemScan.endOfLine(bytes, from: start)
        add(start..<end, in: bytes)
        start = end + 1
      }
    }
    for (file, found) in parts {
      texts[file] = found.map { part in
        var bytes: [UInt8] = []
        var at = 0
        for line in part.lines {
          bytes += text.bytes[at..<line.lowerBound].lazy.filter { $0 == UInt8(ascii: "\n") }
          bytes += text.bytes[line]
          at = line.upperBound
        }
        return CaptureText(name: text.name, bytes: bytes + [UInt8(ascii: "\n")])
      }
    }
  }

  /// Whether there is a row of a zone at all; most files have none.
  private static func mayHaveRows(_ text: CaptureText) -> Bool {
    text.bytes.withUnsafeBytes { bytes in
      var at = 0
      while let hit = ShowMemScan.find(", zone ", in: bytes, from: at) {
        let start = ShowMemScan.startOfLine(bytes, before: hit)
        if ShowMemScan.find("Node", in: UnsafeRawBufferPointer(rebasing: bytes[start..<hit]), from: 0) != nil {
          return true
        }
        at = ShowMemScan.endOfLine(bytes, from: hit)
      }
      return false
    }
  }

  private mutating func add(_ range: Range<Int>, in bytes: UnsafeRawBufferPointer) {
    var first = range.lowerBound
    if first == 0, range.count >= 3, bytes[0] == 0xef, bytes[1] == 0xbb, bytes[2] == 0xbf { first = 3 }
    while first < range.upperBound, bytes[first] == UInt8(ascii: " ") || bytes[first] == UInt8(ascii: "\t") {
      first += 1
    }
    guard first < range.upperBound else { return }
    // A zoneinfo's fields are most of the lines, and need no String.
    switch bytes[first] {
    case UInt8(ascii: "N"), UInt8(ascii: "P"), UInt8(ascii: "F"), UInt8(ascii: "="): break
    default:
      let rest = UnsafeRawBufferPointer(rebasing: bytes[first..<range.upperBound])
      if let zone = ShowMemScan.find(", zone ", in: rest, from: 0) {
        // A row behind something else is damaged, or quoted: its table refuses it. The kernel's messages about a zone
        // have a colon behind its name.
        let name = rest[(zone + 7)...].drop { $0 == UInt8(ascii: " ") }.prefix { $0 != UInt8(ascii: " ") }
        if name.last != UInt8(ascii: ":") { keep(range) }
      } else if current == .zoneinfo {
        keep(range)
      }
      return
    }
    let line = CaptureLine(
      file: text.name, number: 0, text: String(decoding: bytes[first..<range.upperBound], as: UTF8.self))
    if line.text.utf8.starts(with: "Number of ".utf8), line.isPageTypeInfoHeading || table != nil {
      if current == nil { begin(.pagetypeinfo) }
      let words = line.words
      table = (words[2], words.count - 4)
      keep(range)
    } else if line.isPageTypeInfoHeading {
      current = nil
      pending.append(range)
    } else if line.text.hasPrefix("==>") {
      current = nil
    } else if line.isRow {
      addRow(line, range)
    } else if current == .zoneinfo {
      keep(range)
    }
  }

  private mutating func addRow(_ line: CaptureLine, _ range: Range<Int>) {
    let words = line.words
    guard words.count >= 4, words[2] == "zone" else {
      // `Node 0 Normal: ...` of a log is no row of these; a damaged row is refused by its table.
      if line.text.utf8.contains(UInt8(ascii: ",")) || current == .zoneinfo { keep(range) }
      return
    }
    let isOfType = words[3].hasSuffix(",")
    var key = Array(words.prefix(isOfType ? 6 : 4))
    var kind = isOfType ? CaptureFile.pagetypeinfo : words.count == 4 ? .zoneinfo : .buddyinfo
    if kind == .buddyinfo, current == .pagetypeinfo, let table, table.columns == words.count - 4 {
      // A table has each zone once: with as many orders as types, a buddyinfo behind it looks the same.
      let inTable = key + [table.heading]
      if parts[.pagetypeinfo]?.last?.keys.contains(inTable) != true { (kind, key) = (.pagetypeinfo, inTable) }
    }
    if current != kind { begin(kind) }
    // The same row again: another copy of the file.
    if parts[kind]?.last?.keys.contains(key) == true { begin(kind, isNew: true) }
    change(kind) { $0.keys.insert(key) }
    keep(range)
  }

  /// Goes on with the last part of a kind, or with a new one.
  private mutating func begin(_ kind: CaptureFile, isNew: Bool = false) {
    current = kind
    table = nil
    if isNew || parts[kind, default: []].isEmpty { parts[kind, default: []].append(Part()) }
  }

  private mutating func keep(_ range: Range<Int>) {
    guard let current else {
      pending.append(range)
      return
    }
    let lines = pending + [range]
    change(current) { $0.lines += lines }
    pending = []
  }

  /// Changes the last part of a kind.
  private mutating func change(_ kind: CaptureFile, _ body: (inout Part) -> Void) {
    guard var part = parts[kind]?.popLast() else { return }
    body(&part)
    parts[kind]?.append(part)
  }
}
