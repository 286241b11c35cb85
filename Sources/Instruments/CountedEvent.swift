/// An event that is counted: one with a column in `runs.csv`, or any other by PAPI's name for it.
public enum CountedEvent: Hashable, Sendable {
  /// Has a column.
  case column(HardwareEvent)
  /// What PAPI knows under this name, a processor's own event (`perf::BRANCH-MISSES`) or one of its presets.
  case named(String)

  /// The column's name, or PAPI's.
  public var name: String {
    switch self {
    case .column(let event): event.rawValue
    case .named(let name): name
    }
  }
}
