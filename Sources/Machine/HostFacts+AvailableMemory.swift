extension HostFacts {
  /// How much more memory this process may use: the lowest of the machine's MemAvailable and the rest in each memory
  /// cgroup around it (version 1 or 2), where reclaimable file pages count as free. Bytes; nil if neither is known.
  public static func availableMemoryBytes(files: HostFiles = HostFiles()) -> UInt64? {
    let machine = files.value(of: "MemAvailable", in: "/proc/meminfo").flatMap(kibibytes)
    return ([machine].compactMap { $0 } + controlGroupsLeft(files: files)).min()
  }

  private static func controlGroupsLeft(files: HostFiles) -> [UInt64] {
    var left: [UInt64] = []
    for line in (files.text("/proc/self/cgroup") ?? "").split(separator: "\n") {
      // hierarchy:controllers:path; version 2 has hierarchy 0 and no controllers.
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let path = String(fields[2])
      if fields[1].isEmpty {
        for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
          left += groups(mount: mount, path: path).compactMap { group in
            remaining(group, limit: "memory.max", used: "memory.current", droppable: "inactive_file", files: files)
          }
        }
      } else if fields[1].split(separator: ",").contains("memory") {
        left += groups(mount: "/sys/fs/cgroup/memory", path: path).compactMap { group in
          remaining(
            group, limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", droppable: "total_inactive_file",
            files: files)
        }
      }
    }
    return left
  }

  /// The cgroup's directory and those of its ancestors. In a container the path may not exist below the mount; then the
  /// mount itself is the cgroup.
  private static func groups(mount: String, path: String) -> [String] {
    var groups = [mount]
    for component in path.split(separator: "/") where component != ".." {
      groups.append(groups[groups.count - 1] + "/" + component)
    }
    return groups
  }

  private static func remaining(
    _ group: String, limit: String, used: String, droppable: String, files: HostFiles
  ) -> UInt64? {
    guard let limit = files.integer("\(group)/\(limit)"), let used = files.integer("\(group)/\(used)") else {
      return nil
    }
    let statistic = (files.text("\(group)/memory.stat") ?? "").split(separator: "\n")
      .first { $0.hasPrefix(droppable + " ") }
    let cached = statistic.flatMap { Int($0.dropFirst(droppable.count + 1)) } ?? 0
    return UInt64(max(0, limit - max(0, used - cached)))
  }
}
