/// A table before it is rendered for a terminal, HTML or Markdown.
package struct TableContent: Hashable, Sendable {
  /// The caption above the table; nil: none.
  package var caption: String?
  /// The titles of the columns.
  package var titles: [String]
  /// The rows, each with as many texts as titles.
  package var rows: [[String]]
  /// The text columns, aligned to the left; the others are figures.
  package var leftAligned: Set<Int>
  /// The note below the table; nil: none.
  package var note: String?

  package init(
    caption: String? = nil, titles: [String], rows: [[String]], leftAligned: Set<Int> = [0], note: String? = nil
  ) {
    self.caption = caption
    self.titles = titles
    self.rows = rows
    self.leftAligned = leftAligned
    self.note = note
  }
}
