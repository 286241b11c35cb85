/// A table before it is drawn: on a terminal, a page or in Markdown.
struct TableContent: Hashable, Sendable {
  /// What stands above it; nil: nothing.
  var caption: String?
  /// One for each column.
  var titles: [String]
  /// As many texts as titles in each.
  var rows: [[String]]
  /// Which columns are texts, aligned to the left; the others are figures.
  var leftAligned: Set<Int>
  /// What stands under it; nil: nothing.
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
