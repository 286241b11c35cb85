import Glibc

/// Where programs are looked for.
public struct ProgramPath: Sendable {
  private let folders: [String]

  /// `path`: as in PATH, folders with colons between them; nil: what PATH is here, or /usr/bin and /bin where it isn't
  /// set, as the C library has it.
  public init(_ path: String? = nil) {
    let text = path ?? getenv("PATH").map { String(cString: $0) } ?? "/bin:/usr/bin"
    folders = text.split(separator: ":").map(String.init)
  }

  /// The first program of this name that may be run, or the one at this path; nil if there is none.
  public func find(_ name: String) -> String? {
    let places = name.contains("/") ? [name] : folders.map { "\($0)/\(name)" }
    return places.first { path in
      var status = stat()
      return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
  }
}
