import Foundation

/// An error whose description can be shown to the user unchanged, in one line.
public protocol UserFacing: Error, CustomStringConvertible {
  /// The kind of failure, which decides the exit status.
  var failureKind: UserError.Kind { get }
}

/// Why a request failed, in one line: what, where, and what was expected.
public struct UserError: UserFacing, Hashable, Sendable {
  /// What kind of failure it is; the raw value is the exit status (sysexits.h).
  public enum Kind: Int32, Sendable {
    /// Invalid arguments, or an unusable path.
    case usage = 64
    /// An input file is invalid.
    case input = 65
    /// Something needed is missing: memory, a program.
    case unavailable = 69
    /// A bug in this program.
    case fault = 70
    /// A system call failed: a file couldn't be read or written.
    case io = 74

    /// The exit status of the command line.
    public var exitStatus: Int32 { rawValue }
  }

  /// What kind of failure it is.
  public var kind: Kind
  /// The file or folder, if the error concerns one that ``problem`` doesn't name.
  public var path: String?
  /// The line in the file, from 1, if there is one.
  public var line: Int?
  /// What went wrong; for a system call, the action and the system's reason.
  public var problem: String
  /// The system's error number, if a system call failed.
  public var errno: Int32?
  /// The fix or the expected input, if ``problem`` doesn't contain it.
  public var help: String?

  /// Creates an error with a complete text.
  public init(_ kind: Kind, _ problem: String) {
    self.kind = kind
    self.problem = problem
  }

  /// Creates an error about a file or folder.
  public init(kind: Kind, path: String, line: Int? = nil, problem: String, errno: Int32? = nil, help: String) {
    self.init(kind, problem)
    self.path = path
    self.line = line
    self.errno = errno
    self.help = help
  }

  /// The same as ``kind``.
  public var failureKind: Kind { kind }

  /// The exit status of the command line: 64, 65, 69, 70 or 74.
  public var exitStatus: Int32 { kind.exitStatus }

  /// One line: `PATH:LINE: PROBLEM; HELP`, as far as known.
  public var description: String {
    let place = path.map { "\($0)\(line.map { ":\($0)" } ?? ""): " } ?? ""
    return place + problem + (help.map { "; \($0)" } ?? "")
  }
}

extension UserError {
  /// Invalid arguments.
  public static func usage(_ text: String) -> UserError { UserError(.usage, text) }

  /// An invalid input file.
  public static func input(file: String, line: Int? = nil, _ problem: String, accepted: String) -> UserError {
    UserError(kind: .input, path: file, line: line, problem: problem, help: accepted)
  }

  /// A failed system call, with its errno.
  public static func system(_ action: String, _ path: String, _ code: Int32) -> UserError {
    let help =
      switch code {
      case ENOSPC, EDQUOT, EFBIG: "free some space, then continue with --resume; or use a folder on another file system"
      case EACCES, EPERM, EROFS: "use a writable folder"
      case ENOENT: "name one that is there"
      case ENOTDIR: "name a path whose parents are all folders"
      case EWOULDBLOCK: "another process is writing this run; wait for it, or stop it"
      default: "check the device and the path"
      }
    return UserError(
      kind: .io, path: path, problem: "\(action): \(String(cString: strerror(code)))", errno: code, help: help)
  }
}
