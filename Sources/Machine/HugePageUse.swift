/// How much of a mapping lies in huge pages.
public struct HugePageUse: Equatable, Sendable {
  /// Anonymous memory that is there.
  public var anonymousBytes: UInt64
  /// What of it is in huge pages.
  public var hugeBytes: UInt64

  public init(anonymousBytes: UInt64, hugeBytes: UInt64) {
    self.anonymousBytes = anonymousBytes
    self.hugeBytes = hugeBytes
  }

  /// Whether all of it is, but for what a mapping's odd end is.
  public var isWhole: Bool { anonymousBytes > 0 && anonymousBytes - min(hugeBytes, anonymousBytes) < 2 << 20 }

  /// Of this process's mapping around an address, by /proc/self/smaps; nil if that doesn't tell.
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

  /// The addresses of a mapping's first line, `7f12a000-7f12b000 rw-p ...`; nil of any other line.
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
