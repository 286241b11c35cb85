/// A table before it is rendered for a terminal, HTML or Markdown.
struct TableContent: Hashable, Sendable {
  /// The caption above the table; nil: none.
  var caption: String?
  /// The titles of the columns.
  var titles: [String]
  /// The rows, each with as many texts as titles.
  var rows: [[String]]
  /// The text columns, aligned to the left; the others are figures.
  var leftAligned: Set<Int>
  /// The note below the table; nil: none.
  var note: String?

  init(
    caption: String? = nil, titles: [String], rows: [[String]], leftAligned: Set<Int> = [0], note: String? = nil
  ) {
    self.caption = caption
    self.titles = titles
    self.rows = rows
    self.leftAligned = leftAligned
    self.note = note
  }
}
