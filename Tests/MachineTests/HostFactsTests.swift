import Foundation
import Machine
import TestSupport
import Testing

@Suite struct HostFactsTests {
  private static let server: [String: String] = [
    "/proc/sys/kernel/hostname": "box\n",
    "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
    "/proc/sys/kernel/perf_event_paranoid": "3\n",
    "/proc/cpuinfo": "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nflags\t\t: fpu tsc hypervisor lm\n",
    "/proc/self/status": "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t2-3,6\n",
    "/proc/meminfo": "MemTotal:       1000 kB\nMemFree:        100 kB\nMemAvailable:   600 kB\n",
    "/sys/devices/system/cpu/cpu2/cache/index0/level": "1\n",
    "/sys/devices/system/cpu/cpu2/cache/index0/type": "Data\n",
    "/sys/devices/system/cpu/cpu2/cache/index0/size": "48K\n",
    "/sys/devices/system/cpu/cpu2/cache/index0/coherency_line_size": "64\n",
    "/sys/devices/system/cpu/cpu2/cache/index1/level": "1\n",
    "/sys/devices/system/cpu/cpu2/cache/index1/type": "Instruction\n",
    "/sys/devices/system/cpu/cpu2/cache/index1/size": "32K\n",
    "/sys/devices/system/cpu/cpu2/cache/index3/level": "3\n",
    "/sys/devices/system/cpu/cpu2/cache/index3/type": "Unified\n",
    "/sys/devices/system/cpu/cpu2/cache/index3/size": "36M\n",
    "/sys/devices/system/cpu/cpu2/cache/index3/coherency_line_size": "64\n",
    "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor": "performance\n",
    "/sys/devices/system/cpu/intel_pstate/no_turbo": "1\n",
    "/sys/devices/system/cpu/smt/active": "1\n",
    "/sys/class/dmi/id/sys_vendor": "QEMU\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "/sys/devices/system/node/online": "0-1\n",
    "/sys/devices/system/node/node0/cpulist": "0-3\n",
    "/sys/devices/system/node/node0/meminfo": "Node 0 MemTotal:       700 kB\nNode 0 MemFree:        70 kB\n",
    "/sys/devices/system/node/node10/cpulist": "\n",
    "/sys/devices/system/node/node2/cpulist": "4-7\n",
  ]

  @Test func everythingComesFromTheTree() throws {
    let facts = try FakeTree(Self.server).read { HostFacts.gather(files: $0) }
    #expect(facts.hostname == "box")
    #expect(facts.kernelRelease == "6.1.0-18-amd64")
    #expect(facts.cpuModel == "Some CPU @ 2.00GHz")
    #expect(facts.allowedCPUs == [2, 3, 6])
    #expect(
      facts.caches == [
        HostCache(level: 1, type: "Data", sizeBytes: 48 << 10, lineBytes: 64),
        HostCache(level: 1, type: "Instruction", sizeBytes: 32 << 10, lineBytes: nil),
        HostCache(level: 3, type: "Unified", sizeBytes: 36 << 20, lineBytes: 64),
      ])
    #expect(facts.lastLevelCacheBytes == 36 << 20)
    #expect(facts.cpufreqGovernor == "performance")
    #expect(facts.turbo == false)
    #expect(facts.smt == true)
    #expect(facts.isVirtualMachine == true)
    #expect(facts.hypervisorVendor == "QEMU")
    #expect(facts.memoryBytes == 1000 << 10)
    #expect(facts.transparentHugePages == "madvise")
    #expect(facts.perfEventParanoid == 3)
    #expect(
      facts.numaNodes == [
        HostNode(id: 0, cpus: [0, 1, 2, 3], memoryBytes: 700 << 10, freeBytes: 70 << 10),
        HostNode(id: 2, cpus: [4, 5, 6, 7], memoryBytes: nil, freeBytes: nil),
        HostNode(id: 10, cpus: [], memoryBytes: nil, freeBytes: nil),
      ])
    #expect(try JSONDecoder().decode(HostFacts.self, from: JSONEncoder().encode(facts)) == facts)
  }

  @Test func anEmptyTreeTellsNothing() throws {
    let tree = try FakeTree()
    let facts = tree.read { HostFacts.gather(files: $0) }
    #expect(facts.hostname == nil)
    #expect(facts.kernelRelease == nil)
    #expect(facts.cpuModel == nil)
    #expect(facts.allowedCPUs == nil)
    #expect(facts.caches.isEmpty)
    #expect(facts.lastLevelCacheBytes == nil)
    #expect(facts.numaNodes.isEmpty)
    #expect(facts.cpufreqGovernor == nil)
    #expect(facts.turbo == nil)
    #expect(facts.smt == nil)
    #expect(facts.isVirtualMachine == nil)
    #expect(facts.hypervisorVendor == nil)
    #expect(facts.memoryBytes == nil)
    #expect(facts.transparentHugePages == nil)
    #expect(facts.perfEventParanoid == nil)
    #expect(tree.read { HostFacts.availableMemoryBytes(files: $0) } == nil)
  }

  @Test func aComputersMakerIsNoHypervisor() throws {
    let tree = try FakeTree([
      "/proc/cpuinfo": "flags\t\t: fpu tsc lm\n", "/sys/class/dmi/id/sys_vendor": "Dell Inc.\n",
      "/sys/devices/system/cpu/cpufreq/boost": "1\n",
    ])
    let facts = tree.read { HostFacts.gather(files: $0) }
    #expect(facts.isVirtualMachine == false)
    #expect(facts.hypervisorVendor == nil)
    #expect(facts.turbo == true)
  }

  @Test func processorsWithoutFlagsSayNothingOfAHypervisor() throws {
    let tree = try FakeTree([
      "/proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd\n", "/sys/hypervisor/type": "xen\n",
    ])
    let facts = tree.read { HostFacts.gather(files: $0) }
    #expect(facts.isVirtualMachine == nil)
    #expect(facts.hypervisorVendor == "xen")
  }

  @Test(arguments: ["3-1\n", "a\n", "1-2-3\n", "-1\n", "1--2\n"])
  func aBrokenListOfCPUsIsNil(_ list: String) throws {
    let tree = try FakeTree(["/proc/self/status": "Cpus_allowed_list:\t\(list)"])
    #expect(tree.read { HostFacts.gather(files: $0) }.allowedCPUs == nil)
  }

  @Test func thisMachineTellsSomething() {
    let facts = HostFacts.gather()
    #expect(facts.hostname?.isEmpty == false)
    #expect(facts.kernelRelease?.isEmpty == false)
    #expect(facts.allowedCPUs?.isEmpty == false)
    #expect((facts.memoryBytes ?? 0) > 0)
    #expect((HostFacts.availableMemoryBytes() ?? 0) > 0)
    #expect(["debug", "release"].contains(facts.build.mode))
    #expect(facts.build.compiler.hasPrefix(">= 6."))
  }

  @Test func availableMemoryWithoutGroupsIsTheMachines() throws {
    let tree = try FakeTree(["/proc/meminfo": "MemTotal: 1000 kB\nMemAvailable:   600 kB\n"])
    #expect(tree.read { HostFacts.availableMemoryBytes(files: $0) } == 600 << 10)
  }

  @Test func availableMemoryIsWhatTheTightestGroupLeaves() throws {
    var files = [
      "/proc/meminfo": "MemAvailable:   600 kB\n",
      "/proc/self/cgroup": "0::/a/b\n",
      "/sys/fs/cgroup/a/memory.max": "400000\n",
      "/sys/fs/cgroup/a/memory.current": "100000\n",
      "/sys/fs/cgroup/a/b/memory.max": "max\n",
      "/sys/fs/cgroup/a/b/memory.current": "90000\n",
    ]
    #expect(try FakeTree(files).read { HostFacts.availableMemoryBytes(files: $0) } == 300_000)
    // File pages that can be dropped are left, too.
    files["/sys/fs/cgroup/a/memory.stat"] = "anon 60000\ninactive_file 40000\nactive_file 1\n"
    #expect(try FakeTree(files).read { HostFacts.availableMemoryBytes(files: $0) } == 340_000)
    files["/sys/fs/cgroup/a/memory.current"] = "500000\n"
    files["/sys/fs/cgroup/a/memory.stat"] = nil
    #expect(try FakeTree(files).read { HostFacts.availableMemoryBytes(files: $0) } == 0)
  }

  @Test func groupsOfVersion1Count() throws {
    let tree = try FakeTree([
      "/proc/meminfo": "MemAvailable:   600 kB\n",
      "/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/memory/memory.usage_in_bytes": "5\n",
      "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "5000\n",
      "/sys/fs/cgroup/memory/x/memory.usage_in_bytes": "3000\n",
      "/sys/fs/cgroup/memory/x/memory.stat": "inactive_file 7\ntotal_inactive_file 500\n",
    ])
    #expect(tree.read { HostFacts.availableMemoryBytes(files: $0) } == 2500)
  }

  @Test func inAContainerTheMountIsTheGroup() throws {
    let tree = try FakeTree([
      "/proc/self/cgroup": "0::/not/below/this/mount\n",
      "/sys/fs/cgroup/memory.max": "5000\n",
      "/sys/fs/cgroup/memory.current": "1000\n",
    ])
    #expect(tree.read { HostFacts.availableMemoryBytes(files: $0) } == 4000)
  }
}
