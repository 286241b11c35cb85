import TextTable

/// Text tables by the TextTable library. In a file of its own: the library's `Column` is another than that of a record.
package enum TableText {
  /// A table with a header line and a rule under it; columns are as wide as their widest text.
  ///
  /// - Parameters:
  ///   - titles: one for each column.
  ///   - rows: as many texts as titles in each.
  ///   - leftAligned: which columns are aligned to the left; the others to the right.
  ///   - widths: columns that are cut to a width, with "…" where something was cut off.
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
    func width(_ index: Int) -> Int { rows.reduce(titles[index].count) { max($0, $1[index].count) } }
    let text = table.string(for: rows, style: Style.simple) ?? ""
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { line in
        var line = line
        while line.last == " " { line.removeLast() }
        return String(line)
      }
      .joined(separator: "\n")
  }

  /// Breaks a text at spaces so that no line is longer than `width`, where no word is.
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
