import Glibc
import Machine

/// Steal time since boot: time in which this machine's CPUs wanted to run and the hypervisor ran something else.
public enum StealClock {
  /// The steal time of all CPUs together, in steps of the kernel's clock tick (10 ms); nil if the kernel doesn't count
  /// it. Nanoseconds. Some hypervisors never report any.
  public static func nanoseconds(files: HostFiles = HostFiles()) -> UInt64? {
    guard let steal = ticks(files)?[stealField] else { return nil }
    let ticksPerSecond = sysconf(Int32(_SC_CLK_TCK))
    guard ticksPerSecond > 0 else { return nil }
    return steal * (1_000_000_000 / UInt64(ticksPerSecond))
  }

  /// The steal time as a share of all CPU time since boot, idle time included; 0...1. nil if the kernel doesn't count
  /// it.
  public static func shareSinceBoot(files: HostFiles = HostFiles()) -> Double? {
    guard let ticks = ticks(files) else { return nil }
    let all = ticks.reduce(0.0) { $0 + Double($1) }
    return all > 0 ? Double(ticks[stealField]) / all : nil
  }

  private static let stealField = 7

  /// user, nice, system, idle, iowait, irq, softirq, steal, summed over all CPUs. Later fields are parts of these.
  private static func ticks(_ files: HostFiles) -> [UInt64]? {
    guard let text = files.text("/proc/stat"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("cpu ") })
    else { return nil }
    let ticks = line.split(separator: " ").dropFirst().prefix(stealField + 1).compactMap { UInt64($0) }
    return ticks.count == stealField + 1 ? ticks : nil
  }
}
