import Foundation
import Testing

/// `--capture`, `--show-mem` and their like: what is found is said, and the run has the numbers of the files.
@Suite struct CaptureFormsTests {
  private static let run =
    "--strategy none --order 10 --repetitions 1 --cache warm --vmemmap 4k --counters off --out run"

  /// Runs with a capture and returns free pages, blocks of order 10 and what was said.
  private func run(
    _ capture: [String], in folder: String, input: String? = nil
  ) throws -> (pages: Int, blocks: Int, result: Tool.Result) {
    try? FileManager.default.removeItem(atPath: folder + "/run")
    let words = ["run"] + capture + Self.run.split(separator: " ").map(String.init)
    let result = try Tool.run(words, in: folder, shell: input.map { "exec \"$@\" < \($0)" })
    #expect(result.status == 0, "\(result)")
    let runs = try #require(try RunFiles.table(folder + "/run/runs.csv"))
    let pages = try #require(runs.column("bytes_free").first.flatMap { Int($0) }) / 4096
    return (pages, try #require(runs.column("blocks_free").first.flatMap { Int($0) }), result)
  }

  @Test func aLogIsAGuest() throws {
    try Tool.withFolder { folder in
      let plain = try run(["--show-mem", Captures.published("show-mem-plain")], in: folder)
      #expect(plain.pages == 29140 && plain.blocks == 8)
      #expect(plain.result.complaints.contains { $0.contains("letters") }, "\(plain.result)")
      let piped = try run(["--show-mem", "-"], in: folder, input: Captures.published("show-mem-two-nodes"))
      #expect(piped.pages == 39250 && piped.blocks == 3)
      let capture = try run(["--capture", "-"], in: folder, input: Captures.published("show-mem-two-nodes"))
      #expect(capture.pages == 39250)
    }
  }

  @Test func aFolderAnArchiveAndAFileAreTheSameGuest() throws {
    try Tool.withFolder { folder in
      let proc = folder + "/sos/host/proc"
      try FileManager.default.createDirectory(atPath: proc, withIntermediateDirectories: true)
      var all = ""
      for name in ["buddyinfo", "pagetypeinfo", "zoneinfo"] {
        let text = try String(contentsOfFile: Captures.published("apart-jc-\(name)"), encoding: .utf8)
        try Folder.write(text, to: "\(proc)/\(name)")
        all += "$ cat /proc/\(name)\n" + text
      }
      try Folder.write(all, to: folder + "/pasted")
      let tar = Process()
      tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      tar.arguments = ["tar", "-cJf", folder + "/sos.tar.xz", "-C", folder + "/sos", "host"]
      try tar.run()
      tar.waitUntilExit()
      try #require(tar.terminationStatus == 0)
      for path in ["sos", "sos/host", "sos.tar.xz", "pasted"] {
        let found = try run(["--capture", path], in: folder)
        #expect(found.pages == 660_065 && found.blocks == 632)
        #expect(found.result.complaints.contains { $0.contains("3 of 33 counts differ, 660254 and 660065") })
        #expect(found.result.complaints.count { $0.contains(" taken from ") && $0.contains(path) } == 3)
      }
      let listed = try Tool.run(["run", "--capture", "sos", "--dry-run"], in: folder)
      #expect(listed.status == 0 && listed.out.contains("capture: pagetypeinfo taken from"), "\(listed)")
      // Kept with the run.
      let meta = try String(contentsOfFile: folder + "/run/meta.json", encoding: .utf8)
      #expect(meta.contains("3 of 33 counts differ") && meta.contains("\"capture\" : \"pasted\""), "\(meta)")
    }
  }

  @Test func partsOfACaptureAreEnough() throws {
    try Tool.withFolder { folder in
      let types = try run(["--pagetypeinfo", Captures.published("pagetypeinfo-alone-6.18")], in: folder)
      #expect(types.pages == 51804 && types.blocks == 24)
      let words = ["--pagetypeinfo", Captures.published("capped-pagetypeinfo")]
      let capped = try Tool.run(["run"] + words, in: folder)
      #expect(capped.status == 65 && capped.complaints.count == 1 && capped.err.contains("expected the buddyinfo"))
      let nothing = try Tool.run(["run", "--capture", "run"], in: folder)
      #expect(nothing.status == 65 && nothing.complaints.count == 1, "\(nothing)")
      #expect(try Tool.run(["run", "--capture", "nowhere"], in: folder).status == 74)
    }
  }

  @Test func adviseTakesTheSame() throws {
    try Tool.withFolder { folder in
      let log = try Tool.run(["advise", "--show-mem", Captures.published("show-mem-plain")], in: folder)
      #expect(log.status == 0 && log.out.contains("block-map"), "\(log)")
      let alone = try Tool.run(["advise", "--pagetypeinfo", Captures.published("pagetypeinfo-alone-6.18")], in: folder)
      #expect(alone.out.contains("202 MiB on the free lists"), "\(alone)")
    }
  }

  @Test(
    .enabled(
      if: FileManager.default.isReadableFile(atPath: "/proc/buddyinfo"), "this machine's kernel has no /proc/buddyinfo")
  )
  func thisMachineInOneFileIsACapture() throws {
    try Tool.withFolder { folder in
      let taken = try Tool.run(["capture", "--file", "one"], in: folder)
      #expect(taken.status == 0 && taken.outLines.first == "one" && Folder.names(folder) == ["one"], "\(taken)")
      let result = try Tool.run(["run", "--capture", "one", "--strategy", "none", "--dry-run"], in: folder)
      #expect(result.status == 0 || result.status == 69, "\(result)")
      let shown = try Tool.run(["capture", "--file", "-"], in: folder)
      #expect(shown.status == 0 && shown.out.hasPrefix("==> /proc/buddyinfo <==\nNode 0, zone"), "\(shown)")
      #expect(try Tool.run(["capture", "--file", "one"], in: folder).status == 74)
      #expect(try Tool.run(["capture", "here", "--file", "two"], in: folder).status == 64)
    }
  }

  @Test func wrongUsesOfSeriesAreRefused() throws {
    try Tool.withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/full/x", withIntermediateDirectories: true)
      for (line, status) in [
        ("capture --watch 1s s", 64), ("capture --for 1s s", 64), ("capture --watch 1s --for 2s", 64),
        ("capture --watch 1s --for 2s --file f", 64), ("capture --watch 1s --for 2s --file f s", 64),
        ("capture --watch 2s --for 1s s", 64), ("capture --watch 1 --for 2s s", 64),
        ("capture --watch 1us --for 2s s", 64), ("capture --watch 1s --for 1s full", 74),
        ("run --each", 64), ("run --each --capture -", 64), ("run --each --show-mem x", 64),
        ("run --each --capture full", 65), ("run --each --capture nowhere", 74), ("run --resume run --each", 64),
        ("run --each --capture full --guest 1G", 65),
      ] {
        let result = try Tool.run(line, in: folder)
        #expect(result.status == Int32(status), "\(result)")
        if status != 65 { #expect(result.complaints.count == 1, "\(result)") }
      }
      #expect(Folder.names(folder) == ["full", "full/x"])
    }
  }

  @Test func eachCaptureOfASeriesHasItsRows() throws {
    try Tool.withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder + "/s", withIntermediateDirectories: true)
      for (index, count) in ["1990", "1991", "1990", "1992"].enumerated() {
        try Folder.write(
          Captures.debian.replacing("1990", with: count), to: "\(folder)/s/2026120\(index + 1)T000000Z.txt")
      }
      try Folder.write("what it was\n", to: folder + "/s/README")
      let found = try run(["--capture", "s", "--each"], in: folder)
      let skipped = found.result.complaints.filter { $0.contains("skipped: s/README") }
      #expect(skipped.count == 1, "\(found.result)")
      #expect(found.result.complaints.count { $0.contains("20261203T000000Z is the same as 20261201T000000Z") } == 1)
      let runs = try #require(try RunFiles.table(folder + "/run/runs.csv"))
      let cells = try #require(try RunFiles.table(folder + "/run/cells.csv"))
      let states = ["20261201T000000Z", "20261202T000000Z", "20261204T000000Z"].map { "captured:" + $0 }
      // Beside the control the allocator, as always.
      let twice = states.flatMap { [$0, $0] }
      #expect(cells.column("state") == twice && runs.column("state").sorted() == twice)
      #expect(Set(runs.column("cell_id")).count == 6)
      // Nothing is left to do, as the run's own settings say.
      let resumed = try Tool.run(["run", "--resume", "run"], in: folder)
      #expect(resumed.status == 0, "\(resumed)")
      let meta = try String(contentsOfFile: folder + "/run/meta.json", encoding: .utf8)
      #expect(meta.contains("\"capture_name\" : \"20261204T000000Z\""))
    }
  }

  @Test(
    .enabled(
      if: FileManager.default.isReadableFile(atPath: "/proc/buddyinfo"), "this machine's kernel has no /proc/buddyinfo")
  )
  func thisMachineIsASeries() throws {
    try Tool.withFolder { folder in
      let taken = try Tool.run("capture --watch 20ms --for 100ms s", in: folder)
      let names = Folder.names(folder + "/s")
      #expect(taken.status == 0 && names.count >= 2, "\(taken)")
      #expect(taken.outLines.count == 1 && taken.out.hasPrefix("\(names.count) captures written to s"), "\(taken)")
      // Ctrl-C ends it with what there is.
      let call = try Tool.start(["capture", "--watch", "1h", "--for", "2h", "t"], in: folder)
      while call.isRunning, !Folder.names(folder + "/t").contains(where: { !$0.hasPrefix(".") }) { usleep(10_000) }
      call.interrupt()
      let ended = try call.end()
      #expect(ended.status == 0 && ended.outLines == ["1 capture written to t"], "\(ended)")
    }
  }
}
