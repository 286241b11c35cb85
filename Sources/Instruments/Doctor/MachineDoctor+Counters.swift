extension MachineDoctor {
  private static let simulate = "hintbench run --counters simulated"

  /// Whether hardware events can be counted, by trying.
  public func counters(_ facts: HostFacts) -> Finding {
    let what = "hardware counters"
    let opening: HardwareCounters.Opening
    do { opening = try HardwareCounters.open(mode: .auto, library: library, files: files) } catch {
      return Finding(what, .missing, "\(error)", mend: Self.simulate)
    }
    switch opening {
    case .counting(let counters):
      let found = counters.events.map(\.rawValue).joined(separator: ", ")
      guard !counters.dropped.isEmpty else { return Finding(what, .ok, found) }
      let dropped = counters.dropped.sorted { $0.key.rawValue < $1.key.rawValue }
        .map { "\($0.key.rawValue): \($0.value)" }
      return Finding(
        what, .limited, found, why: "not counted, and empty in runs.csv: \(dropped.joined(separator: ", "))")
    case .unavailable(let reason):
      return missingCounters(what, reason, facts)
    }
  }

  private func missingCounters(_ what: String, _ reason: String, _ facts: HostFacts) -> Finding {
    if let level = facts.perfEventParanoid, level > 2, !mayCountAnyway {
      return Finding(
        what, .missing, "none: \(reason)",
        why: "perf_event_paranoid above 2 refuses counters to users without privileges; 2 allows those of a user's "
          + "own programs, which is what is counted here",
        mend: asRoot("sysctl kernel.perf_event_paranoid=2"))
    }
    let why: String
    switch (hasPMU, facts.isVirtualMachine) {
    case (false, true): why = "no PMU in this virtual machine: `--counters simulated` counts instead"
    case (false, _): why = "the kernel knows no PMU of this processor: `--counters simulated` counts instead"
    case (true, _): why = "there is a PMU, and it is refused (in a container by its seccomp profile, mostly)"
    case (nil, _): why = "whether there is a PMU isn't told; `--counters simulated` counts instead"
    }
    return Finding(what, .missing, "none: \(reason)", why: why, mend: Self.simulate)
  }

  /// Whether the kernel has a driver for a processor's PMU; nil where it doesn't list its event sources.
  private var hasPMU: Bool? {
    // cpu, and of hybrid processors cpu_core and cpu_atom; on arm64 armv8_pmuv3_0 and the like.
    files.entries("/sys/bus/event_source/devices").map { names in
      names.contains { $0 == "cpu" || $0.hasPrefix("cpu_") || $0.hasPrefix("armv8") }
    }
  }

  /// CAP_PERFMON (38) or CAP_SYS_ADMIN (21) pass over the setting.
  private var mayCountAnyway: Bool {
    guard let text = files.value(of: "CapEff", in: "/proc/self/status"), let set = UInt64(text, radix: 16) else {
      return isRoot
    }
    return set & (1 << 38 | 1 << 21) != 0
  }

  /// Whether `--counters simulated` has what it counts with.
  public func simulatedCounters() -> Finding {
    let what = "simulated counters"
    guard let path = programs.find("valgrind") else {
      return Finding(
        what, .missing, "no valgrind in PATH", why: "`--counters simulated` counts with it", mend: install("valgrind"))
    }
    return Finding(what, .ok, path)
  }

  /// Whether there is a QEMU for the commands that boot a real guest.
  public func emulator() -> Finding {
    let what = "qemu"
    guard let path = programs.find("qemu-system-x86_64") else {
      return Finding(
        what, .missing, "no qemu-system-x86_64 in PATH", why: "the `guest` commands boot a real guest with it",
        mend: install("qemu-system-x86"))
    }
    return Finding(what, .ok, path)
  }
}
