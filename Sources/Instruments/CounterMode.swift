/// Where counts of hardware events come from.
public enum CounterMode: String, CaseIterable, Codable, Sendable {
  /// From PAPI where it works, else nothing is counted.
  case auto
  /// From PAPI; an error where it doesn't work.
  case papi
  /// Instructions and cache misses from a simulation by valgrind's callgrind; an error where it doesn't work.
  case simulated
  /// Nothing is counted.
  case off
}
