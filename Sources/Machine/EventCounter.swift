import CHost
import Glibc

/// An eventfd: one thread signals, another one waits.
public final class EventCounter: Sendable {
  private let descriptor: Int32

  /// - Throws: ``SystemCallError`` if the process can't open more files.
  public init() throws(SystemCallError) {
    descriptor = chost_eventfd()
    guard descriptor >= 0 else { throw SystemCallError(call: "eventfd", code: -descriptor) }
  }

  deinit { close(descriptor) }

  /// Adds one, which wakes the waiter.
  public func signal() {
    var one: UInt64 = 1
    // It would block only at a count near 2^64, and can't fail otherwise.
    let count = retryingInterrupted { write(descriptor, &one, 8) }
    precondition(count == 8, "eventfd: errno \(errno)")
  }

  /// Sleeps until the count is above 0, then resets it.
  public func wait() {
    var value: UInt64 = 0
    let count = retryingInterrupted { read(descriptor, &value, 8) }
    precondition(count == 8, "eventfd: errno \(errno)")
  }
}
