import Diagnosis
import Foundation
import Instruments
import Machine
import TestSupport
import Testing

/// Each row of the doctor, on machines that aren't there.
@Suite struct MachineDoctorTests {
  /// A real machine of two cores and four CPUs, set up for measuring.
  private static let quiet: [String: String] = [
    "/proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu tsc constant_tsc nonstop_tsc vmx\n",
    "/proc/self/status": "Cpus_allowed_list:\t0-3\nCapEff:\t0000000000000000\n",
    "/proc/sys/kernel/perf_event_paranoid": "2\n",
    "/proc/stat": "cpu  100 0 0 900 0 0 0 0 0 0\n",
    "/sys/bus/event_source/devices/cpu/type": "4\n",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm\n",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0\n",
    "/sys/devices/system/cpu/intel_pstate/no_turbo": "1\n",
    "/sys/devices/system/cpu/smt/active": "0\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "/dev/kvm": "",
  ]

  /// The row of a machine that differs from the quiet one in some files; nil takes a file away.
  private func row(
    _ changes: [String: String?] = [:], isRoot: Bool = false, _ change: (inout MachineDoctor) -> Void = { _ in },
    _ row: (MachineDoctor, HostFacts) -> Finding
  ) throws -> Finding {
    var tree = Self.quiet
    for (path, text) in changes { tree[path] = text }
    return try FakeTree(tree).read { files in
      var doctor = MachineDoctor(
        files: files, library: FakePAPI().library, numa: FakeNumaHost(), programs: ProgramPath(""), isRoot: isRoot,
        hugePages: { HugePageTrial(bytes: 8 << 20, hugeBytes: 8 << 20) }, pin: { _ in nil },
        allowedCPUs: { [0, 1, 2, 3] })
      doctor.build.mode = "release"
      change(&doctor)
      return row(doctor, doctor.facts)
    }
  }

  private static let virtual = "flags\t\t: fpu tsc constant_tsc nonstop_tsc hypervisor\n"
  private static let silent: String? = nil

  // MARK: counters

  @Test func countersThatWorkAreNamed() throws {
    let row = try row { doctor, _ in doctor.counters() }
    #expect(row.state == .ok && row.found.contains("cycles, instructions") && row.mend == nil)
  }

  @Test func aCounterTheProcessorLacksLimits() throws {
    let papi = FakePAPI()
    papi.unknown = [.column(.l2Misses)]
    let row = try row([:], { $0.library = papi.library }, { doctor, _ in doctor.counters() })
    #expect(row.state == .limited && !row.found.contains("l2_misses"))
    #expect(row.why?.contains("l2_misses: error -7") == true)
  }

  /// No events: what is the matter depends on the machine.
  private func dead(_ changes: [String: String?], isRoot: Bool = false) throws -> Finding {
    let papi = FakePAPI()
    papi.unknown = Set(HardwareEvent.allCases.map(CountedEvent.column))
    return try row(changes, isRoot: isRoot, { $0.library = papi.library }, { doctor, _ in doctor.counters() })
  }

  @Test func aParanoidKernelIsMendedBySysctl() throws {
    let paranoid = "/proc/sys/kernel/perf_event_paranoid"
    for level in [3, 4] {
      let row = try dead([paranoid: "\(level)\n"])
      #expect(row.state == .missing && row.why?.contains("perf_event_paranoid is \(level)") == true)
      #expect(row.mend == "sudo sysctl kernel.perf_event_paranoid=2")
    }
    // The level that is mended to is not to blame, and neither is any where the process may pass over it.
    #expect(try dead([paranoid: "2\n"]).mend == "hintbench run --counters simulated")
    for capability in [38, 21] {
      let status = "CapEff:\t\(String(UInt64(1) << UInt64(capability), radix: 16))\n"
      #expect(
        try dead([paranoid: "3\n", "/proc/self/status": status]).mend == "hintbench run --counters simulated")
    }
    // Root without capabilities, as in a container.
    #expect(try dead([paranoid: "3\n"], isRoot: true).mend == "sysctl kernel.perf_event_paranoid=2")
  }

  @Test func withoutAPMUSimulatedOnesCount() throws {
    let none: [String: String?] = [
      "/sys/bus/event_source/devices/cpu/type": Self.silent, "/sys/bus/event_source/devices/software/type": "1\n",
    ]
    let real = try dead(none)
    #expect(real.state == .missing && real.why?.contains("no PMU") == true)
    #expect(real.mend == "hintbench run --counters simulated")
    let virtual = try dead(none.merging(["/proc/cpuinfo": Self.virtual]) { $1 })
    #expect(virtual.why?.contains("no PMU") == true && virtual.mend == "hintbench run --counters simulated")
    // There is one, or it isn't told whether, and something refuses it.
    #expect(try dead([:]).why?.contains("refuses") == true)
    #expect(try dead(["/sys/bus/event_source/devices/cpu/type": Self.silent]).why?.contains("refuses") == true)
  }

  // MARK: programs

  @Test func programsAreLookedUpInPATH() throws {
    let folder = NSTemporaryDirectory() + "hintbench-test-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(
      atPath: folder + "/bin/qemu-system-x86_64", withIntermediateDirectories: true)
    let file = folder + "/bin/valgrind"
    try Data().write(to: URL(fileURLWithPath: file))
    let path = ProgramPath("/nowhere::\(folder)/bin")
    // Neither what can't be run, nor a folder.
    #expect(path.find("valgrind") == nil && path.find("qemu-system-x86_64") == nil && path.find("bin") == nil)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
    #expect(path.find("valgrind") == file)
    #expect(ProgramPath("").find("valgrind") == nil)

    let found = try row([:], { $0.programs = path }, { doctor, _ in doctor.simulatedCounters() })
    #expect(found == Finding("simulated counters", .ok, file))
    let missing = try row([:], { $0.programs = path }, { doctor, _ in doctor.emulator() })
    #expect(missing.state == .missing && missing.mend == "sudo apt-get install qemu-system-x86")
    let asRoot = try row(isRoot: true) { doctor, _ in doctor.simulatedCounters() }
    #expect(asRoot.state == .missing && asRoot.mend == "apt-get install valgrind")
  }

  @Test func aDeviceThatOpensIsUsable() throws {
    #expect(try row { doctor, _ in doctor.kvm() } == Finding("/dev/kvm", .ok, "usable"))
    // It opens, and no guest would run.
    let hollow = try row(["/proc/cpuinfo": Self.virtual]) { doctor, _ in doctor.kvm() }
    #expect(hollow.state == .limited && hollow.why?.contains("neither vmx nor svm") == true)
    let absent = try row(["/dev/kvm": Self.silent]) { doctor, _ in doctor.kvm() }
    #expect(absent.state == .missing && absent.mend == "sudo modprobe kvm_intel")
    let amd = try row(["/dev/kvm": Self.silent, "/proc/cpuinfo": "flags : svm\n"], isRoot: true) { doctor, _ in
      doctor.kvm()
    }
    #expect(amd.mend == "modprobe kvm_amd")
    // Nothing to load a module for.
    let plain = try row(["/dev/kvm": Self.silent, "/proc/cpuinfo": Self.virtual]) { doctor, _ in doctor.kvm() }
    #expect(plain.state == .missing && plain.mend == nil && plain.why?.contains("no virtualisation") == true)
    // There, and no device that can be opened for writing: a folder.
    let folder = try row(["/dev/kvm": Self.silent, "/dev/kvm/x": ""]) { doctor, _ in doctor.kvm() }
    #expect(folder.state == .missing && folder.found.contains("directory"))
  }

  // MARK: the processor

  @Test func theClockIsJudgedByFlagsAndSource() throws {
    func clock(_ changes: [String: String?]) throws -> Finding { try row(changes) { doctor, _ in doctor.clock() } }
    let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    #expect(try clock([:]).state == .ok)
    #expect(try clock([source: "kvm-clock\n"]).state == .ok)
    let distrusted = try clock([source: "hpet\n"])
    #expect(distrusted.state == .limited)
    #expect(distrusted.mend == "echo tsc | sudo tee \(source)")
    let lost = try clock([
      source: "hpet\n", "/sys/devices/system/clocksource/clocksource0/available_clocksource": "hpet\n",
    ])
    #expect(lost.state == .limited && lost.mend == nil)
    #expect(try clock(["/proc/cpuinfo": "flags : tsc\n"]).state == .missing)
    #expect(try clock(["/proc/cpuinfo": "flags : tsc constant_tsc\n"]).state == .limited)
    let untold = try clock(["/proc/cpuinfo": Self.silent, source: Self.silent])
    #expect(untold.state == .limited && untold.found.contains("not told"))
  }

  @Test func pinningIsTried() throws {
    func pinning(_ change: (inout MachineDoctor) -> Void) throws -> Finding {
      try row([:], change) { doctor, _ in doctor.pinning() }
    }
    let four = try pinning { _ in }
    #expect(four.state == .ok && four.found.contains("4 CPUs allowed: 0-3"))
    let one = try pinning { $0.allowedCPUs = { [7] } }
    #expect(one.state == .limited && one.found.contains("1 CPU allowed: 7"))
    let refused = try pinning { $0.pin = { SystemCallError(call: "sched_setaffinity to CPU \($0)", code: EPERM) } }
    #expect(refused.state == .missing && refused.found.contains("sched_setaffinity to CPU 0"))
    #expect(try pinning { $0.allowedCPUs = { nil } }.found.contains("not told"))
    #expect(try pinning { $0.allowedCPUs = { [] } }.state == .missing)
  }

  @Test func thisMachinesThreadsAreLetLooseAgain() throws {
    let result = onOwnThread {
      Result {
        let before = try ThreadPlacement.allowedCPUs()
        let refusal = MachineDoctor.tryPinning(before[0])
        return (before, refusal, try ThreadPlacement.allowedCPUs(), MachineDoctor.tryPinning(-1))
      }
    }
    let (before, refusal, after, wrong) = try result.get()
    #expect(refusal == nil && after == before)
    #expect(wrong?.code == EINVAL)
  }

  @Test func governorAndBoostAreMended() throws {
    let governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    #expect(try row { $0.governor($1) }.state == .ok)
    let saving = try row([governor: "powersave\n"]) { $0.governor($1) }
    #expect(saving.state == .limited)
    #expect(
      saving.mend == "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
    let intel = "/sys/devices/system/cpu/intel_pstate/no_turbo"
    let amd = "/sys/devices/system/cpu/cpufreq/boost"
    #expect(try row { $0.boost($1) }.state == .ok)
    #expect(try row([intel: "0\n"]) { $0.boost($1) }.mend == "echo 1 | sudo tee \(intel)")
    #expect(try row([intel: Self.silent, amd: "1\n"], isRoot: true) { $0.boost($1) }.mend == "echo 0 | tee \(amd)")
    #expect(try row([intel: Self.silent, amd: "0\n"]) { $0.boost($1) }.state == .ok)
    for cpuinfo in [Self.virtual, "flags : tsc\n"] {
      let changes: [String: String?] = [governor: Self.silent, intel: Self.silent, "/proc/cpuinfo": cpuinfo]
      let untold = [try row(changes) { $0.governor($1) }, try row(changes) { $0.boost($1) }]
      for row in untold {
        #expect(row.state == .limited && row.found == "not told" && row.mend == nil)
        #expect(row.why?.contains("virtual machine") == (cpuinfo == Self.virtual))
      }
    }
  }

  @Test func siblingsAreNamed() throws {
    let active = "/sys/devices/system/cpu/smt/active"
    let list = "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list"
    #expect(try row { $0.siblings($1) }.state == .ok)
    let on = try row([active: "1\n", list: "0,32\n"]) { $0.siblings($1) }
    #expect(on.state == .limited && on.found == "on; CPU 0 shares its core with CPUs 0,32")
    #expect(on.mend == "echo off | sudo tee /sys/devices/system/cpu/smt/control")
    // Without the switch, what is listed tells.
    #expect(try row([active: Self.silent, list: "0-1\n"]) { $0.siblings($1) }.state == .limited)
    #expect(try row([active: Self.silent]) { $0.siblings($1) }.state == .ok)
    let untold = try row([active: Self.silent, list: Self.silent]) { $0.siblings($1) }
    #expect(untold.state == .limited && untold.found == "not told")
    let virtual = try row(["/proc/cpuinfo": Self.virtual]) { $0.siblings($1) }
    #expect(virtual.why?.contains("can't see which host CPUs share a core") == true)
  }

  @Test func stealIsJudgedByWhatWasTaken() throws {
    func steal(_ stolen: UInt64?, _ changes: [String: String?] = [:]) throws -> Finding {
      try row(changes) { $0.steal($1, stolen: stolen, in: 12_345_678_901) }
    }
    #expect(try steal(0).state == .ok)
    #expect(try steal(0).found == "0 ms taken in the 12.3 s this took; 0.0 % of all CPU time since boot")
    // One tick may be anything.
    #expect(try steal(10_000_000).state == .ok)
    #expect(try steal(20_000_000).state == .limited)
    let silent = try steal(0, ["/proc/cpuinfo": Self.virtual])
    #expect(silent.state == .limited && silent.why?.contains("doesn't report") == true)
    let reporting = try steal(0, ["/proc/cpuinfo": Self.virtual, "/proc/stat": "cpu  10 0 0 80 0 0 0 10 0 0\n"])
    #expect(reporting.state == .ok && reporting.found.contains("10.0 %"))
    #expect(try steal(nil).found == "not told")
    #expect(try steal(0, ["/proc/stat": Self.silent]).found == "not told")
  }

  @Test func aVirtualMachineIsSaidToBeOne() throws {
    #expect(try row { $0.virtualisation($1) }.state == .ok)
    let untold = try row(["/proc/cpuinfo": Self.virtual]) { $0.virtualisation($1) }
    #expect(untold.state == .limited && untold.found == "a virtual machine; hypervisor: not told")
    let named = try row(["/proc/cpuinfo": Self.virtual, "/sys/class/dmi/id/sys_vendor": "QEMU\n"]) {
      $0.virtualisation($1)
    }
    #expect(named.found.contains("QEMU"))
    #expect(try row(["/proc/cpuinfo": Self.silent]) { $0.virtualisation($1) }.found == "not told")
  }

  @Test func aDebugBuildIsWorthNothing() throws {
    #expect(try row { doctor, _ in doctor.buildMode() }.state == .ok)
    let debug = try row([:], { $0.build.mode = "debug" }, { doctor, _ in doctor.buildMode() })
    #expect(debug.state == .missing && debug.mend == "swift build -c release --product hintbench")
  }

  // MARK: memory

  @Test func hugePagesAreTried() throws {
    let enabled = "/sys/kernel/mm/transparent_hugepage/enabled"
    func pages(_ trial: HugePageTrial, _ setting: String? = "always [madvise] never\n") throws -> Finding {
      try row([enabled: setting], { $0.hugePages = { trial } }, { $0.transparentHugePages($1) })
    }
    let bytes: UInt64 = 8 << 20
    #expect(try pages(HugePageTrial(bytes: bytes, hugeBytes: bytes)).state == .ok)
    let never = try pages(HugePageTrial(bytes: bytes, hugeBytes: 0), "always madvise [never]\n")
    #expect(never.state == .missing && never.mend == "echo madvise | sudo tee \(enabled)")
    let none = try pages(HugePageTrial(bytes: bytes, hugeBytes: 0))
    #expect(none.state == .missing && none.mend == "echo 1 | sudo tee /proc/sys/vm/compact_memory")
    #expect(try pages(HugePageTrial(bytes: bytes, hugeBytes: bytes / 2)).state == .limited)
    let untold = try pages(HugePageTrial(bytes: bytes, hugeBytes: nil), nil)
    #expect(untold.state == .limited && untold.found.contains("enabled: not told"))
    let refused = try pages(HugePageTrial(bytes: bytes, hugeBytes: nil, refusal: "madvise: no"))
    #expect(refused.state == .missing && refused.found.contains("madvise: no"))
  }

  /// Where it isn't told what was given, nothing is made up.
  @Test func aTrialFindsNoMoreThanItAskedFor() throws {
    let trial = HugePageTrial.run()
    #expect(trial.bytes == 8 << 20)
    if let huge = trial.hugeBytes { #expect(huge <= trial.bytes && huge % (2 << 20) == 0) }
    #expect(try FakeTree().read { HugePageTrial.run(files: $0) }.hugeBytes == nil)
    let others = "1000-2000 rw-p 0 00:00 0\nAnonHugePages:      2048 kB\n"
    #expect(try FakeTree(["/proc/self/smaps": others]).read { HugePageTrial.run(files: $0) }.hugeBytes == nil)
  }

  @Test func fourNodesAreBoundOneByOne() throws {
    let placements = NodePlacement.probe(FakeNumaHost())
    #expect(placements.map(\.liesOn) == [0, 1, 2, 3] && placements.allSatisfy { $0.isBindable && $0.refusal == nil })
    #expect(
      placements.map(\.line)[3]
        == "numa-node id=3 cpus=6-7 memory_bytes=1073741824 free_bytes=536870912 binds=yes page_lies_on=3")
    let row = try row { doctor, _ in doctor.nodes(placements) }
    #expect(row.state == .ok && row.found.hasPrefix("4: node 0: CPUs 0-1, 1024 MiB; node 1: CPUs 2-3"))
  }

  @Test func oneNodeIsALimit() throws {
    let one = try row { doctor, _ in doctor.nodes([NodePlacement.probe(FakeNumaHost())[0]]) }
    #expect(one.state == .limited && one.why?.contains("one node: --nodes still models several") == true)
  }

  @Test func memoryThatLiesElsewhereOrIsRefusedIsMissing() throws {
    let placements = NodePlacement.probe(CrookedHost())
    #expect(placements.map(\.liesOn) == [5, nil, 7])
    #expect(placements.map(\.isBindable) == [false, false, true])
    #expect(placements[1].refusal?.contains("mbind to node 6") == true)
    let first = try row { doctor, _ in doctor.nodes(placements) }
    #expect(first.state == .missing && first.why?.contains("node 4: its page lies on node 5") == true)
    #expect(first.found.contains("memory not told") && first.found.contains("no CPUs"))
    let second = try row { doctor, _ in doctor.nodes(Array(placements.dropFirst())) }
    #expect(second.why?.contains("mbind to node 6") == true)
    #expect(placements[1].line == "numa-node id=6 cpus=0,2-4,9 memory_bytes= free_bytes= binds=no page_lies_on=")
  }

  @Test func memoryOfThisMachineLiesWhereItWasBound() {
    let placements = NodePlacement.probe(LibNuma())
    #expect(!placements.isEmpty)
    for placement in placements { #expect(placement.isBindable, "\(placement.line)") }
  }

  // MARK: a machine that tells nothing

  @Test func aBareMachineMakesNothingUp() throws {
    let papi = FakePAPI()
    papi.initialize = -3
    let tree = try FakeTree()
    tree.read { files in
      let doctor = MachineDoctor(
        files: files, library: papi.library, numa: FakeNumaHost(), programs: ProgramPath(""), isRoot: true,
        hugePages: { HugePageTrial.run(files: files) }, allowedCPUs: { nil })
      let facts = doctor.facts
      let rows = [
        doctor.counters(), doctor.simulatedCounters(), doctor.clock(), doctor.pinning(),
        doctor.transparentHugePages(facts), doctor.governor(facts), doctor.boost(facts), doctor.siblings(facts),
        doctor.steal(facts, stolen: nil, in: 1), doctor.virtualisation(facts), doctor.kvm(), doctor.emulator(),
      ]
      for row in rows {
        #expect(row.state != .ok, "\(row)")
        #expect(row.why?.isEmpty == false || row.mend != nil, "\(row)")
        for text in [row.what, row.found, row.why ?? "", row.mend ?? ""] { #expect(!text.contains("\n"), "\(row)") }
      }
    }
  }
}

/// Three nodes: a page lies beside the first, the second refuses, the third is as it should be.
private struct CrookedHost: NumaHost {
  var nodes: [HostNode] {
    [
      HostNode(id: 4, cpus: [], memoryBytes: nil, freeBytes: nil),
      HostNode(id: 6, cpus: [9, 4, 3, 2, 0], memoryBytes: nil, freeBytes: nil),
      HostNode(id: 7, cpus: [1], memoryBytes: 1, freeBytes: 0),
    ]
  }

  func bind(_ memory: UnsafeMutableRawPointer, bytes: Int, toNode node: Int) throws(NumaError) {
    guard node != 6 else { throw .bindFailed(node: node, code: EPERM) }
    memory.storeBytes(of: UInt8(node == 4 ? 5 : node), as: UInt8.self)
  }

  func nodeOf(_ address: UnsafeRawPointer) throws(NumaError) -> Int { Int(address.load(as: UInt8.self)) }
}
