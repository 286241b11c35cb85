/// What keeps hardware events from being counted.
public enum CounterError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Counters were demanded and there are none; why, in one line.
  case unavailable(reason: String)
  /// The library refused a call on counters that had worked; which, and in its words.
  case refused(call: String, reason: String)

  /// One line.
  public var description: String {
    switch self {
    case .unavailable(let reason): "no hardware counters: \(reason)"
    case .refused(let call, let reason): "\(call): \(reason)"
    }
  }
}
