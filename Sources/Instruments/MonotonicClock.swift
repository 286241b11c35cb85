import Glibc
import Machine

/// A clock that never goes back and is never adjusted (`CLOCK_MONOTONIC_RAW`). It times sessions and phases, and
/// calibrates ``CycleClock``.
public enum MonotonicClock {
  /// The current time in nanoseconds. A reading costs about as much as two of ``CycleClock``.
  public static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

extension MonotonicClock {
  /// Sleeps at least this long; signals don't shorten it.
  public static func sleep(nanoseconds: UInt64) {
    guard nanoseconds > 0 else { return }
    var left = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    // After a signal the remaining time is stored in place.
    withUnsafeMutablePointer(to: &left) { left in _ = retryingInterrupted { nanosleep(left, left) } }
  }
}
