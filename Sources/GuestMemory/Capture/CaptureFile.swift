/// The three /proc files of a capture.
public enum CaptureFile: String, CaseIterable, Sendable {
  case buddyinfo
  case pagetypeinfo
  case zoneinfo

  /// The name under /proc.
  public var procName: String { rawValue }
  /// The name in a capture directory.
  public var fileName: String { rawValue + ".txt" }
}
