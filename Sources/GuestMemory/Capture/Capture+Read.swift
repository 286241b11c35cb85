extension Capture {
  /// Reads a capture from files; see ``CaptureReading/init(_:goesOn:)`` for what is accepted.
  ///
  /// - Throws: `CaptureError`, of kind `.unreadable` if a file can't be opened or read.
  public static func read(
    buddyinfo: String, pagetypeinfo: String? = nil, zoneinfo: String? = nil
  ) throws(CaptureError) -> Capture {
    try Capture(
      buddyinfo: try CaptureText.load(buddyinfo),
      pagetypeinfo: try pagetypeinfo.map { path throws(CaptureError) in try CaptureText.load(path) },
      zoneinfo: try zoneinfo.map { path throws(CaptureError) in try CaptureText.load(path) })
  }

  /// Reads a capture from text; see ``CaptureReading/init(_:goesOn:)`` for what is accepted.
  ///
  /// - Throws: `.inconsistent` if files contradict one another, otherwise `.malformed`.
  public init(
    buddyinfo: CaptureText?, pagetypeinfo: CaptureText? = nil, zoneinfo: CaptureText? = nil
  ) throws(CaptureError) {
    let texts = CaptureReading.Texts(buddyinfo: buddyinfo, pagetypeinfo: pagetypeinfo, zoneinfo: zoneinfo)
    self = try CaptureReading(texts).capture
  }
}
