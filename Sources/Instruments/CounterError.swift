/// What keeps hardware events from being counted.
public enum CounterError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Counters were demanded and there are none; why, in one line.
  case unavailable(reason: String)
  /// An event that was demanded by name can't be counted; why, in one line.
  case event(name: String, reason: String)
  /// The library refused a call on counters that had worked; which, and in its words.
  case refused(call: String, reason: String)
  /// Counters were used on another thread than that which opened them and whose events they count.
  case otherThread
  /// A simulation was demanded and there can be none; why, in one line.
  case noSimulation(reason: String)

  /// One line.
  public var description: String {
    switch self {
    case .unavailable(let reason): "no hardware counters: \(reason)"
    case .event(let name, let reason):
      "the event '\(name)' can't be counted: \(reason); accepted: an event of this processor as papi_native_avail and "
        + "papi_avail list them, not more at once than it has counters, or --counters auto to go on without"
    case .refused(let call, let reason): "\(call): \(reason)"
    case .otherThread: "counters were opened on another thread"
    case .noSimulation(let reason): "no simulated counters: \(reason)"
    }
  }
}
