/// A comparison for a pull request: the summary, then the table as GitHub Markdown.
public struct ComparisonMarkdown {
  private let comparison: Comparison
  private let all: Bool

  /// Creates the text. `all`: includes the other primary metrics, which decide nothing.
  public init(_ comparison: Comparison, all: Bool = false) {
    self.comparison = comparison
    self.all = all
  }

  public var text: String {
    let words = ComparisonText(comparison, all: all)
    func line(_ fields: [String]) -> String { "| " + fields.map(Self.escaped).joined(separator: " | ") + " |" }
    let rules = words.titles.map { ComparisonText.textColumns.contains($0) ? "---" : "---:" }
    let table = [line(words.titles), "| " + rules.joined(separator: " | ") + " |"] + words.rows.map(line)
    let parts =
      ["**\(Self.escaped(words.summary))**", Self.escaped(words.heading)]
      + (words.rows.isEmpty ? [] : [table.joined(separator: "\n")])
      + words.notes.filter { !$0.isEmpty }.map(Self.escaped)
    return parts.joined(separator: "\n\n") + "\n"
  }

  /// Escapes text so that it neither ends a column nor counts as markup.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "&": escaped += "&amp;"
      case "|", "\\", "*", "_", "`", "[", "]", "#", "~": escaped += "\\\(character)"
      case _ where character.isNewline: escaped += " "
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
