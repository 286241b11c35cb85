/// The arguments of a launch: those of `run --against` without the comparison options.
///
/// Arguments are passed on rather than the expanded matrix because the baseline may be older: it knows the options of
/// its time, but not later additions to the matrix's format.
public struct LaunchWords: Equatable, Sendable {
  /// The arguments, in order.
  public let words: [String]

  /// - Parameters:
  ///   - call: all arguments of the program, `run` first.
  ///   - options: options to remove with their value, which is the next argument or follows a `=`, such as
  ///     `--launches`.
  ///   - flags: options without a value to remove.
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
