/// A file that a host capture left out, and why.
public struct CaptureOmission: Equatable, Sendable, CustomStringConvertible {
  public enum Reason: Equatable, Sendable {
    /// The file couldn't be read; /proc/pagetypeinfo is for root only since Linux 5.4.
    case unreadable(CaptureError)
    /// Memory moved between the readings each time; `last` is what the last attempt ended with.
    case unsteady(attempts: Int, last: CaptureError)
    /// The file was read, but can't be modelled or doesn't fit the others.
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
