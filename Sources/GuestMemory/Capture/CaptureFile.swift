/// The three /proc files that a capture is made of.
public enum CaptureFile: String, CaseIterable, Sendable {
  case buddyinfo
  case pagetypeinfo
  case zoneinfo

  /// The name under /proc.
  public var procName: String { rawValue }
  /// The name in a captured directory.
  public var fileName: String { rawValue + ".txt" }
}
