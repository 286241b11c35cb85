import Glibc

/// A search path for programs.
public struct ProgramPath: Sendable {
  private let folders: [String]

  /// Creates a search path. `path`: as in PATH, colon-separated; nil: this process's PATH or, if unset, /bin and
  /// /usr/bin, as in the C library.
  public init(_ path: String? = nil) {
    let text = path ?? getenv("PATH").map { String(cString: $0) } ?? "/bin:/usr/bin"
    folders = text.split(separator: ":").map(String.init)
  }

  /// The first executable program of this name, or the one at this path; nil if there is none.
  public func find(_ name: String) -> String? {
    let places = name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
    return places.first { path in
      var status = stat()
      return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
  }
}
