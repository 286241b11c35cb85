import Machine

/// The machine as the ladder sees it; tests make their own.
public struct LadderHost: Sendable {
  /// The usable CPUs, ascending, at least one. The measuring thread runs on the first; a second thread runs on the
  /// last, which is the least likely to share the first one's core.
  public var cpus: [Int]
  /// The memory that may be used at a time: a quarter of what is available. Bytes.
  public var memoryBytes: UInt64
  /// The last-level cache; nil if unknown. Bytes.
  public var lastLevelCacheBytes: Int?
  /// The huge pages of the mapping around an address, as in ``HugePageUse/ofMapping(around:files:)``.
  public var hugePages: @Sendable (UnsafeRawPointer) -> HugePageUse?

  public init(
    cpus: [Int], memoryBytes: UInt64, lastLevelCacheBytes: Int?,
    hugePages: @escaping @Sendable (UnsafeRawPointer) -> HugePageUse?
  ) {
    self.cpus = cpus
    self.memoryBytes = memoryBytes
    self.lastLevelCacheBytes = lastLevelCacheBytes
    self.hugePages = hugePages
  }

  /// Returns this machine, as far as the calling thread may use it. If the available memory is unknown, 256 MiB are
  /// used.
  ///
  /// - Throws: ``SystemCallError`` if the kernel doesn't report the CPUs.
  public static func current(files: HostFiles = HostFiles()) throws(SystemCallError) -> LadderHost {
    LadderHost(
      cpus: try ThreadPlacement.allowedCPUs(),
      memoryBytes: (HostFacts.availableMemoryBytes(files: files) ?? 1 << 30) / 4,
      lastLevelCacheBytes: HostFacts.gather(files: files).lastLevelCacheBytes,
      hugePages: { HugePageUse.ofMapping(around: $0, files: files) })
  }

  /// The CPU of the second thread.
  ///
  /// - Throws: ``LadderError`` on a machine with one CPU.
  public func otherCPU() throws(LadderError) -> Int {
    guard let last = cpus.last, last != cpus.first else {
      throw LadderError("this process may use one CPU only, and it takes two threads at once")
    }
    return last
  }

  /// - Throws: ``LadderError`` if `bytes` is more than may be used.
  public func check(room bytes: UInt64) throws(LadderError) {
    guard bytes <= memoryBytes else {
      throw LadderError("\(bytes) bytes are more than a quarter of the available memory, \(memoryBytes) bytes")
    }
  }
}

extension HostMapping {
  /// Checks that the memory is in pages of the expected size. Call it after touching the memory.
  ///
  /// - Throws: ``LadderError`` if the kernel gave other pages, or doesn't report them.
  func checkPages(_ host: LadderHost) throws(LadderError) {
    guard page == .huge else { return }
    guard let use = host.hugePages(base) else {
      throw LadderError("/proc/self/smaps doesn't tell whether memory lies in huge pages")
    }
    guard use.isWhole else {
      throw LadderError(
        "the kernel put \(use.hugeBytes) of \(use.anonymousBytes) bytes into huge pages, though all were requested "
          + "(/sys/kernel/mm/transparent_hugepage/enabled, or no free memory in one piece)")
    }
  }
}

/// Why rungs can't be measured on this machine.
public struct LadderError: Error, Equatable, Sendable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}
