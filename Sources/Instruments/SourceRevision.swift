import Foundation

/// The state of a git working tree.
public struct SourceRevision: Equatable, Codable, Sendable {
  /// Full hash of the commit checked out.
  public var commit: String
  /// The branch; nil where the head is detached.
  public var branch: String?
  /// Whether anything differs from the commit, untracked files that git doesn't ignore included.
  public var isDirty: Bool

  public init(commit: String, branch: String?, isDirty: Bool) {
    self.commit = commit
    self.branch = branch
    self.isDirty = isDirty
  }

  /// The working tree that this program lies in, as one built by `swift build` does; nil as below.
  public static var ofThisProgram: SourceRevision? {
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return containing(URL(fileURLWithPath: program).deletingLastPathComponent().path)
  }

  /// The working tree that holds `path`, a file or a directory; nil where there is none, it has no commit yet, or git
  /// is not there.
  public static func containing(_ path: String) -> SourceRevision? {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return nil }
    let directory = isDirectory.boolValue ? path : URL(fileURLWithPath: path).deletingLastPathComponent().path
    // Inside a git hook these lead to another tree than the path's.
    let misleading = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"]
    var environment = ProcessInfo.processInfo.environment.filter { !misleading.contains($0.key) }
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    func git(_ arguments: String...) -> String? {
      let output = CommandOutput.of(["git", "-C", directory] + arguments, environment: environment)
      return output.map { Substring($0).trimmingBlanks() }
    }
    guard let commit = git("rev-parse", "--verify", "--quiet", "HEAD"), !commit.isEmpty,
      let changes = git("status", "--porcelain")
    else { return nil }
    return SourceRevision(
      commit: commit, branch: git("symbolic-ref", "--short", "-q", "HEAD"), isDirty: !changes.isEmpty)
  }
}
