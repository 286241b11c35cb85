/// The result of `HostCapture.write(to:)`.
public struct CaptureWriteResult: Equatable, Sendable {
  /// The paths of the files written; always includes buddyinfo.
  public var written: [CaptureFile: String]
  /// The files left out.
  public var omitted: [CaptureOmission]
  /// The number of readings until the files agreed, 1...`HostCapture.maximumAttempts`.
  public var attempts: Int
  /// The written capture; `Capture.read` of the files returns the same.
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
