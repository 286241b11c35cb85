/// One of two builds that are compared.
public enum BuildSide: String, CaseIterable, Sendable {
  /// The build compared with.
  case base
  /// The build in question.
  case new

  /// Whose turn it is, launch by launch: base, new, new, base, and so on, so that neither is always first, and a machine
  /// that gets steadily slower makes both of four launches slower alike.
  ///
  /// - Parameter launches: of each side, an even number.
  static func order(launches: Int) -> [BuildSide] {
    (0..<launches / 2).flatMap { _ in [.base, .new, .new, .base] as [BuildSide] }
  }
}
