/// Reads the column experiment_options: colon-separated `OPTION=VALUE`.
public enum OptionsText {
  /// The names of columns of runs.csv, in which an option's value is already visible.
  private static let columns = Set(RunRecord.columns.map(\.name))

  /// The `OPTION=VALUE` parts without a column of their own in runs.csv.
  public static func unshown(_ text: String) -> [String] {
    text.split(separator: ":").map(String.init).filter { part in
      !columns.contains(String(part.prefix { $0 != "=" }).replacing("-", with: "_"))
    }
  }

  /// For each text, the parts of ``unshown(_:)`` that the texts don't have in common.
  public static func differing(_ texts: [String]) -> [[String]] {
    let parts = texts.map(unshown)
    return parts.map { own in own.filter { part in !parts.allSatisfy { $0.contains(part) } } }
  }
}
