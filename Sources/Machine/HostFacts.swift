/// The measuring machine: the facts a reader needs to judge a figure. nil: not reported by the system.
public struct HostFacts: Equatable, Codable, Sendable {
  /// The host name.
  public var hostname: String?
  /// The running kernel, as in `uname -r`.
  public var kernelRelease: String?
  /// The processor's model name.
  public var cpuModel: String?
  /// The CPUs that this process may run on, ascending.
  public var allowedCPUs: [Int]?
  /// The caches of the first of them.
  public var caches: [HostCache]
  /// The NUMA nodes with all their CPUs, by number; empty if the kernel lists none.
  public var numaNodes: [HostNode]
  /// The cpufreq governor of the first CPU.
  public var cpufreqGovernor: String?
  /// Whether the processor may clock above its base frequency.
  public var turbo: Bool?
  /// Whether more than one hardware thread per core is online.
  public var smt: Bool?
  /// Whether the processor reports a hypervisor.
  public var isVirtualMachine: Bool?
  /// The hypervisor's vendor, as it reports itself; nil on real hardware.
  public var hypervisorVendor: String?
  /// The machine's memory. Bytes.
  public var memoryBytes: UInt64?
  /// Which mappings get huge pages: `always`, `madvise` or `never`.
  public var transparentHugePages: String?
  /// perf_event_paranoid: from which level on unprivileged users are refused performance counters.
  public var perfEventParanoid: Int?
  /// How this program was built.
  public var build: BuildFacts

  enum CodingKeys: String, CodingKey {
    case hostname
    case kernelRelease = "kernel"
    case cpuModel = "cpu_model"
    case allowedCPUs = "allowed_cpus"
    case caches
    case numaNodes = "numa_nodes"
    case cpufreqGovernor = "cpufreq_governor"
    case turbo
    case smt
    case isVirtualMachine = "is_virtual_machine"
    case hypervisorVendor = "hypervisor"
    case memoryBytes = "memory_bytes"
    case transparentHugePages = "transparent_huge_pages"
    case perfEventParanoid = "perf_event_paranoid"
    case build
  }

  /// Gathers the facts once.
  public static func gather(files: HostFiles = HostFiles()) -> HostFacts {
    let allowed = files.value(of: "Cpus_allowed_list", in: "/proc/self/status").flatMap(CPUList.parse)
    let cpu = allowed?.first ?? 0
    // Only x86 lists the flag; elsewhere its absence means nothing.
    let isVirtual = files.processorFlags.map { $0.contains("hypervisor") }
    return HostFacts(
      hostname: files.line("/proc/sys/kernel/hostname"),
      kernelRelease: files.line("/proc/sys/kernel/osrelease"),
      cpuModel: files.value(of: "model name", in: "/proc/cpuinfo"),
      allowedCPUs: allowed,
      caches: HostCache.all(ofCPU: cpu, files: files),
      numaNodes: numaNodes(files: files),
      cpufreqGovernor: files.line("/sys/devices/system/cpu/cpu\(cpu)/cpufreq/scaling_governor"),
      turbo: turbo(files: files),
      smt: files.integer("/sys/devices/system/cpu/smt/active").map { $0 != 0 },
      isVirtualMachine: isVirtual,
      hypervisorVendor: hypervisorVendor(isVirtual: isVirtual, files: files),
      memoryBytes: files.value(of: "MemTotal", in: "/proc/meminfo").flatMap(kibibytes),
      transparentHugePages: bracketed(files.line("/sys/kernel/mm/transparent_hugepage/enabled")),
      perfEventParanoid: files.integer("/proc/sys/kernel/perf_event_paranoid"),
      build: .current)
  }

  /// The last-level cache of one CPU; nil if no cache is known. Bytes.
  public var lastLevelCacheBytes: Int? {
    caches.filter { $0.type != "Instruction" && $0.sizeBytes != nil }
      .max { $0.level < $1.level }?.sizeBytes
  }

  /// Parses `17 kB` to bytes.
  package static func kibibytes(_ text: String) -> UInt64? {
    let parts = text.split(separator: " ")
    guard parts.count == 2, parts[1] == "kB", let number = UInt64(parts[0]), number <= UInt64.max >> 10 else {
      return nil
    }
    return number << 10
  }

  private static func hypervisorVendor(isVirtual: Bool?, files: HostFiles) -> String? {
    if let type = files.line("/sys/hypervisor/type") { return type }
    // On real hardware the same field has the computer's manufacturer.
    guard isVirtual == true else { return nil }
    return files.line("/sys/class/dmi/id/sys_vendor")
  }

  private static func turbo(files: HostFiles) -> Bool? {
    if let off = files.integer("/sys/devices/system/cpu/intel_pstate/no_turbo") { return off == 0 }
    return files.integer("/sys/devices/system/cpu/cpufreq/boost").map { $0 != 0 }
  }

  /// The selected word of `always [madvise] never`.
  private static func bracketed(_ line: String?) -> String? {
    guard let line, let open = line.firstIndex(of: "["), let close = line.firstIndex(of: "]"), open < close else {
      return nil
    }
    return String(line[line.index(after: open)..<close])
  }

  private static func numaNodes(files: HostFiles) -> [HostNode] {
    let directory = "/sys/devices/system/node"
    let ids = (files.entries(directory) ?? []).compactMap { $0.hasPrefix("node") ? Int($0.dropFirst(4)) : nil }
    return ids.sorted().map { id in
      let base = "\(directory)/node\(id)"
      func memory(_ key: String) -> UInt64? {
        files.value(of: "Node \(id) \(key)", in: "\(base)/meminfo").flatMap(kibibytes)
      }
      return HostNode(
        id: id, cpus: files.line("\(base)/cpulist").flatMap(CPUList.parse) ?? [],
        memoryBytes: memory("MemTotal"), freeBytes: memory("MemFree"))
    }
  }
}
