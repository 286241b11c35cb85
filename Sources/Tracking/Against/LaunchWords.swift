/// Arguments of a launch: those of `run --against` without the comparison options.
///
/// The words and not the matrix they stand for: the baseline may be older, and knows the words that were there when it
/// was built, but not what has since been added to the form of a matrix.
public struct LaunchWords: Equatable, Sendable {
  /// In their order.
  public let words: [String]

  /// - Parameters:
  ///   - call: everything behind the program's name, `run` first.
  ///   - options: names that go with the word behind them or behind a `=`, as `--launches`.
  ///   - flags: names that stand alone.
  public init(of call: [String], without options: [String], flags: [String]) {
    var kept: [String] = []
    var rest = call[...]
    while let word = rest.popFirst() {
      if options.contains(word) {
        _ = rest.popFirst()
      } else if !flags.contains(word) && !options.contains(where: { word.hasPrefix($0 + "=") }) {
        kept.append(word)
      }
    }
    words = kept
  }
}
