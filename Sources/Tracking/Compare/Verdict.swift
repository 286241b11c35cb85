/// What a comparison says of one metric of one cell.
public enum Verdict: String, Codable, Sendable, CaseIterable {
  case worse
  case better
  /// No change was shown, and none can have escaped that is larger than ``Thresholds/sameFactor`` minimum effects.
  case same
  /// So few or so scattered values that neither a change nor its absence could be shown.
  case notEnoughData = "not-enough-data"
}
