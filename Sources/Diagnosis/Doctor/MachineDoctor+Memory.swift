import Machine

extension MachineDoctor {
  /// The NUMA nodes, and whether bound memory is on its node.
  public func nodes(_ placements: [NodePlacement]) -> Finding {
    let what = "NUMA nodes"
    let described = placements.map { placement in
      let node = placement.node
      let memory = node.memoryBytes.map { "\(Self.mebibytes($0))" } ?? "memory \(Finding.notTold)"
      return "node \(node.id): \(node.cpus.isEmpty ? "no CPUs" : "CPUs \(CPUList.text(node.cpus))"), \(memory)"
    }
    let failed = placements.filter { !$0.isBindable }
    let found =
      "\(placements.count): \(described.joined(separator: "; ")); "
      + (failed.isEmpty ? "a page bound to each lies there" : "\(failed.count) can't be bound to")
    if let first = failed.first {
      let reason = first.refusal ?? "its page lies on node \(first.liesOn.map(String.init) ?? Finding.notTold)"
      return Finding(
        what, .missing, found,
        why: "node \(first.node.id): \(reason); a guest's memory can't be placed node by node, and runs with --nodes "
          + "above 1 fail or say nothing about distance")
    }
    guard placements.count > 1 else {
      return Finding(
        what, .limited, found,
        why:
          "one node: --nodes still models several, with their lists and locks, but the cost of remote memory can't be "
          + "measured here")
    }
    return Finding(what, .ok, found)
  }

  private static func mebibytes(_ bytes: UInt64) -> String { "\(bytes >> 20) MiB" }

  /// Whether memory gets huge pages; tries it.
  public func transparentHugePages(_ facts: HostFacts) -> Finding {
    let what = "huge pages"
    let file = "/sys/kernel/mm/transparent_hugepage/enabled"
    let trial = hugePages()
    let setting = facts.transparentHugePages ?? Finding.notTold
    let why =
      "memory maps with --vmemmap 2m get small pages: walks miss the TLB more often than in a kernel, which maps its "
      + "memory map with huge ones"
    if let refusal = trial.refusal {
      return Finding(what, .missing, "enabled: \(setting); \(refusal)", why: why, mend: write("madvise", to: file))
    }
    guard let huge = trial.hugeBytes else {
      return Finding(
        what, .limited, "enabled: \(setting); whether advised memory got them is \(Finding.notTold)",
        why: "/proc/self/smaps doesn't say; where it got none, \(why)")
    }
    let found = "enabled: \(setting); \(huge >> 20) of \(trial.bytes >> 20) MiB advised and touched got them"
    if huge == trial.bytes { return Finding(what, .ok, found) }
    if facts.transparentHugePages == "never" {
      return Finding(what, .missing, found, why: why, mend: write("madvise", to: file))
    }
    // Allowed, but none were available.
    return Finding(
      what, huge == 0 ? .missing : .limited, found, why: "no free block was large enough; \(why)",
      mend: write("1", to: "/proc/sys/vm/compact_memory"))
  }
}

/// A trial of huge pages: memory is reserved, advised, touched and looked up in /proc/self/smaps.
public struct HugePageTrial: Equatable, Sendable {
  /// Bytes requested.
  public var bytes: UInt64
  /// Bytes in huge pages; nil if the system doesn't report it, or if the trial failed.
  public var hugeBytes: UInt64?
  /// Why the trial failed; nil if it didn't.
  public var refusal: String?

  public init(bytes: UInt64, hugeBytes: UInt64?, refusal: String? = nil) {
    self.bytes = bytes
    self.hugeBytes = hugeBytes
    self.refusal = refusal
  }

  /// Runs the trial with 8 MiB.
  public static func run(files: HostFiles = HostFiles()) -> HugePageTrial {
    let bytes = 8 << 20
    do throws(SystemCallError) {
      let memory = try HostMapping(bytes: bytes, page: .huge)
      memory.touch()
      let use = HugePageUse.ofMapping(around: memory.base, files: files)
      return HugePageTrial(bytes: UInt64(bytes), hugeBytes: use?.hugeBytes)
    } catch {
      return HugePageTrial(bytes: UInt64(bytes), hugeBytes: nil, refusal: "\(error)")
    }
  }
}
