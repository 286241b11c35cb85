import Foundation

/// The files of a run, read by rules written down here a second time: RFC 4180, header line, LF or CRLF line ends.
struct RunFiles {
  static let names = ["cells.csv", "lock_holds.csv", "meta.json", "runs.csv", "zones.csv"]

  struct Table {
    var header: [String]
    /// Whole lines below the header.
    var rows: [[String]]
    /// What follows the last line end: a line that was torn.
    var tail: String

    func column(_ name: String) -> [String] {
      guard let index = header.firstIndex(of: name) else { return [] }
      return rows.map { $0[index] }
    }

    /// Which (cell, repetition) each row is of.
    var keys: [String] { zip(column("cell_id"), column("repetition")).map { "\($0) \($1)" } }
  }

  /// A CSV file; nil if it has no whole header line.
  static func table(_ path: String) throws -> Table? {
    var (lines, tail) = parse(try String(contentsOfFile: path, encoding: .utf8))
    guard !lines.isEmpty else { return nil }
    let header = lines.removeFirst()
    return Table(header: header, rows: lines, tail: tail)
  }

  static func parse(_ text: String) -> (lines: [[String]], tail: String) {
    var lines: [[String]] = []
    var fields: [String] = []
    var field = ""
    var line = ""
    var isQuoted = false
    for character in text {
      if isQuoted || (character != "\n" && character != "\r\n") { line.append(character) }
      switch character {
      case "\"":
        // A doubled quote stands for one.
        if !isQuoted && line.dropLast().last == "\"" && !field.isEmpty { field.append("\"") }
        isQuoted.toggle()
      case "," where !isQuoted:
        fields.append(field)
        field = ""
      case "\n" where !isQuoted, "\r\n" where !isQuoted:
        fields.append(field)
        lines.append(fields)
        (fields, field, line) = ([], "", "")
      default: field.append(character)
      }
    }
    return (lines, line)
  }

  static func meta(_ folder: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/meta.json"))
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }
}
