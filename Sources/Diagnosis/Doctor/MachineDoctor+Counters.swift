import Instruments

extension MachineDoctor {
  private static let simulate = "hintbench run --counters simulated"

  /// Whether hardware events can be counted; tries it.
  public func counters() -> Finding {
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
      let mend = CounterAccess.isForbidden(files) ? asRoot("sysctl kernel.perf_event_paranoid=2") : Self.simulate
      return Finding(what, .missing, "none", why: reason, mend: mend)
    }
  }

  /// Whether `--counters simulated` finds its simulator.
  public func simulatedCounters() -> Finding {
    let what = "simulated counters"
    guard let path = programs.find("valgrind") else {
      return Finding(
        what, .missing, "no valgrind in PATH", why: "`--counters simulated` counts with it", mend: install("valgrind"))
    }
    return Finding(what, .ok, path)
  }

  /// Whether QEMU is installed, to boot a real guest.
  public func emulator() -> Finding {
    let what = "qemu"
    guard let path = programs.find("qemu-system-x86_64") else {
      return Finding(
        what, .missing, "no qemu-system-x86_64 in PATH", why: "`make test-guest` boots real guests with it",
        mend: install("qemu-system-x86"))
    }
    return Finding(what, .ok, path)
  }
}
