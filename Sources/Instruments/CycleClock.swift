import CHost

/// The time-stamp counter, with which holds and waits are timed.
///
/// On x86-64 the invariant TSC, fenced so that the interval covers exactly the work between its two reads; on arm64
/// `cntvct_el0`, which is slower (often 25 or 100 MHz), so that short holds are coarse there.
public enum CycleClock {
  /// Begins an interval. Ticks.
  @inlinable @inline(__always)
  public static func begin() -> UInt64 { chost_ticks_begin() }

  /// Ends an interval. Ticks.
  @inlinable @inline(__always)
  public static func end() -> UInt64 { chost_ticks_end() }

  /// The length of an interval. 0 if the thread moved to a CPU whose counter lags, rather than an underflow.
  @inlinable @inline(__always)
  public static func ticks(from begin: UInt64, to end: UInt64) -> UInt64 { end > begin ? end &- begin : 0 }
}
