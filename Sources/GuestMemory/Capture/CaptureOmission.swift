/// A file that a host capture left out, and why.
public struct CaptureOmission: Equatable, Sendable, CustomStringConvertible {
  public enum Reason: Equatable, Sendable {
    /// The file couldn't be read; since Linux 5.4 only root may read /proc/pagetypeinfo.
    case unreadable(CaptureError)
    /// Memory changed between the readings in every attempt; `last` is the last attempt's error.
    case unsteady(attempts: Int, last: CaptureError)
    /// The file was read but can't be modelled, or contradicts the others.
    case refused(CaptureError)
  }

  public var file: CaptureFile
  public var reason: Reason

  public init(file: CaptureFile, reason: Reason) {
    self.file = file
    self.reason = reason
  }

  /// One line.
  public var description: String {
    switch reason {
    case .unreadable(let error): "\(file.fileName) not written: \(error)"
    case .refused(let error): "\(file.fileName) not written: \(error)"
    case .unsteady(let attempts, let last):
      "\(file.fileName) not written: memory moved in each of \(attempts) attempts; the last: \(last)"
    }
  }
}
