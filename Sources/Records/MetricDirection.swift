/// Which way a metric gets better.
public enum MetricDirection: String, Codable, Sendable {
  /// Less is better: times, holds, misses.
  case lowerIsBetter
  /// More is better: coverage, operations a second.
  case higherIsBetter
  /// Neither: settings, identities, and counts that only describe.
  case none

  /// For listings.
  public var name: String {
    switch self {
    case .lowerIsBetter: "lower"
    case .higherIsBetter: "higher"
    case .none: ""
    }
  }
}
