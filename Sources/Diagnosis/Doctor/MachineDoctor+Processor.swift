import Glibc
import Instruments
import Machine

extension MachineDoctor {
  /// Whether the cycle clock neither stops nor changes its rate.
  public func clock() -> Finding {
    let what = "clock"
    let source = files.line("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    let known = (files.line("/sys/devices/system/clocksource/clocksource0/available_clocksource") ?? "")
      .split(separator: " ").map(String.init)
    let flags = files.processorFlags
    let constant = flags.map { $0.contains("constant_tsc") ? "constant" : "not constant" } ?? "pace \(Finding.notTold)"
    let nonstop = flags.map { $0.contains("nonstop_tsc") ? "nonstop" : "stops in deep sleep" }
    let found =
      "time-stamp counter \(([constant] + [nonstop].compactMap { $0 }).joined(separator: ", ")); clocksource "
      + (source ?? Finding.notTold)
    if let flags, !flags.contains("constant_tsc") {
      return Finding(
        what, .missing, found, why: "the counter's pace follows the processor's frequency: holds in ns are wrong")
    }
    // The kernel's fallbacks if it found the counter unstable.
    if let source, ["hpet", "acpi_pm", "jiffies", "refined-jiffies"].contains(source) {
      let file = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
      return Finding(
        what, .limited, found,
        why:
          "the kernel doesn't trust the time-stamp counter, or was told not to: `journalctl -k | grep -i tsc` says why",
        mend: known.contains("tsc") ? write("tsc", to: file) : nil)
    }
    guard let flags, source != nil else {
      return Finding(
        what, .limited, found,
        why: "holds are timed with the processor's own counter, and nothing says how steady it is")
    }
    if !flags.contains("nonstop_tsc") {
      return Finding(what, .limited, found, why: "a window with sleep in it may come out short; holds don't sleep")
    }
    return Finding(what, .ok, found)
  }

  /// Whether threads can be pinned, and to how many CPUs; tries it.
  public func pinning() -> Finding {
    let what = "pinning"
    guard let cpus = allowedCPUs(), let first = cpus.first else {
      return Finding(
        what, .missing, "the CPUs this process may use are \(Finding.notTold)",
        why: "threads run where the kernel puts them, and move")
    }
    let found = "\(cpus.count) CPU\(cpus.count == 1 ? "" : "s") allowed: \(CPUList.text(cpus))"
    if let error = pin(first) {
      return Finding(what, .missing, "\(found); \(error)", why: "threads run where the kernel puts them, and move")
    }
    guard cpus.count > 1 else {
      return Finding(
        what, .limited, "\(found); a thread can be bound",
        why:
          "the strategy's thread shares its only CPU with everything else, and no second thread can run at the same "
          + "time"
      )
    }
    return Finding(what, .ok, "\(found); a thread can be bound")
  }

  /// The cpufreq governor.
  public func governor(_ facts: HostFacts) -> Finding {
    let what = "governor"
    guard let governor = facts.cpufreqGovernor else {
      return Finding(
        what, .limited, Finding.notTold,
        why: facts.isVirtualMachine == true
          ? "in a virtual machine the host decides how fast CPUs are clocked"
          : "the kernel has no cpufreq: the clock may change during a run")
    }
    guard governor != "performance" else { return Finding(what, .ok, governor) }
    return Finding(
      what, .limited, governor, why: "the CPU frequency follows the load: short passes come out slow",
      mend: write("performance", to: "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"))
  }

  /// Whether CPUs clock above their base frequency.
  public func boost(_ facts: HostFacts) -> Finding {
    let what = "boost"
    guard let boosts = facts.turbo else {
      return Finding(
        what, .limited, Finding.notTold,
        why: facts.isVirtualMachine == true
          ? "in a virtual machine the host decides how fast CPUs are clocked"
          : "the kernel doesn't say whether CPUs are clocked above their base frequency")
    }
    guard boosts else { return Finding(what, .ok, "off") }
    let intel = "/sys/devices/system/cpu/intel_pstate/no_turbo"
    let hasIntel = files.integer(intel) != nil
    return Finding(
      what, .limited, "on", why: "the speed of a CPU depends on its temperature and on the load of the others",
      mend: hasIntel ? write("1", to: intel) : write("0", to: "/sys/devices/system/cpu/cpufreq/boost"))
  }

  /// Whether two CPUs share a core.
  public func siblings(_ facts: HostFacts) -> Finding {
    let what = "SMT"
    let cpu = facts.allowedCPUs?.first ?? 0
    let list = files.line("/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list")
    let shared = list.flatMap(CPUList.parse)
    let told = list.map { "CPU \(cpu) shares its core with \(shared?.count == 1 ? "no other" : "CPUs \($0)")" }
    let hint = "a virtual machine can't see which host CPUs share a core"
    guard let isActive = facts.smt ?? shared.map({ $0.count > 1 }) else {
      return Finding(what, .limited, Finding.notTold, why: "CPUs that share a core slow each other down unseen")
    }
    let found = [isActive ? "on" : "off", told].compactMap { $0 }.joined(separator: "; ")
    guard isActive else { return Finding(what, .ok, found, why: facts.isVirtualMachine == true ? hint : nil) }
    return Finding(
      what, .limited, found, why: "threads on two CPUs of one core share its caches and its pipes",
      mend: write("off", to: "/sys/devices/system/cpu/smt/control"))
  }

  /// Time taken by the hypervisor: `stolen` within the `nanoseconds` of this command.
  public func steal(_ facts: HostFacts, stolen: UInt64?, in nanoseconds: UInt64) -> Finding {
    let what = "steal time"
    guard let stolen, let share = StealClock.shareSinceBoot(files: files) else {
      return Finding(
        what, .limited, Finding.notTold,
        why: "the kernel counts none: steal_ns is empty, and a hypervisor's breaks are "
          + "seen only as noise")
    }
    let seconds = Double(nanoseconds / 100_000_000) / 10
    let thousandths = (share * 100_000).rounded() / 1000
    let found =
      "\(stolen / 1_000_000) ms taken in the \(seconds) s this took; \(thousandths) % of all CPU time since boot"
    if share == 0 && stolen == 0 && facts.isVirtualMachine == true {
      return Finding(
        what, .limited, found,
        why: "either no other guest wanted the CPUs, or this hypervisor doesn't report steal time")
    }
    // In ticks of 10 ms; a single one means little.
    guard stolen > 10_000_000 else { return Finding(what, .ok, found) }
    return Finding(
      what, .limited, found,
      why: "other guests use these CPUs: repetitions with steal_ns above 0 are inflated")
  }

  /// Whether this is a virtual machine.
  public func virtualisation(_ facts: HostFacts) -> Finding {
    let what = "virtualisation"
    let vendor = facts.hypervisorVendor
    guard let isVirtual = facts.isVirtualMachine else {
      return Finding(
        what, .limited, vendor.map { "hypervisor: \($0)" } ?? Finding.notTold,
        why: "the processor doesn't say whether it is a virtual one")
    }
    guard isVirtual else { return Finding(what, .ok, vendor.map { "hypervisor: \($0)" } ?? "none: real hardware") }
    return Finding(
      what, .limited, "a virtual machine; hypervisor: \(vendor ?? Finding.notTold)",
      why:
        "the host preempts CPUs unseen: longest single holds are mostly noise; judge by the repeatable hold")
  }

  /// Whether guests can run under KVM.
  public func kvm() -> Finding {
    let what = "/dev/kvm"
    let emulated = "real guests (`make test-guest`) are emulated, many times slower"
    switch KVMAccess(files: files) {
    case .usable: return Finding(what, .ok, "usable")
    case .withoutProcessor:
      return Finding(
        what, .limited, "opens",
        why: "the processor shows neither vmx nor svm, without which no guest runs: \(emulated)")
    case .refused(let code):
      let error = SystemCallError(call: "open", code: code)
      if code == EACCES || code == EPERM {
        return Finding(
          what, .limited, "\(error)", why: "\(emulated); the fix takes effect at the next login",
          mend: #"sudo usermod -aG kvm "$USER""#)
      }
      let module = KVMAccess.module(files)
      return Finding(
        what, .missing, "\(error)",
        why: module == nil ? "\(emulated); the processor shows no virtualisation to this kernel" : emulated,
        mend: module.map { asRoot("modprobe \($0)") })
    }
  }

  /// Whether this is a release build.
  public func buildMode() -> Finding {
    let what = "build"
    guard build.mode == "debug" else { return Finding(what, .ok, "\(build.mode), Swift \(build.compiler)") }
    return Finding(
      what, .missing, "\(build.mode), Swift \(build.compiler)",
      why: "unoptimised code is 2 to 15 times slower; its timings are meaningless",
      mend: "swift build -c release --product hintbench")
  }
}
