import Foundation

/// The state of a git working tree.
public struct SourceRevision: Equatable, Codable, Sendable {
  /// The full hash of the checked-out commit.
  public var commit: String
  /// The branch; nil if HEAD is detached.
  public var branch: String?
  /// Whether anything differs from the commit, untracked files that aren't ignored included.
  public var isDirty: Bool

  public init(commit: String, branch: String?, isDirty: Bool) {
    self.commit = commit
    self.branch = branch
    self.isDirty = isDirty
  }

  /// The working tree that this program was built in; nil as for ``ofProgram(at:)``.
  public static var ofThisProgram: SourceRevision? {
    ofProgram(at: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")
  }

  /// The working tree that a program was built in by `swift build`; nil if there is none, or if the program isn't where
  /// it was built (.build.../release or debug): the commit of a copy kept in a tree, such as a last good build, is
  /// unknown.
  static func ofProgram(at path: String) -> SourceRevision? {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    let isBuilt =
      ["release", "debug"].contains(folder.lastPathComponent)
      && folder.pathComponents.contains { $0.hasPrefix(".build") }
    return isBuilt ? containing(folder.path) : nil
  }

  /// The working tree that contains `path`, a file or a directory; nil if there is none, if it has no commit, or if git
  /// is missing.
  public static func containing(_ path: String) -> SourceRevision? {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return nil }
    let directory = isDirectory.boolValue ? path : URL(fileURLWithPath: path).deletingLastPathComponent().path
    // Within a git hook these point to another tree.
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
