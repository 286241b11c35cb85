import Glibc

/// Time in which this machine's CPUs wanted to run and the hypervisor ran something else, since boot.
public enum StealClock {
  /// Nanoseconds, all CPUs together, in steps of the kernel's clock tick (10 ms); nil where the kernel doesn't count
  /// it. A kernel may count it and have a hypervisor that never reports any.
  public static func nanoseconds(files: HostFiles = HostFiles()) -> UInt64? {
    guard let text = files.text("/proc/stat"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("cpu ") })
    else { return nil }
    // cpu user nice system idle iowait irq softirq steal
    let fields = line.split(separator: " ")
    guard fields.count > 8, let steal = UInt64(fields[8]) else { return nil }
    let ticksPerSecond = sysconf(Int32(_SC_CLK_TCK))
    guard ticksPerSecond > 0 else { return nil }
    return steal * (1_000_000_000 / UInt64(ticksPerSecond))
  }
}
