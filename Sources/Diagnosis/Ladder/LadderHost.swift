import Machine

/// What the ladder has to know of the machine; tests make their own.
public struct LadderHost: Sendable {
  /// CPUs that may be used, ascending, at least one. The measuring thread is on the first, the other one of two on the
  /// last, which is the least likely to share the first one's core.
  public var cpus: [Int]
  /// Memory that may be taken at a time: a quarter of what is available. Bytes.
  public var memoryBytes: UInt64
  /// Nil where unknown.
  public var lastLevelCacheBytes: Int?
  /// What the mapping around an address has, as ``HugePageUse/ofMapping(around:files:)`` says it.
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

  /// This machine, as the calling thread may use it. Where nothing says how much memory is available 256 MiB are taken.
  ///
  /// - Throws: ``SystemCallError`` if the kernel doesn't tell the CPUs.
  public static func current(files: HostFiles = HostFiles()) throws(SystemCallError) -> LadderHost {
    LadderHost(
      cpus: try ThreadPlacement.allowedCPUs(),
      memoryBytes: (HostFacts.availableMemoryBytes(files: files) ?? 1 << 30) / 4,
      lastLevelCacheBytes: HostFacts.gather(files: files).lastLevelCacheBytes,
      hugePages: { HugePageUse.ofMapping(around: $0, files: files) })
  }

  /// Where the other one of two threads runs.
  ///
  /// - Throws: ``LadderError`` on a machine with one CPU.
  public func otherCPU() throws(LadderError) -> Int {
    guard let last = cpus.last, last != cpus.first else {
      throw LadderError("this process may use one CPU only, and it takes two threads at once")
    }
    return last
  }

  /// - Throws: ``LadderError`` if so many bytes are more than may be taken.
  public func check(room bytes: UInt64) throws(LadderError) {
    guard bytes <= memoryBytes else {
      throw LadderError("\(bytes) bytes are more than a quarter of the available memory, \(memoryBytes) bytes")
    }
  }
}

extension HostMapping {
  /// Whether it lies in the pages it is for. To be asked when it was touched.
  ///
  /// - Throws: ``LadderError`` if the kernel gave others, or doesn't tell.
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

/// Why rungs can't be measured here.
public struct LadderError: Error, Equatable, Sendable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}
