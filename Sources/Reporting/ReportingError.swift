import Foundation

/// What can go wrong with the files of a run: one line that says what, where, and what would help.
public struct ReportingError: Error, Hashable, CustomStringConvertible {
  /// What kind of failure it is; decides the exit status.
  public enum Kind: Hashable, Sendable {
    /// The path given can't be meant: a folder that already holds something. Exit status 64.
    case usage
    /// A file isn't what it should be. Exit status 65.
    case input
    /// Something needed is not there, or doesn't work: a program. Exit status 69.
    case unavailable
    /// The system refused. Exit status 74.
    case io
  }

  /// What kind of failure it is.
  public var kind: Kind
  /// The file or folder.
  public var path: String
  /// The line in the file, from 1, where there is one.
  public var line: Int?
  /// What went wrong; for ``Kind/io`` what was tried and the system's reason.
  public var problem: String
  /// The system's error number, for ``Kind/io``.
  public var errno: Int32?
  /// What would help or be accepted.
  public var help: String

  /// An error of its parts.
  public init(kind: Kind, path: String, line: Int? = nil, problem: String, errno: Int32? = nil, help: String) {
    self.kind = kind
    self.path = path
    self.line = line
    self.problem = problem
    self.errno = errno
    self.help = help
  }

  /// The exit status the command line ends with: 64, 65, 69 or 74.
  public var exitStatus: Int32 {
    switch kind {
    case .usage: 64
    case .input: 65
    case .unavailable: 69
    case .io: 74
    }
  }

  /// One line: `PATH:LINE: PROBLEM; HELP`.
  public var description: String {
    let place = line.map { "\(path):\($0)" } ?? path
    return "\(place): \(problem); \(help)"
  }
}

extension ReportingError {
  /// A system call that failed with this error number.
  static func system(_ action: String, _ path: String, _ code: Int32) -> ReportingError {
    let help =
      switch code {
      case ENOSPC, EDQUOT, EFBIG: "free some space or name a folder elsewhere, then go on with --resume"
      case EACCES, EPERM, EROFS: "name a folder that may be written"
      case ENOENT: "name one that is there"
      case ENOTDIR: "name a path whose parents are all folders"
      case EWOULDBLOCK: "another process is writing this run: wait for it or end it"
      default: "check the device and the path"
      }
    return ReportingError(
      kind: .io, path: path, problem: "\(action): \(String(cString: strerror(code)))", errno: code, help: help)
  }

  /// A file that isn't what it should be.
  static func malformed(_ path: String, line: Int? = nil, _ problem: String, accepted: String) -> ReportingError {
    ReportingError(kind: .input, path: path, line: line, problem: problem, help: accepted)
  }
}
