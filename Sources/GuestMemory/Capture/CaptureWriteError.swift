import Glibc
import Records

/// Why a host capture wrote nothing. `description` is one line.
public enum CaptureWriteError: UserFacing, Equatable, Sendable {
  /// The host's buddyinfo can't be read, or is of a kernel that can't be modelled.
  case capture(CaptureError)
  /// A file of that name is there and not empty (or isn't a plain file); it was left as it is.
  case exists(path: String)
  /// The operation on `path` failed with this `errno`.
  case io(path: String, operation: String, code: CInt)

  /// True where the file system is at fault rather than a file's text.
  public var isIO: Bool {
    switch self {
    case .capture(let error): error.isUnreadable
    case .exists, .io: true
    }
  }

  /// An I/O error, or bad input where the host's text is at fault.
  public var failureKind: UserError.Kind { isIO ? .io : .input }

  public var description: String {
    switch self {
    case .capture(let error):
      error.description
    case .exists(let path):
      CaptureError.oneLine("\(path): not empty; expected a folder without a capture")
    case .io(let path, let operation, let code):
      CaptureError.oneLine(
        "\(path): can't \(operation): \(String(cString: strerror(code))); expected a writable folder")
    }
  }
}
