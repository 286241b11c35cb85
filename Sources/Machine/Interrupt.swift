import Glibc
import Synchronization

/// Ctrl-C (SIGINT) as a request to stop after the step at hand.
public enum Interrupt {
  private static let wasRequested = Atomic<Bool>(false)

  /// Whether it was pressed since ``watch()``.
  public static var isRequested: Bool { wasRequested.load(ordering: .relaxed) }

  /// From here on the first Ctrl-C sets ``isRequested``, and the second ends the process.
  public static func watch() {
    // Made before a handler may look at it: making it isn't safe in one.
    wasRequested.store(false, ordering: .relaxed)
    signal(SIGINT) { _ in
      Interrupt.wasRequested.store(true, ordering: .relaxed)
      signal(SIGINT, SIG_DFL)
    }
    // A program that starts this one may leave it blocked, as Foundation's Process does on Linux.
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }
}
