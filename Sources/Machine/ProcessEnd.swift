/// How a program ended.
public enum ProcessEnd: Equatable, Sendable, CustomStringConvertible {
  /// By itself, with this exit status: 0...255.
  case exited(Int32)
  /// By this signal.
  case killed(Int32)
  /// The system keeps it to itself: somebody else took the status, or SIGCHLD is ignored.
  case untold

  /// As "exit status 1" or "signal 9".
  public var description: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .killed(let signal): "signal \(signal)"
    case .untold: "an unknown status"
    }
  }
}
