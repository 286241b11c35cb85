import Glibc
import Records

/// Why a host capture wrote nothing. `description` is one line.
public enum CaptureWriteError: UserFacing, Equatable, Sendable {
  /// The host's buddyinfo can't be read or modelled.
  case capture(CaptureError)
  /// A file of that name exists and isn't empty (or isn't a plain file); it was left unchanged.
  case exists(path: String)
  /// The operation on `path` failed with this `errno`.
  case io(path: String, operation: String, code: CInt)

  /// Whether this is an I/O error, rather than a file's text being wrong.
  public var isIO: Bool {
    switch self {
    case .capture(let error): error.isUnreadable
    case .exists, .io: true
    }
  }

  /// An I/O error, or bad input if the host's text is wrong.
  public var failureKind: UserError.Kind { isIO ? .io : .input }

  public var description: String {
    switch self {
    case .capture(let error):
      error.description
    case .exists(let path):
      CaptureError.oneLine("\(path): not empty; expected a new file, or a folder without a capture")
    case .io(let path, let operation, let code):
      CaptureError.oneLine(
        "\(path): can't \(operation): \(String(cString: strerror(code))); expected a writable folder")
    }
  }
}
