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
      let found = counters.events.map(\.name).joined(separator: ", ")
      guard !counters.dropped.isEmpty else { return Finding(what, .ok, found) }
      let dropped = counters.dropped.sorted { $0.key.name < $1.key.name }
        .map { "\($0.key.name): \($0.value)" }
      return Finding(
        what, .limited, found, why: "not counted, and empty in runs.csv: \(dropped.joined(separator: ", "))")
    case .unavailable(let reason):
      return missingCounters(what, reason, facts)
    }
  }

  private func missingCounters(_ what: String, _ reason: String, _ facts: HostFacts) -> Finding {
    if let level = facts.perfEventParanoid, level > 2, !CounterAccess.isPrivileged(files) {
      return Finding(
        what, .missing, "none: \(reason)",
        why: "perf_event_paranoid above 2 refuses counters to users without privileges; 2 allows those of a user's "
          + "own programs, which is what is counted here",
        mend: asRoot("sysctl kernel.perf_event_paranoid=2"))
    }
    let why: String
    switch (CounterAccess.hasPMU(files), facts.isVirtualMachine) {
    case (false, true): why = "no PMU in this virtual machine: `--counters simulated` counts instead"
    case (false, _): why = "the kernel knows no PMU of this processor: `--counters simulated` counts instead"
    case (true, _): why = "there is a PMU, and it is refused (in a container by its seccomp profile, mostly)"
    case (nil, _): why = "whether there is a PMU isn't told; `--counters simulated` counts instead"
    }
    return Finding(what, .missing, "none: \(reason)", why: why, mend: Self.simulate)
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
