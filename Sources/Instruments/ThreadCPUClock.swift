import Glibc

/// CPU time that the calling thread has used, user and kernel (`CLOCK_THREAD_CPUTIME_ID`).
public enum ThreadCPUClock {
  /// Nanoseconds. Only readings of one thread can be subtracted. A reading is a system call on many kernels.
  public static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
