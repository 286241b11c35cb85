import Foundation
import Testing

/// `run --against`: this build and another in turn, each launch a process.
@Suite struct AgainstTests {
  private static let words = [
    "run", "--guest", "128M", "--state", "fresh", "--strategy", "none,budgeted-resume,allocator:pages=64",
    "--repetitions", "2", "--cache",
    "warm", "--counters", "off",
  ]

  /// A baseline: a shell script that copies a run made before to where it is told, and notes its words, and how many
  /// launches each side has had.
  ///
  /// - Parameter instead: what it does first; `$calls` is the number of this call, from 1.
  private func writeBaseline(in folder: String, instead: String = "") throws {
    #expect(try Tool.run(Self.words + ["--out", "prepared"], in: folder).status == 0)
    let script = """
      #!/bin/sh
      echo "$* | $(ls cmp/base | wc -l) $(ls cmp/new | wc -l) | $(env | cksum)" >>calls
      calls=$(wc -l <calls)
      \(instead)
      for word; do out=$word; done
      cp -r prepared "$out"
      """
    try Folder.write(script, to: folder + "/old")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/old")
  }

  private func calls(_ folder: String) throws -> [String] {
    try String(contentsOfFile: folder + "/calls", encoding: .utf8).split(separator: "\n").map(String.init)
  }

  private func against(_ launches: Int, _ more: [String] = []) -> [String] {
    Self.words + ["--against", "old", "--launches", "\(launches)", "--out", "cmp"] + more
  }

  /// The folders of finished launches, each a run.
  private func launches(_ folder: String) throws -> [String] {
    let names = Folder.names(folder + "/cmp").filter { $0.hasSuffix("/meta.json") && !$0.hasPrefix("launch-") }
    let runs = names.map { String($0.dropLast("/meta.json".count)) }
    for run in runs {
      try RunFolderCheck.expectValid("\(folder)/cmp/\(run)", run)
      #expect(try RunFiles.meta("\(folder)/cmp/\(run)")["finished"] != nil, "\(run)")
    }
    return runs
  }

  @Test func aBuildIsComparedWithItself() throws {
    try Tool.withFolder { folder in
      let words = Self.words + ["--against", Tool.path, "--launches", "2", "--out", "cmp"]
      let result = try Tool.run(words, in: folder)
      #expect(result.status == 3, "two launches of each build show nothing: \(result)")
      #expect(try launches(folder) == ["base/001", "base/002", "new/001", "new/002"])
      let top = try FileManager.default.contentsOfDirectory(atPath: folder + "/cmp").sorted()
      #expect(top == ["base", "comparison.json", "comparison.md", "new"])
      #expect(result.out.contains("budgeted-resume") && result.out.contains("not-enough-data"), "\(result)")
      #expect(result.outLines.last == "Files: cmp")
      #expect(!result.err.contains("\r") && !result.err.contains("\u{1B}"))
      let json = try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(fileURLWithPath: folder + "/cmp/comparison.json")))
      #expect(((json as? [String: Any])?["rows"] as? [Any])?.isEmpty == false)

      let again = try Tool.run(["compare", "cmp/base", "cmp/new"], in: folder)
      #expect(again.status == 3, "\(again)")
    }
  }

  @Test func bothSidesTakeTurnsOnTheSameWords() throws {
    try Tool.withFolder { folder in
      try writeBaseline(in: folder)
      let result = try Tool.run(
        against(4, ["--alpha=0.05", "--metric", "scan_ns", "--min-effect", "10", "--strict"]), in: folder)
      #expect([0, 2, 3, 4].contains(result.status), "\(result)")
      let calls = try calls(folder).map { $0.components(separatedBy: " | ") }
      // A B B A A B B A: the baseline, which knows no turns, finds so many launches of either side at its calls, while
      // this build's wait for their turns.
      #expect(calls.map { $0[1] } == ["0 0", "1 0", "2 2", "3 2"])
      let words = Self.words.joined(separator: " ") + " --out cmp/launch-"
      #expect(calls.map { $0[0] } == ["1", "4", "1", "4"].map { words + $0 })
      #expect(Set(calls.map { $0[2] }).count == 1, "the environment differs between launches")
      #expect(try launches(folder).count == 8)
      for number in 1...4 {
        let words = try RunFiles.meta(folder + "/cmp/new/00\(number)")["command_line"] as? [String]
        #expect(words.map { Array($0.dropFirst()) } == Self.words + ["--out", "cmp/launch-\(number % 2 == 1 ? 2 : 3)"])
      }
    }
  }

  /// The real program under a giver of turns that counts what it is asked for.
  @Test func aLaunchAsksForATurnBeforeEachRepetition() throws {
    try Tool.withFolder { folder in
      let giver = """
        import os, socket, subprocess, sys
        line, its = socket.socketpair()
        launch = subprocess.Popen(sys.argv[1:], stdin=its, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env={**os.environ, "HINTBENCH_TURNS": "1"})
        its.close()
        rows = []
        while line.recv(1):
            path = "asked/runs.csv"
            rows.append(len(open(path).readlines()) - 1 if os.path.exists(path) else -1)
            line.send(b"x")
        print(launch.wait(), rows)
        """
      try Folder.write(giver, to: folder + "/giver.py")
      let result = try Tool.run(Self.words + ["--out", "asked"], in: folder, shell: "exec python3 giver.py \"$@\"")
      // First before there is anything of the run, then before each of its repetitions, after the one before was kept.
      #expect(result.out == "0 [-1, 0, 1, 2, 3, 4, 5]\n", "\(result)")
    }
  }

  @Test func theWordsAreCheckedBeforeAnythingIsLaunched() throws {
    try Tool.withFolder { folder in
      try writeBaseline(in: folder)
      let before = Folder.contents(folder)
      for (words, says) in [
        (["--guest", "1K"], "invalid guest size 1K"), (["--launches", "3"], "invalid --launches 3:"),
        (["--launches", "0"], "invalid --launches 0:"),
        (["--launches", "-2"], "invalid --launches -2:"), (["--launches=1000"], "invalid --launches 1000:"),
        (["--alpha", "2"], "alpha"),
        (["--metric", "nope"], "nope"), (["--resume", "prepared"], "--resume"),
      ] {
        let result = try Tool.run(Self.words + words + ["--against", "old", "--out", "cmp"], in: folder)
        #expect(result.status == 64, "\(result)")
        #expect(result.complaints.count == 1 && result.err.contains(says), "\(result)")
        #expect(Folder.contents(folder) == before, "\(words)")
      }
    }
  }

  @Test(arguments: [
    "--launches 4", "--alpha 0.05", "--metric scan_ns", "--min-effect 3", "--thresholds file", "--strict",
  ])
  func whatIsAboutAComparisonGoesWithOne(_ words: String) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run("run --quick " + words, in: folder)
      #expect(result.status == 64, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains("--against"), "\(result)")
      #expect(Folder.names(folder).isEmpty)
    }
  }

  @Test(arguments: ["nowhere", "a-folder", "a-file"]) func aBaselineThatIsNoProgramIsNotThere(_ path: String) throws {
    try Tool.withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/a-folder", withIntermediateDirectories: false)
      try Folder.write("", to: folder + "/a-file")
      let result = try Tool.run(Self.words + ["--against", path, "--out", "cmp"], in: folder)
      #expect(result.status == 69, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains("\(path): "), "\(result)")
      #expect(Folder.names(folder) == ["a-file", "a-folder"])
    }
  }

  /// What a baseline does, and what is said of it.
  struct Fault: Sendable, CustomTestStringConvertible {
    var does: String
    var status: Int32
    var says: String
    var testDescription: String { does }
  }

  static let faults = [
    Fault(
      does: "echo 'hintbench: not enough memory; accepted: less' >&2; exit 69", status: 69,
      says: "ended with exit status 69: not enough memory; accepted: less"),
    Fault(
      does: "printf 'Error: Unknown option --x\\nUsage: hintbench run\\n' >&2; exit 64", status: 64,
      says: "ended with exit status 64: Error: Unknown option --x"),
    Fault(does: "kill -9 $$", status: 70, says: "ended with signal 9, and said nothing"),
    Fault(does: "exit 1", status: 70, says: "ended with exit status 1, and said nothing"),
    Fault(does: "exit 0", status: 69, says: "exited 0 without writing a run"),
  ]

  @Test(arguments: faults) func aBaselineThatFailsAtOnceLeavesNothing(_ fault: Fault) throws {
    try Tool.withFolder { folder in
      try writeBaseline(in: folder, instead: fault.does)
      let result = try Tool.run(against(2), in: folder)
      #expect(result.status == fault.status, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains("hintbench: old: "), "\(result)")
      #expect(result.err.contains(fault.says), "\(result)")
      #expect(result.out.isEmpty)
      #expect(!FileManager.default.fileExists(atPath: folder + "/cmp"))
    }
  }

  @Test func whatWasFinishedBeforeALaunchFailedIsKept() throws {
    try Tool.withFolder { folder in
      try writeBaseline(in: folder, instead: "[ $calls -lt 2 ] || exit 74")
      let result = try Tool.run(against(2), in: folder)
      #expect(result.status == 74, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains("old: launch 4 of 4"), "\(result)")
      // Those of this build were waiting for their turns, and have left nothing.
      #expect(try launches(folder) == ["base/001"])
      #expect(Folder.names(folder + "/cmp").allSatisfy { !$0.hasPrefix("launch-") })
    }
  }

  @Test func aBaselineOfAnotherFormIsRefused() throws {
    try Tool.withFolder { folder in
      try writeBaseline(
        in: folder, instead: "sed -i 's/\"schema_version\" : [0-9]*/\"schema_version\" : 999/' prepared/meta.json")
      let result = try Tool.run(against(2), in: folder)
      #expect(result.status == 65, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains("cmp/base/001/meta.json"), "\(result)")
    }
  }

  @Test func aFolderThatHoldsSomethingIsLeftAlone() throws {
    try Tool.withFolder { folder in
      try writeBaseline(in: folder)
      try FileManager.default.createDirectory(atPath: folder + "/cmp", withIntermediateDirectories: false)
      try Folder.write("mine", to: folder + "/cmp/notes")
      let before = Folder.contents(folder)
      let result = try Tool.run(against(2), in: folder)
      #expect(result.status == 64, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains("isn't empty"), "\(result)")
      #expect(Folder.contents(folder) == before)
    }
  }

  @Test func aDryRunSaysHowManyLaunches() throws {
    try Tool.withFolder { folder in
      try writeBaseline(in: folder)
      let before = Folder.contents(folder)
      let result = try Tool.run(against(6, ["--dry-run"]), in: folder)
      #expect(result.status == 0, "\(result)")
      #expect(result.out.contains("3 cells x 2 repetitions = 6, in each of 2 x 6 launches"), "\(result)")
      #expect(Folder.contents(folder) == before)
    }
  }

  private static let all =
    "record-unused-pages,budgeted-resume,step-iterator,walk-callback,free-list-fixed-buffer,free-list-proportional-buffer,"
    + "free-list-multi-buffer,pluck-buffer,alloc-max-order,bitmap-hinting,page-reporting-boundary,page-reporting"

  /// Ten launches of each build can decide over 38 cells: with more none of them could be called worse.
  @Test(arguments: [
    ("--guest 128M --state fresh", 10), ("--guest 128M,256M,512M,1G --state fresh", 12),
    ("--guest 128M --state fresh --alpha 0.0001", 14),
    ("--guest 128M,256M,512M,1G --state fresh --counters simulated", 10),
    ("--guest 128M --state fresh --metric guest_cpu_ns,ms_per_tib", 10),
    ("--guest 128M,256M --state fresh --metric guest_cpu_ns,ms_per_tib", 12),
  ])
  func asManyLaunchesAsTheCellsNeed(_ words: String, _ launches: Int) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run("run --dry-run --against \(Tool.path) --strategy \(Self.all) " + words, in: folder)
      #expect(result.status == 0 && result.out.contains("in each of 2 x \(launches) launches"), "\(result)")
    }
  }

  @Test func aKillTakesTheLaunchWithItAndLeavesTheFinishedOnes() throws {
    try Tool.withFolder { folder in
      try writeBaseline(
        in: folder, instead: "if [ $calls -gt 1 ]; then echo $$ >pid.new; mv pid.new pid; exec sleep 1000; fi")
      let call = try Tool.start(against(2), in: folder)
      defer { call.kill() }
      while call.isRunning, !FileManager.default.fileExists(atPath: folder + "/pid") { usleep(2000) }
      let pid = try #require(
        Int32(String(contentsOfFile: folder + "/pid", encoding: .utf8).trimmingCharacters(in: .newlines)))
      #expect(call.isRunning && Glibc.kill(pid, 0) == 0, "the launch doesn't run: the test shows nothing")
      call.kill()
      #expect(try call.end().wasKilled)
      // Nobody's child any more, it is gone as soon as the kernel and init have got round to it.
      for _ in 0..<10_000 where Self.runs(pid) { usleep(2000) }
      #expect(!Self.runs(pid))
      #expect(try launches(folder) == ["base/001"])
    }
  }

  /// Whether a process runs; one that nobody has waited for doesn't.
  private static func runs(_ pid: Int32) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
    return text.split(separator: ")").last?.split(separator: " ").first != "Z"
  }
}
