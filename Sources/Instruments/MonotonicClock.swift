import Glibc

/// Time since some point in the past that never goes back and is never steered (`CLOCK_MONOTONIC_RAW`): what sessions
/// and phases are timed with, and what ``CycleClock`` is calibrated against.
public enum MonotonicClock {
  /// Nanoseconds. A reading costs about as much as two of ``CycleClock``.
  public static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
