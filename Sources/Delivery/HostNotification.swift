/// How a host hears of what a driver has put into its queue.
public enum HostNotification: String, CaseIterable, Sendable {
  /// It sleeps while the queue is empty, and a kick wakes it through an eventfd.
  case eventfd
  /// It looks at the queue without end and asks for no kicks, as QEMU does while a hinting session runs.
  case polled

  /// For how long it looks at an empty queue before it sleeps. Nanoseconds.
  public var pollNanoseconds: UInt64 {
    switch self {
    case .eventfd: 0
    case .polled: .max
    }
  }
}
