import CHost
import Glibc

/// What came of asking for huge pages once: memory is reserved, advised, touched, and looked up in /proc/self/smaps.
public struct HugePageTrial: Equatable, Sendable {
  /// Bytes asked for.
  public var bytes: UInt64
  /// Bytes that came as huge pages; nil where the system doesn't tell, or nothing could be tried.
  public var hugeBytes: UInt64?
  /// Why nothing could be tried; nil where it could.
  public var refusal: String?

  public init(bytes: UInt64, hugeBytes: UInt64?, refusal: String? = nil) {
    self.bytes = bytes
    self.hugeBytes = hugeBytes
    self.refusal = refusal
  }

  /// Tries with 8 MiB.
  public static func run(files: HostFiles = HostFiles()) -> HugePageTrial {
    let bytes = 8 << 20
    func refused(_ call: String, _ code: Int32) -> HugePageTrial {
      HugePageTrial(
        bytes: UInt64(bytes), hugeBytes: nil, refusal: SystemCallError(call: call, code: code).description)
    }
    guard let memory = chost_reserve(bytes, 2 << 20) else { return refused("mmap of \(bytes) bytes", errno) }
    defer { _ = chost_release(memory, bytes) }
    let code = chost_advise_huge(memory, bytes, true)
    guard code == 0 else { return refused("madvise(MADV_HUGEPAGE)", code) }
    // The kernel may put it beside memory that has huge pages already.
    let before = hugeBytes(around: memory, files)
    memset(memory, 1, bytes)
    chost_consume_pointer(memory)
    guard let before, let after = hugeBytes(around: memory, files) else {
      return HugePageTrial(bytes: UInt64(bytes), hugeBytes: nil)
    }
    return HugePageTrial(bytes: UInt64(bytes), hugeBytes: min(after - min(before, after), UInt64(bytes)))
  }

  /// AnonHugePages of the mapping that holds `address`. Bytes.
  static func hugeBytes(around address: UnsafeRawPointer, _ files: HostFiles) -> UInt64? {
    guard let text = files.text("/proc/self/smaps") else { return nil }
    let wanted = UInt(bitPattern: address)
    var isInside = false
    for line in text.split(separator: "\n") {
      let first = line.prefix { $0 != " " }
      let ends = first.split(separator: "-")
      if ends.count == 2, let start = UInt(ends[0], radix: 16), let end = UInt(ends[1], radix: 16) {
        isInside = (start..<max(start, end)).contains(wanted)
      } else if isInside && first == "AnonHugePages:" {
        return HostFacts.kibibytes(line.dropFirst(first.count).trimmingBlanks())
      }
    }
    return nil
  }
}
