import CHost

/// The time-stamp counter: what holds and waits are timed with.
///
/// On x86-64 the invariant TSC, fenced so that the interval holds exactly the work between its two reads; on arm64
/// `cntvct_el0`, which ticks slower (often 25 or 100 MHz), so that short holds come in coarse steps there.
public enum CycleClock {
  /// Opens an interval. Ticks.
  @inlinable @inline(__always)
  public static func begin() -> UInt64 { chost_ticks_begin() }

  /// Closes an interval. Ticks.
  @inlinable @inline(__always)
  public static func end() -> UInt64 { chost_ticks_end() }

  /// How long an interval was: 0 where a thread was moved to a CPU whose counter lags, which must not turn into
  /// centuries.
  @inlinable @inline(__always)
  public static func ticks(from begin: UInt64, to end: UInt64) -> UInt64 { end > begin ? end &- begin : 0 }
}
