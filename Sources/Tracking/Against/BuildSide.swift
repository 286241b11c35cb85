/// One of two builds that are compared.
public enum BuildSide: String, CaseIterable, Sendable {
  /// The build compared with.
  case base
  /// The build in question.
  case new

  /// Whose turn it is among four launches, launch by launch and repetition by repetition: base, new, new, base, so that
  /// a machine that gets steadily slower makes both sides slower alike.
  static let quartet: [BuildSide] = [.base, .new, .new, .base]
}
