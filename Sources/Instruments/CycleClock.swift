import CHost
import Glibc

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

extension CycleClock {
  /// The length of a tick in nanoseconds, above 0.
  ///
  /// Measured at first use against `CLOCK_MONOTONIC_RAW`, over three intervals of at least 20 ms; the one with the most
  /// precise ends counts. The first use takes about 60 ms, so it must come before any measurement.
  public static let nanosecondsPerTick: Double = calibrate()

  /// The length of an interval of `ticks`. Nanoseconds.
  @inlinable
  public static func nanoseconds(fromTicks ticks: UInt64) -> Double {
    Double(ticks) * nanosecondsPerTick
  }

  /// An instant on both clocks. `uncertainty`: the ticks around the reading of the other clock.
  private struct Instant {
    var ticks: UInt64
    var nanoseconds: UInt64
    var uncertainty: UInt64

    /// Takes the most precise of several readings; an interrupted one has a large uncertainty.
    static func now() -> Instant {
      var best = Instant(ticks: 0, nanoseconds: 0, uncertainty: .max)
      for _ in 0..<16 {
        let before = CycleClock.begin()
        let nanoseconds = MonotonicClock.nanoseconds()
        let after = CycleClock.end()
        let width = after > before ? after - before : 0
        if width < best.uncertainty {
          best = Instant(ticks: before + width / 2, nanoseconds: nanoseconds, uncertainty: width)
        }
      }
      return best
    }
  }

  private static func calibrate() -> Double {
    var best = (nanosecondsPerTick: 1.0, error: Double.infinity)
    for _ in 0..<3 {
      let first = Instant.now()
      while MonotonicClock.nanoseconds() < first.nanoseconds + 20_000_000 { usleep(2_000) }
      let last = Instant.now()
      guard last.ticks > first.ticks else { continue }
      let ticks = Double(last.ticks - first.ticks)
      let error = Double(first.uncertainty + last.uncertainty) / ticks
      if error < best.error {
        best = (Double(last.nanoseconds - first.nanoseconds) / ticks, error)
      }
    }
    return best.nanosecondsPerTick
  }
}
