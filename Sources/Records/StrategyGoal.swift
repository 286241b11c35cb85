/// What a strategy's hints may be used for. Never declared: found by a search for schedules that lose a page.
public enum StrategyGoal: String, Sendable {
  /// Migration: no schedule loses a page under a dirty log, some do if the host discards.
  case migration
  /// Reclaim: no schedule loses a page, even if the host discards what it is told about.
  case reclaim
  /// Nothing: it reports nothing, or loses pages even under a dirty log.
  case none

  /// The most places in which a searched schedule departs from the plain course.
  public static let stepsSearched = 3

  /// In a sentence: what it serves.
  public var meaning: String {
    switch self {
    case .migration: "migration (hints may be stale, and need a dirty log)"
    case .reclaim: "reclaim (blocks are held while the host discards them)"
    case .none: "nothing"
    }
  }
}
