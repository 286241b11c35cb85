import Foundation
import Testing

/// Where a run's files go, and what happens where they can't.
@Suite struct OutputFolderTests {
  static let small = [
    "run", "--guest", "128M", "--state", "fresh", "--strategy", "none,budgeted-resume,allocator:pages=64",
    "--repetitions", "2", "--cache",
    "warm", "--counters", "off",
  ]

  /// Not even root can make a folder below a file or in /proc.
  @Test(arguments: ["file/below", "file", "/dev/full", "/dev/full/below", "/proc/hintbench/run", "/proc/version/run"])
  func aFolderThatCannotBeMadeIsAnIOError(_ out: String) throws {
    try Tool.withFolder { folder in
      try Folder.write("mine", to: folder + "/file")
      let before = Folder.contents(folder)
      let result = try Tool.run(Self.small + ["--out", out], in: folder)
      #expect(result.status == 74, "\(result)")
      #expect(result.out.isEmpty)
      #expect(result.complaints.count == 1 && result.err.contains(out), "\(result)")
      #expect(Folder.contents(folder) == before)
    }
  }

  @Test func noParentIsLeftBehindWhereTheFolderCannotBeMade() throws {
    try Tool.withFolder { folder in
      try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "/dev/full")
      let result = try Tool.run(Self.small + ["--out", "a/b/../../link/run"], in: folder)
      #expect(result.status == 74, "\(result)")
      #expect(Folder.names(folder) == ["link"])
    }
  }

  @Test func anEmptyNameIsRefused() throws {
    try Tool.withFolder { folder in
      for option in ["--out", "--resume"] {
        let words = option == "--out" ? Self.small : ["run"]
        let result = try Tool.run(words + [option, ""], in: folder)
        #expect([64, 65, 74].contains(result.status), "\(result)")
        #expect(result.complaints.count == 1, "\(result)")
        #expect(Folder.names(folder).isEmpty)
      }
    }
  }

  @Test func aFolderThatHoldsSomethingIsLeftAlone() throws {
    try Tool.withFolder { folder in
      let out = folder + "/out"
      try FileManager.default.createDirectory(atPath: out + "/deep", withIntermediateDirectories: true)
      for name in ["notes", "runs.csv", "deep/x"] { try Folder.write("mine", to: out + "/" + name) }
      let before = Folder.contents(folder)
      let result = try Tool.run(Self.small + ["--out", "out"], in: folder)
      #expect(result.status == 64, "\(result)")
      #expect(result.complaints.count == 1, "\(result)")
      #expect(result.err.contains("isn't empty") && result.err.contains("--resume"), "\(result)")
      #expect(Folder.contents(folder) == before)
    }
  }

  @Test func parentsAreMadeAndAnEmptyFolderIsTaken() throws {
    try Tool.withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: false)
      for out in ["empty", "a/b c/d,é", folder + "/absolute/"] {
        let result = try Tool.run(Self.small + ["--out", out], in: folder)
        #expect(result.status == 0, "\(result)")
        let path = out.hasPrefix("/") ? out : folder + "/" + out
        #expect(Folder.names(path) == RunFiles.names)
      }
    }
  }

  @Test func withoutOutAFolderOfItsOwnIsMadeUnderReports() throws {
    try Tool.withFolder { folder in
      for count in 1...2 {
        let result = try Tool.run(Self.small, in: folder)
        #expect(result.status == 0, "\(result)")
        let runs = try FileManager.default.contentsOfDirectory(atPath: folder + "/Reports/runs")
        #expect(runs.count == count)
        for name in runs { #expect(Folder.names(folder + "/Reports/runs/" + name) == RunFiles.names) }
      }
    }
  }

  // MARK: a full device

  private static let canMount: Bool = {
    let probe = Process()
    probe.executableURL = URL(fileURLWithPath: "/bin/sh")
    probe.arguments = ["-c", "unshare -m sh -c 'mount -t tmpfs -o size=64k none /mnt' 2>/dev/null"]
    guard (try? probe.run()) != nil else { return false }
    probe.waitUntilExit()
    return probe.terminationStatus == 0
  }()

  /// A tmpfs of one page holds the folder and nothing else.
  @Test(.enabled(if: canMount, "this machine doesn't let a test mount a small file system"), arguments: [4, 16, 32])
  func aFullDeviceIsAnIOError(kibibytes: Int) throws {
    try Tool.withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/mount", withIntermediateDirectories: false)
      let shell = """
        exec unshare -m sh -c 'mount -t tmpfs -o size=\(kibibytes)k none mount && "$@"; s=$?; ls -A mount; cp -r mount copy; exit $s' sh "$@"
        """
      let result = try Tool.run(Self.small + ["--repetitions", "50", "--out", "mount/run"], in: folder, shell: shell)
      #expect(result.status == 74, "\(result)")
      #expect(result.complaints.count == 1, "\(result)")
      #expect(result.err.contains("No space left on device"), "\(result)")
      // What was made is taken away, or what was finished is kept whole.
      if Folder.names(folder + "/copy").contains("run") {
        try RunFolderCheck.expectValid(folder + "/copy/run", "\(kibibytes) KiB")
      }
    }
  }

  /// A limit on the size of files stands for the device where nothing may be mounted: what was finished is kept, and
  /// can be gone on with.
  @Test func aRunThatHitsALimitOfSizeKeepsWhatItFinished() throws {
    try Tool.withFolder { folder in
      // Whether sh counts in 512 or 1024 bytes: meta.json fits, and a hundred repetitions don't.
      let shell = "trap '' XFSZ; ulimit -f 32; exec \"$@\""
      let words = Self.small + ["--repetitions", "60", "--out", "run"]
      let result = try Tool.run(words, in: folder, shell: shell)
      #expect(result.status == 74, "\(result)")
      #expect(result.complaints.count == 1, "\(result)")
      let kept = try RunFolderCheck.expectValid(folder + "/run", "size limit")
      #expect(!kept.isEmpty && kept.count < 180)
      let resumed = try Tool.run(["run", "--resume", "run"], in: folder)
      #expect(resumed.status == 0, "\(resumed)")
      let all = try RunFolderCheck.expectValid(folder + "/run", "resumed")
      #expect(all.count == 180 && all.isSuperset(of: kept))
      #expect(Folder.names(folder + "/run") == RunFiles.names)
    }
  }

  // MARK: resume

  @Test func aFinishedRunIsResumedWithoutChange() throws {
    try Tool.withFolder { folder in
      let first = try Tool.run(Self.small + ["--out", "run"], in: folder)
      #expect(first.status == 0, "\(first)")
      let before = Folder.contents(folder)
      let again = try Tool.run(["run", "--resume", "run"], in: folder)
      #expect(again.status == 0, "\(again)")
      let after = Folder.contents(folder)
      #expect(after.keys.sorted() == before.keys.sorted())
      for (name, content) in before { #expect(after[name] == content, "\(name) was changed") }
      #expect(again.out == first.out)
    }
  }

  /// As after a kill: what ends a run is taken from its meta.json again.
  private func reopen(_ run: String, _ change: (inout [String: Any]) -> Void = { _ in }) throws {
    var meta = try RunFiles.meta(run)
    meta["finished"] = nil
    change(&meta)
    try JSONSerialization.data(withJSONObject: meta).write(to: URL(fileURLWithPath: run + "/meta.json"))
  }

  @Test func aRunIsNotGoneOnWithAsAnother() throws {
    try Tool.withFolder { folder in
      #expect(try Tool.run(Self.small + ["--out", "run"], in: folder).status == 0)
      try reopen(folder + "/run") { meta in
        guard var config = meta["config"] as? [String: Any], var groups = config["groups"] as? [[String: Any]] else {
          return
        }
        groups[0]["guests"] = ["256M"]
        config["groups"] = groups
        meta["config"] = config
      }
      let before = Folder.contents(folder)
      let result = try Tool.run(["run", "--resume", "run"], in: folder)
      #expect(result.status == 69, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains("now give different cells"), "\(result)")
      #expect(Folder.contents(folder) == before)
    }
  }

  @Test func theReasonsOfErrorsSurviveAKill() throws {
    try Tool.withFolder { folder in
      // Beside threads that take huge pages a walk that trusts its node soon follows one that is gone.
      let words = [
        "run", "interference:load=thp:window=20ms:rate=0", "--guest", "256M", "--state", "aged", "--order", "9",
        "--strategy", "none,budgeted-resume:budget=1:check=null", "--vmemmap", "4k",
      ]
      let call = try Tool.start(words + ["--repetitions", "200", "--out", "run"], in: folder)
      func rows() -> Int {
        (FileManager.default.contents(atPath: folder + "/run/runs.csv") ?? Data()).count { $0 == UInt8(ascii: "\n") }
      }
      while call.isRunning, rows() < 8 { usleep(500) }
      #expect(call.isRunning)
      call.kill()
      _ = try call.end()
      let committed = try RunFolderCheck.expectValid(folder + "/run", "killed")
      let runs = try #require(try RunFiles.table(folder + "/run/runs.csv"))
      let failed = zip(runs.keys, runs.column("outcome")).filter { $1 == "error" }.map(\.0)
      #expect(!failed.isEmpty && failed.count < committed.count)
      let errors = try RunFiles.meta(folder + "/run")["errors"] as? [[String: Any]] ?? []
      let reasons = Set(errors.map { "\($0["cell_id"] ?? "") \($0["repetition"] ?? "")" })
      #expect(reasons.count == errors.count && reasons.isSuperset(of: failed))
    }
  }

  @Test func whatIsNoRunIsNotResumed() throws {
    try Tool.withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: false)
      try FileManager.default.createDirectory(atPath: folder + "/other", withIntermediateDirectories: false)
      try Folder.write("mine", to: folder + "/other/runs.csv")
      try Folder.write("mine", to: folder + "/file")
      try FileManager.default.createDirectory(atPath: folder + "/broken", withIntermediateDirectories: false)
      try Folder.write("{\"schema_version\": 3,\n", to: folder + "/broken/meta.json")
      try FileManager.default.createDirectory(atPath: folder + "/later", withIntermediateDirectories: false)
      try Folder.write("{\"schema_version\": 999}", to: folder + "/later/meta.json")
      let before = Folder.contents(folder)
      for name in ["empty", "other", "file", "nowhere", "broken", "later"] {
        let result = try Tool.run(["run", "--resume", name], in: folder)
        #expect(result.status == 65, "\(result)")
        #expect(result.complaints.count == 1 && result.err.contains("\(name)/meta.json"), "\(result)")
        #expect(result.out.isEmpty)
        #expect(Folder.contents(folder) == before, "\(name)")
      }
    }
  }

  /// Medians would be of two builds, or of two machines, under the name of the first.
  @Test(arguments: ["commit", "build_mode", "hostname", "cpu_model"])
  func anotherBuildOrMachineDoesNotGoOnWithARun(what: String) throws {
    try Tool.withFolder { folder in
      #expect(try Tool.run(Self.small + ["--out", "run"], in: folder).status == 0)
      // Outside of a git checkout nobody knows the commit, and not every kernel names its processor.
      let known = try RunFiles.meta(folder + "/run")
      let isKnown = known[what] is String || (known["host"] as? [String: Any])?[what] is String
      try reopen(folder + "/run") { meta in
        if var host = meta["host"] as? [String: Any], host[what] != nil {
          host[what] = "another"
          meta["host"] = host
        } else {
          meta[what] = "another"
        }
      }
      let before = Folder.contents(folder)
      let result = try Tool.run(["run", "--resume", "run"], in: folder)
      if !isKnown {
        #expect(result.status == 0, "\(result)")
        return
      }
      #expect(result.status == 69, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains(" another, and this is "), "\(result)")
      #expect(Folder.contents(folder) == before)
    }
  }

  @Test func aDamagedRunIsNotResumed() throws {
    try Tool.withFolder { folder in
      #expect(try Tool.run(Self.small + ["--out", "run"], in: folder).status == 0)
      let file = folder + "/run/runs.csv"
      var lines = try String(contentsOfFile: file, encoding: .utf8).split(
        separator: "\n", omittingEmptySubsequences: false)
      lines[2] = "garbage"
      try Folder.write(lines.joined(separator: "\n"), to: file)
      try reopen(folder + "/run")
      let before = Folder.contents(folder)
      let result = try Tool.run(["run", "--resume", "run"], in: folder)
      #expect(result.status == 65, "\(result)")
      #expect(result.complaints.count == 1 && result.err.contains("runs.csv:3:"), "\(result)")
      #expect(Folder.contents(folder) == before)
    }
  }

  @Test func twoCannotWriteOneRun() throws {
    try Tool.withFolder { folder in
      let call = try Tool.start(Self.small + ["--repetitions", "400", "--out", "run"], in: folder)
      defer { call.kill() }
      while call.isRunning, !Folder.names(folder + "/run").contains("runs.csv") { usleep(2000) }
      let second = try Tool.run(["run", "--resume", "run"], in: folder)
      #expect(second.status == 74, "\(second)")
      #expect(second.complaints.count == 1 && second.err.contains("another process"), "\(second)")
      #expect(call.isRunning, "the first was done before the second asked: the test shows nothing")
      call.kill()
      _ = try call.end()
      try RunFolderCheck.expectValid(folder + "/run", "killed")
    }
  }

  @Test func aTimeLimitEndsARunThatCanBeGoneOnWith() throws {
    try Tool.withFolder { folder in
      let words = Self.small + ["--time-limit", "1ns", "--out", "run"]
      let result = try Tool.run(words, in: folder)
      #expect(result.status == 3, "\(result)")
      #expect(result.out.contains("time limit"), "\(result)")
      #expect(result.err.contains("repetitions measured; `hintbench run --resume run` runs the rest"), "\(result)")
      #expect(try RunFolderCheck.expectValid(folder + "/run", "time limit").isEmpty)
      #expect(try RunFiles.meta(folder + "/run")["finished"] == nil)
    }
  }
}
