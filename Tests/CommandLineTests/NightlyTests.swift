import Foundation
import Glibc
import Testing

/// `Scripts/nightly` with the real program, night after night on one small guest.
@Suite(.enabled(if: !Tool.isSanitized, "valgrind can't run what a sanitizer was built into"))
struct NightlyTests {
  private static let script =
    URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path + "/Scripts/nightly"

  private static let matrix = """
    {"experiments": ["scan"], "repetitions": 2,
     "groups": [{"guests": ["128M"], "states": ["fresh"], "strategies": ["none", "step-iterator"]}]}
    """

  /// The script's exit status and what it says, on standard error as well.
  private func night(_ words: String, in folder: String) throws -> (status: Int32, text: String) {
    try shell("'\(Self.script)' \(words)", in: folder)
  }

  private func shell(_ line: String, in folder: String) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "{ \(line); } >'\(folder)/words' 2>&1"]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(["HINTBENCH_ALLOW_DEBUG": "1"]) { $1 }
    try process.run()
    process.waitUntilExit()
    return (process.terminationStatus, try String(contentsOfFile: folder + "/words", encoding: .utf8))
  }

  private func nights(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder + "/kept").filter { $0.first == "2" }.sorted()
  }

  @Test func nightsAreKeptCheckedAndReported() throws {
    try Tool.withFolder { folder in
      try Folder.write(Self.matrix, to: folder + "/matrix.json")
      let words = "--config matrix.json --hintbench '\(Tool.path)' --folder kept --no-against"
      let first = try night(words, in: folder)
      #expect(first.status == 3, "no night before it: \(first.text)")
      let second = try night(words, in: folder)
      #expect(second.status == 3, "times have too few nights before them: \(second.text)")
      let names = try nights(folder)
      #expect(names.count == 2)
      let counts = try String(contentsOfFile: "\(folder)/kept/\(names[1])/counts.txt", encoding: .utf8)
      #expect(counts.contains("instructions") && counts.contains("same"), "\(counts)")
      for name in names {
        let page = try String(contentsOfFile: "\(folder)/kept/\(name)/run/report.html", encoding: .utf8)
        #expect(page.contains("step-iterator"))
      }
      #expect(FileManager.default.contentsEqual(atPath: folder + "/kept/good/hintbench", andPath: Tool.path))

      // A build of two per cent more instructions.
      try Folder.write(
        """
        #!/bin/bash
        # A build of more instructions than the one it calls.
        '\(Tool.path)' "$@" || exit
        if [ "$1" = run ]; then
          while [ "$1" != --out ]; do shift; done
          awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "instructions") column = i }
            NR > 1 { $column = int($column * 1.02) } { print }' "$2/runs.csv" >"$2/new" && mv "$2/new" "$2/runs.csv"
        fi
        """, to: folder + "/slower")
      chmod(folder + "/slower", 0o755)
      let good = try Data(contentsOf: URL(fileURLWithPath: folder + "/kept/good/hintbench")).count
      let slower = try night(words.replacingOccurrences(of: Tool.path, with: folder + "/slower"), in: folder)
      #expect(slower.status == 2, "\(slower.text)")
      #expect(slower.text.contains("worse"))
      let kept = try Data(contentsOf: URL(fileURLWithPath: folder + "/kept/good/hintbench")).count
      #expect(kept == good, "a build that got worse isn't what later ones are compared with")
    }
  }

  /// With a program that only ends as it is told to.
  @Test func theNextNightsAreComparedWithTheLastGoodBuild() throws {
    try Tool.withFolder { folder in
      for name in ["one", "two"] {
        try Folder.write(
          """
          #!/bin/bash
          # \(name)
          case "$*" in *--against*) exit ${AGAINST:-0} ;; "history check"*) eval "$DURING"; exit ${CHECK:-0} ;; esac
          """, to: "\(folder)/\(name)")
        chmod("\(folder)/\(name)", 0o755)
      }
      /// The verdict of a night of this build, and the build that is good after it.
      func night(_ build: String, _ settings: String = "", _ words: String = "") throws -> [String] {
        // A second has one night.
        let line = "sleep 1; \(settings) '\(Self.script)' --hintbench ./\(build) --folder kept \(words)"
        let status = try shell(line, in: folder).status
        let good = try String(contentsOfFile: folder + "/kept/good/hintbench", encoding: .utf8)
        return ["\(status)", good.contains("# one") ? "one" : "two"]
      }
      #expect(try night("one") == ["0", "one"])
      #expect(try night("two", "AGAINST=2") == ["2", "one"])
      #expect(try night("two", "AGAINST=2", "--accept") == ["2", "two"])
      // It doesn't know the matrix's words, or has other files.
      #expect(try night("one", "AGAINST=65") == ["65", "one"])
      #expect(try night("two", "AGAINST=64 CHECK=2") == ["64", "one"])
      #expect(try night("two", "AGAINST=69") == ["69", "one"])
      #expect(try night("two") == ["0", "two"])
      // Another build lies there before the night is over.
      #expect(try night("one", "DURING='echo >>one'") == ["0", "two"])
    }
  }

  @Test func whatIsMissingEndsTheNightWithItsStatus() throws {
    try Tool.withFolder { folder in
      #expect(try night("--hintbench nowhere --folder kept", in: folder).status == 69)
      #expect(try night("--unknown", in: folder).status == 64)
      for launches in ["5", "0", "-2", "1000", "many"] {
        let result = try night("--hintbench '\(Tool.path)' --folder kept --launches \(launches)", in: folder)
        #expect(result.status == 64 && result.text.contains("even number from 2 to 998"), "\(launches): \(result.text)")
      }
      try Folder.write("{", to: folder + "/broken.json")
      let words = "--config broken.json --hintbench '\(Tool.path)' --folder kept"
      let broken = try night(words, in: folder)
      #expect(broken.status == 65, "\(broken.text)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/kept/good/hintbench"))
      // While another night holds the folder's lock.
      let held = try shell("exec 8>kept/lock; flock 8; '\(Self.script)' \(words)", in: folder)
      #expect(held.status == 74 && held.text.contains("still active"), "\(held.text)")
    }
  }

  @Test func aKilledNightLeavesAHistoryThatTheNextOneGoesOnWith() throws {
    try Tool.withFolder { folder in
      try Folder.write(Self.matrix, to: folder + "/matrix.json")
      let words = "--config matrix.json --hintbench '\(Tool.path)' --folder kept --no-against"
      _ = try night(words, in: folder)
      // All of its processes, as a machine that goes down would.
      _ = try shell("set -m; '\(Self.script)' \(words) & sleep 1; kill -KILL -- -$!; wait", in: folder)
      let next = try night(words, in: folder)
      #expect(next.status == 3, "\(next.text)")
      let list = try Tool.run("history list --history kept/history.sqlite", in: folder)
      #expect(list.status == 0 && list.outLines.contains { $0.contains("scan") }, "\(list)")
    }
  }
}
