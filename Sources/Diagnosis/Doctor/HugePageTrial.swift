import Machine

/// What came of asking for huge pages once: memory is reserved, advised, touched, and looked up in /proc/self/smaps.
public struct HugePageTrial: Equatable, Sendable {
  /// Bytes asked for.
  public var bytes: UInt64
  /// Bytes that came as huge pages; nil if the system doesn't tell, or nothing could be tried.
  public var hugeBytes: UInt64?
  /// Why nothing could be tried; nil if it could.
  public var refusal: String?

  public init(bytes: UInt64, hugeBytes: UInt64?, refusal: String? = nil) {
    self.bytes = bytes
    self.hugeBytes = hugeBytes
    self.refusal = refusal
  }

  /// Tries with 8 MiB.
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
