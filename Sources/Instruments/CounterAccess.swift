import Machine

/// Whether this machine and its kernel let a process count its own hardware events.
package enum CounterAccess {
  /// Why counters don't work and how to fix it, in one line without a full stop.
  ///
  /// The levels are those of perf_event_paranoid in Documentation/admin-guide/sysctl/kernel.rst: up to 2 everybody may
  /// count their own programs in user mode. Debian and Ubuntu have added 3 and above, which forbid that, too, except
  /// with CAP_PERFMON or CAP_SYS_ADMIN.
  static func explanation(_ files: HostFiles) -> String {
    let simulated = "--counters simulated counts instructions and cache misses without one"
    guard let level = files.integer("/proc/sys/kernel/perf_event_paranoid") else {
      return "this kernel has no performance events (no perf_event_paranoid); \(simulated)"
    }
    if hasPMU(files) == false {
      return
        "this machine has no PMU (none under /sys/bus/event_source/devices, as in most virtual machines), whatever "
        + "perf_event_paranoid (\(level)) allows; \(simulated)"
    }
    if isForbidden(files) {
      return "perf_event_paranoid is \(level): only privileged processes may count; "
        + "fix: sysctl kernel.perf_event_paranoid=2"
    }
    return
      "perf_event_paranoid is \(level), and isn't the cause: something else refuses, in a container mostly its seccomp "
      + "profile"
  }

  /// Whether the kernel has a driver for the processor's PMU; nil if it doesn't list its event sources.
  private static func hasPMU(_ files: HostFiles) -> Bool? {
    // cpu, and of hybrid processors cpu_core and cpu_atom; on arm64 armv8_pmuv3_0 and the like.
    files.entries("/sys/bus/event_source/devices").map { names in
      names.contains { $0 == "cpu" || $0.hasPrefix("cpu_") || $0.hasPrefix("armv") }
    }
  }

  /// Whether perf_event_paranoid forbids counting.
  package static func isForbidden(_ files: HostFiles) -> Bool {
    guard let level = files.integer("/proc/sys/kernel/perf_event_paranoid"), hasPMU(files) != false else {
      return false
    }
    return level > 2 && !isPrivileged(files)
  }

  /// Whether the process has CAP_PERFMON (38) or CAP_SYS_ADMIN (21), which override the setting.
  private static func isPrivileged(_ files: HostFiles) -> Bool {
    guard let text = files.value(of: "CapEff", in: "/proc/self/status"), let set = UInt64(text, radix: 16) else {
      return false
    }
    return set & (1 << 38 | 1 << 21) != 0
  }
}
