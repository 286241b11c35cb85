/// A plain list with columns, for `hintbench list`.
public struct TextListing: Sendable {
  /// The titles of the columns.
  public var titles: [String]
  /// The rows, each with as many texts as titles.
  public var rows: [[String]]

  /// Creates a list.
  public init(titles: [String], rows: [[String]]) {
    self.titles = titles
    self.rows = rows
  }

  /// The text, with columns aligned to the left and never shortened; empty without rows.
  public var text: String {
    guard !rows.isEmpty else { return "" }
    return TableText.render(titles: titles, rows: rows, leftAligned: Set(titles.indices))
  }
}
