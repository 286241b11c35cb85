import Reporting

/// A comparison for a terminal.
public struct ComparisonTable {
  private let comparison: Comparison
  private let all: Bool
  private let width: Int

  /// - Parameters:
  ///   - all: includes the other primary metrics, which decide nothing.
  ///   - width: the width that sentences are wrapped to.
  public init(_ comparison: Comparison, all: Bool = false, width: Int = 140) {
    self.comparison = comparison
    self.all = all
    self.width = width
  }

  public var text: String {
    let words = ComparisonText(comparison, all: all)
    let left = Set(words.titles.indices.filter { ComparisonText.textColumns.contains(words.titles[$0]) })
    let table = words.rows.isEmpty ? "" : TableText.render(titles: words.titles, rows: words.rows, leftAligned: left)
    let notes = (words.notes + [words.summary]).filter { !$0.isEmpty }
    return wrapped(words.heading) + "\n\n" + table + "\n" + notes.map(wrapped).joined(separator: "\n")
  }

  private func wrapped(_ text: String) -> String { TableText.wrap(text, width: width).joined(separator: "\n") }
}
