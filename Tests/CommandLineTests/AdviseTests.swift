import Foundation
import Testing

/// `hintbench advise`: a run by the virtual clock and what it says, a run that is there, and a captured machine.
@Suite struct AdviseTests {
  private static let settings = "page-reporting:order=0/9:delay=100"

  @Test func threeLoadsGetAnAdviceEach() throws {
    try Tool.withFolder { folder in
      let made = try Tool.run(
        "advise --load cycles:window=3s:sleep-ms=200,build:window=3s,cache:window=3s --guest 512M --max-cost 100% --out "
          + "run --strategy \(Self.settings)", in: folder)
      #expect(made.status == 0 && made.complaints.isEmpty, "\(made)")
      #expect(made.outLines.count { $0.hasPrefix("Advice: page-reporting:order=") } == 3, "\(made)")
      for load in ["cycles", "build", "cache"] {
        #expect(made.outLines.contains { $0.contains("load=\(load)") && $0.contains("clock=virtual") }, "\(load)")
      }
      // Six settings, each in one table; the advised one is marked.
      #expect(made.outLines.count { $0.hasPrefix("> ") } == 3, "\(made)")
      #expect(made.outLines.last == "Files: run")

      let again = try Tool.run("advise --from run --max-cost 1.0", in: folder)
      #expect(again.status == 0)
      #expect(again.outLines == made.outLines.dropLast(2) || again.outLines == Array(made.outLines.dropLast()))

      // Nothing that is reported is for nothing: single pages come back at once.
      let strict = try Tool.run("advise --from run --max-cost 0%", in: folder)
      #expect(strict.status == 3, "\(strict)")
      #expect(strict.complaints.count == 1 && strict.complaints[0].contains("no setting is cheap enough"), "\(strict)")
      #expect(strict.out.contains("no setting costs the users at most 0 %"))
    }
  }

  @Test(arguments: [
    ("advise", "expected one of --load, --from, --capture, --buddyinfo and --show-mem"),
    ("advise --load cycles --from run", "expected one of"),
    ("advise --load lunar", "unknown load 'lunar': expected one of order0"),
    ("advise --load none", "unknown load 'none'"),
    ("advise --load cycles:clock=real", "option 'clock'"),
    ("advise --load build:sleep-ms=5", "sleep-ms"),
    ("advise --load cycles:sleep-ms=x", "expected 0..3600000"),
    ("advise --load cycles --max-cost 200%", "invalid --max-cost '200%'"),
    ("advise --load cycles --max-cost -1%", "invalid --max-cost"),
    ("advise --load cycles --max-cost much", "invalid --max-cost"),
    ("advise --load cycles --strategy step-iterator", "strategies that react to frees"),
    ("advise --load cycles --zoneinfo z", "--zoneinfo can't be combined with --load"),
    ("advise --from run --guest 1G", "--guest can't be combined with --from"),
    ("advise --buddyinfo b --strategy none", "--strategy can't be combined with --buddyinfo"),
    ("advise --capture b --strategy none", "--strategy can't be combined with --capture"),
    ("advise --load cycles --capture b", "expected one of"),
    ("advise --zoneinfo z", "--zoneinfo needs --buddyinfo"),
  ])
  func badArgumentsAreOneLine(line: String, expected: String) throws {
    try Tool.withFolder { folder in
      let result = try Tool.run(line, in: folder)
      #expect(result.status == 64, "\(result)")
      #expect(result.complaints.count == 1 && result.complaints[0].contains(expected), "\(result)")
      #expect(Folder.names(folder).isEmpty)
    }
  }

  @Test func aRunWithoutSuchCellsIsABadFile() throws {
    try Tool.withFolder { folder in
      let scan = try Tool.run(
        "run scan --guest 128M --state fresh --strategy none --repetitions 1 --counters off --out run", in: folder)
      #expect(scan.status == 0, "\(scan)")
      let result = try Tool.run("advise --from run", in: folder)
      #expect(result.status == 65 && result.complaints.count == 1, "\(result)")
      #expect(try Tool.run("advise --from nothing", in: folder).status == 65)
    }
  }

  /// Of a buddyinfo alone, with computed watermarks: what each design returns, and what is free.
  @Test func aCapturedMachineGetsATable() throws {
    try Tool.withFolder { folder in
      try Folder.write(Captures.debian, to: folder + "/buddyinfo")
      let result = try Tool.run("advise --buddyinfo buddyinfo", in: folder)
      #expect(result.status == 0 && result.complaints.isEmpty, "\(result)")
      let lines = result.outLines.map { $0.split(separator: " ").joined(separator: " ") }
      let all = try #require(lines.first { $0.hasPrefix("free in such blocks") })
      let walk = try #require(lines.first { $0.hasPrefix("walk-callback") })
      // It names everything of the orders it looks at.
      #expect(walk.dropFirst("walk-callback".count) == all.dropFirst("free in such blocks".count), "\(result)")
      let highest = Captures.blocks(Captures.debian, fromOrder: 10) * 4
      #expect(all.contains(" \(highest) ("), "\(all)")
      #expect(lines.contains { $0.hasPrefix("page-reporting ") && $0 != "page-reporting - - - - -" }, "\(result)")
      #expect(Folder.names(folder) == ["buddyinfo"])
      #expect(try Tool.run("advise --buddyinfo missing", in: folder).status == 74)
    }
  }
}
