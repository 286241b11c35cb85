/// What the column experiment_options says: `OPTION=VALUE` with colons between.
public enum OptionsText {
  /// Names of columns of runs.csv, which show an option's value already.
  private static let columns = Set(RunRecord.columns.map(\.name))

  /// `OPTION=VALUE` of those options that have no column of their own in runs.csv.
  public static func unshown(_ text: String) -> [String] {
    text.split(separator: ":").map(String.init).filter { part in
      !columns.contains(String(part.prefix { $0 != "=" }).replacing("-", with: "_"))
    }
  }

  /// Of several texts, those parts in which they differ, as ``unshown(_:)`` gives them.
  public static func differing(_ texts: [String]) -> [[String]] {
    let parts = texts.map(unshown)
    return parts.map { own in own.filter { part in !parts.allSatisfy { $0.contains(part) } } }
  }
}
