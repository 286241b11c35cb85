import Machine

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
