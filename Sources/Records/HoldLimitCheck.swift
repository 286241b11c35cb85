/// What the repetitions of a cell say of its longest hold against a limit.
///
/// A session *exceeds* the limit if one of its holds is longer. The verdict is about the share of sessions that do: it
/// is given if the bound of ``BinomialShare`` at 95 % lies on one side of one half, so that it agrees with the median of
/// the longest holds, and is wrong in at most one of twenty cells whatever the number of repetitions. Fewer than five
/// repetitions can't decide it.
public struct HoldLimitCheck: Hashable, Sendable {
  /// Repetitions with a hold beyond the limit, of all with a hold, with the bounds of that share.
  public let exceeded: BinomialShare
  /// What the bounds say.
  public let verdict: HoldLimitVerdict

  /// Of the longest hold of each repetition; nil without any.
  ///
  /// - Parameters:
  ///   - longest: the longest hold of each repetition. ns.
  ///   - limit: the longest hold allowed. ns.
  public init?(longest: [Double], limit: Double) {
    guard let exceeded = BinomialShare(longest.count { $0 > limit }, of: longest.count) else { return nil }
    self.exceeded = exceeded
    verdict = exceeded.high < 0.5 ? .within : exceeded.low > 0.5 ? .beyond : .notEnoughData
  }
}

/// Whether the sessions of a cell keep the limit on the length of a hold.
public enum HoldLimitVerdict: String, CaseIterable, Codable, Sendable, ColumnValue {
  /// Fewer than half of all sessions have a hold beyond the limit, at 95 % confidence.
  case within
  /// More than half have.
  case beyond
  /// The repetitions don't tell.
  case notEnoughData = "not-enough-data"
}
