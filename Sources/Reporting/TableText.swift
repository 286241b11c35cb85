import Glibc
import Records
import TextTable

/// Text tables by the TextTable library. In a separate file because the library's `Column` clashes with the record's.
package enum TableText {
  /// Renders a table with a header line and a rule below it; columns are as wide as their widest text.
  ///
  /// - Parameters:
  ///   - titles: the titles of the columns.
  ///   - rows: the rows, each with as many texts as titles.
  ///   - leftAligned: the columns aligned to the left; the others are aligned to the right.
  ///   - widths: the widths of shortened columns; "…" marks shortened texts.
  package static func render(
    titles: [String], rows: [[String]], leftAligned: Set<Int>, widths: [Int: Int] = [:]
  ) -> String {
    let table = TextTable<[String]> { row in
      titles.indices.map { index in
        Column(
          title: titles[index], value: row[index], width: widths[index] ?? width(index),
          align: leftAligned.contains(index) ? .left : .right)
      }
    }
    func width(_ index: Int) -> Int { self.width(index, titles, rows) }
    let text = table.string(for: rows, style: Style.simple) ?? ""
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { line in
        var line = line
        while line.last == " " { line.removeLast() }
        return String(line)
      }
      .joined(separator: "\n")
  }

  /// Renders a table as ``render(titles:rows:leftAligned:widths:)`` or, if it is wider than `width`, as several below
  /// each other: each has the key columns and as many others as fit, at least one.
  ///
  /// - Parameters:
  ///   - keys: the number of key columns at the left, which distinguish rows; they are aligned to the left.
  ///   - leftAligned: other columns that are.
  static func renderInParts(
    titles: [String], rows: [[String]], keys: Int, leftAligned: Set<Int> = [], width: Int
  ) -> [String] {
    let ofKeys = (0..<keys).reduce(0) { $0 + self.width($1, titles, rows) + 1 }
    var parts: [[Int]] = []
    var left = 0
    for column in keys..<max(titles.count, keys) {
      let own = self.width(column, titles, rows)
      // A table's first column has no space before it; the last key's space is counted with the keys.
      if parts.isEmpty || own + 1 > left {
        parts.append([])
        left = width - ofKeys + 1
      }
      parts[parts.count - 1].append(column)
      left -= own + 1
    }
    return (parts.isEmpty ? [[]] : parts).map { part in
      let columns = Array(0..<keys) + part
      return render(
        titles: columns.map { titles[$0] }, rows: rows.map { row in columns.map { row[$0] } },
        leftAligned: Set(columns.indices.filter { $0 < keys || leftAligned.contains(columns[$0]) }))
    }
  }

  /// The columns that a table on standard output may have: the terminal's, or 160 if it goes elsewhere.
  package static var width: Int {
    var size = winsize()
    guard isatty(STDOUT_FILENO) == 1, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return 160
    }
    return max(Int(size.ws_col), 60)
  }

  /// Splits names in the first column that are longer than `width` between their options, one line below the other.
  static func wrapNames(_ rows: [[String]], width: Int) -> [[String]] {
    rows.flatMap { row -> [[String]] in
      guard let name = row.first, name.count > width else { return [row] }
      var lines: [String] = []
      var line = ""
      for part in name.split(separator: ":", omittingEmptySubsequences: false) {
        let piece = line.isEmpty && lines.isEmpty ? String(part) : ":" + part
        if !line.isEmpty && line.count + piece.count > width {
          lines.append(line)
          line = "  "
        }
        line += piece
      }
      lines.append(line)
      let rest = [String](repeating: "", count: row.count - 1)
      return lines.enumerated().map { index, line in [line] + (index == 0 ? Array(row.dropFirst()) : rest) }
    }
  }

  /// The width of a column's widest text.
  private static func width(_ column: Int, _ titles: [String], _ rows: [[String]]) -> Int {
    rows.reduce(titles[column].count) { max($0, $1[column].count) }
  }

  /// Wraps a text at spaces so that no line is longer than `width`, unless a word is.
  package static func wrap(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty && line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return lines + [line]
  }
}
