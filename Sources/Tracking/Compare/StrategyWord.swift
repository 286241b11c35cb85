/// A strategy as somebody writes it: its name, and none, some or all of its options.
struct StrategyWord {
  let name: String
  private let options: Set<String>

  init(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    name = parts[0]
    options = Set(parts.dropFirst())
  }

  /// Whether a strategy of this full name is meant.
  func matches(_ fullName: String) -> Bool {
    let full = StrategyWord(fullName)
    return name == full.name && options.isSubset(of: full.options)
  }
}
