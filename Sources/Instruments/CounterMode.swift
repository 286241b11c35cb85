/// Where hardware counts come from.
public enum CounterMode: String, CaseIterable, Codable, Sendable {
  /// From PAPI where it works, else nothing is counted.
  case auto
  /// From PAPI; an error where it doesn't work.
  case papi
  /// Nothing is counted.
  case off
}
