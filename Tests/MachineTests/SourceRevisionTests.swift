import Foundation
import TestSupport
import Testing

@testable import Machine

@Suite struct SourceRevisionTests {
  /// Runs git in `directory`; whether it ended well.
  @discardableResult
  private func git(_ directory: String, _ arguments: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["git", "-C", directory, "-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
      + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  @Test func outsideATreeThereIsNone() throws {
    let tree = try FakeTree(["/file": ""])
    #expect(SourceRevision.containing(tree.path) == nil)
    #expect(SourceRevision.containing(tree.path + "/file") == nil)
    #expect(SourceRevision.containing(tree.path + "/absent") == nil)
  }

  @Test func aProgramThatWasPutIntoATreeIsOfNoCommitThatAnybodyKnows() throws {
    let tree = try FakeTree([
      "/.gitignore": ".build*\nkept\n", "/.build-static/release/program": "", "/.build-kept/program": "",
      "/kept/program": "",
    ])
    try #require(git(tree.path, "init", "-q"), "git is needed for this test")
    git(tree.path, "add", "-A")
    git(tree.path, "commit", "-q", "-m", "first")
    let commit = try #require(SourceRevision.containing(tree.path)?.commit)
    #expect(SourceRevision.ofProgram(at: tree.path + "/.build-static/release/program")?.commit == commit)
    for copy in ["/kept/program", "/.build-kept/program"] {
      #expect(SourceRevision.ofProgram(at: tree.path + copy) == nil, "\(copy)")
    }
    #expect(SourceRevision.ofProgram(at: "") == nil)
  }

  @Test func aTreeTellsCommitBranchAndChanges() throws {
    let tree = try FakeTree(["/sub/file": "one\n"])
    try #require(git(tree.path, "init", "-q"), "git is needed for this test")
    #expect(SourceRevision.containing(tree.path) == nil, "no commit yet")
    git(tree.path, "checkout", "-q", "-b", "work")
    git(tree.path, "add", "-A")
    git(tree.path, "commit", "-q", "-m", "first")

    let clean = try #require(SourceRevision.containing(tree.path + "/sub/file"))
    #expect(clean.commit.count >= 40 && clean.commit.allSatisfy(\.isHexDigit))
    #expect(clean.branch == "work")
    #expect(!clean.isDirty)

    try Data("two\n".utf8).write(to: URL(fileURLWithPath: tree.path + "/other"))
    let dirty = try #require(SourceRevision.containing(tree.path))
    #expect(dirty.commit == clean.commit)
    #expect(dirty.isDirty)

    git(tree.path, "checkout", "-q", "--detach")
    #expect(SourceRevision.containing(tree.path)?.branch == nil)
    #expect(SourceRevision.containing(tree.path)?.commit == clean.commit)
  }
}
