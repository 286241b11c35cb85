/// What `HostCapture.write(to:)` did.
public struct CaptureWriteResult: Equatable, Sendable {
  /// The paths of the files written; buddyinfo is always among them.
  public var written: [CaptureFile: String]
  /// The files left out.
  public var omitted: [CaptureOmission]
  /// How often the files were read until they agreed, 1...`HostCapture.maximumAttempts`.
  public var attempts: Int
  /// What the written files hold: `Capture.read` of them gives the same.
  public var capture: Capture

  public init(
    written: [CaptureFile: String], omitted: [CaptureOmission], attempts: Int, capture: Capture
  ) {
    self.written = written
    self.omitted = omitted
    self.attempts = attempts
    self.capture = capture
  }
}
