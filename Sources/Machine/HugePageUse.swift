/// How much of a mapping is in huge pages.
public struct HugePageUse: Equatable, Sendable {
  /// Populated anonymous memory. Bytes.
  public var anonymousBytes: UInt64
  /// The part of it in huge pages. Bytes.
  public var hugeBytes: UInt64

  public init(anonymousBytes: UInt64, hugeBytes: UInt64) {
    self.anonymousBytes = anonymousBytes
    self.hugeBytes = hugeBytes
  }

  /// Whether all of it is in huge pages, except at a mapping's unaligned end.
  public var isWhole: Bool { anonymousBytes > 0 && anonymousBytes - min(hugeBytes, anonymousBytes) < 2 << 20 }

  /// The use of this process's mapping around an address, from /proc/self/smaps; nil if not reported.
  public static func ofMapping(around address: UnsafeRawPointer, files: HostFiles = HostFiles()) -> HugePageUse? {
    let wanted = UInt(bitPattern: address)
    var isAround = false
    var anonymous: UInt64?
    for line in (files.text("/proc/self/smaps") ?? "").split(separator: "\n") {
      if let range = Self.range(line) {
        if isAround { return nil }
        isAround = range.contains(wanted)
      } else if isAround {
        if line.hasPrefix("Anonymous:") { anonymous = kibibytes(line) }
        if line.hasPrefix("AnonHugePages:") {
          guard let anonymous, let huge = kibibytes(line) else { return nil }
          return HugePageUse(anonymousBytes: anonymous, hugeBytes: huge)
        }
      }
    }
    return nil
  }

  /// The addresses in a mapping's first line, `7f12a000-7f12b000 rw-p ...`; nil for any other line.
  private static func range(_ line: Substring) -> Range<UInt>? {
    guard let first = line.split(separator: " ", maxSplits: 1).first else { return nil }
    let ends = first.split(separator: "-").map { UInt($0, radix: 16) }
    guard ends.count == 2, let from = ends[0], let to = ends[1], from <= to else { return nil }
    return from..<to
  }

  private static func kibibytes(_ line: Substring) -> UInt64? {
    line.firstIndex(of: ":").flatMap { HostFacts.kibibytes(line[line.index(after: $0)...].trimmingBlanks()) }
  }
}
