import Glibc

/// CPU time of the calling thread, user and kernel (`CLOCK_THREAD_CPUTIME_ID`).
public enum ThreadCPUClock {
  /// The CPU time in nanoseconds. Only readings of one thread are comparable. A system call on many kernels.
  public static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
