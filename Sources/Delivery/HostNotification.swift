/// How a host learns of new entries in its queue.
public enum HostNotification: String, CaseIterable, Sendable {
  /// The host sleeps while the queue is empty; a kick wakes it through an eventfd.
  case eventfd
  /// The host polls the queue and asks for no kicks, as QEMU does during a hinting session.
  case polled

  /// How long the host polls an empty queue before it sleeps. Nanoseconds.
  public var pollNanoseconds: UInt64 {
    switch self {
    case .eventfd: 0
    case .polled: .max
    }
  }
}
