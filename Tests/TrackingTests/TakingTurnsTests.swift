import Foundation
import Machine
import Records
import Testing

@testable import Tracking

@Suite struct TakingTurnsTests {
  /// A launch that notes in `log` when it has a turn, and asks for `turns` of them; 0: it doesn't know of turns.
  private func start(_ place: Int, turns: Int, log: String, exit status: Int = 0, known: Bool = true) throws -> Launch {
    let script = """
      echo "\(place) begins" >>\(log)
      turn=0
      while [ $turn -lt \(turns) ]; do
        [ -z "$HINTBENCH_TURNS" ] || { printf x >&0; dd bs=1 count=1 >/dev/null 2>&1; }
        turn=$((turn + 1))
        echo "\(place) turn $turn" >>\(log)
      done
      exit \(status)
      """
    return try LaunchedProgram("/bin/sh", name: "sh").start(
      ["-c", script], leash: ["env"], takesTurns: known, name: "launch \(place)")
  }

  private func withLog(_ body: (String) throws -> Void) throws -> [String] {
    let log = NSTemporaryDirectory() + "turns-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: log) }
    try body(log)
    return try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test func launchesOfAQuartetMeasureByTurns() throws {
    var ended: [Int] = []
    let log = try withLog { log in
      try TurnTaking.run(4) {
        try start($0, turns: 3, log: log)
      } ended: {
        ended.append($0)
      }
    }
    let round = { (turn: Int) in (0..<4).map { "\($0) turn \(turn)" } }
    #expect(log == (0..<4).map { "\($0) begins" } + round(1) + round(2) + round(3))
    #expect(ended == [0, 1, 2, 3])
  }

  @Test func aLaunchThatKnowsNoTurnsRunsThroughAndTheOthersTakeThem() throws {
    var ended: [Int] = []
    let log = try withLog { log in
      try TurnTaking.run(3) {
        try start($0, turns: $0 == 1 ? 0 : 2, log: log)
      } ended: {
        ended.append($0)
      }
    }
    #expect(log == ["0 begins", "1 begins", "2 begins", "0 turn 1", "2 turn 1", "0 turn 2", "2 turn 2"])
    #expect(ended == [1, 0, 2])
  }

  @Test func withoutTurnsOneFollowsTheOther() throws {
    let log = try withLog { log in
      try TurnTaking.run(2) {
        try start($0, turns: 2, log: log, known: false)
      } ended: { _ in
      }
    }
    #expect(log == ["0 begins", "0 turn 1", "0 turn 2", "1 begins", "1 turn 1", "1 turn 2"])
  }

  @Test func oneThatFailsEndsThemAll() throws {
    let log = try withLog { log in
      let error = #expect(throws: UserError.self) {
        try TurnTaking.run(3) {
          try start($0, turns: 2, log: log, exit: $0 == 1 ? 69 : 0)
        } ended: { _ in
        }
      }
      #expect(error?.exitStatus == 69 && error?.description.hasPrefix("launch 1 ended with exit status 69") == true)
    }
    // Launch 2 has had one turn, and never gets its second.
    #expect(log.suffix(2) == ["0 turn 2", "1 turn 2"], "\(log)")
  }

  @Test func aQuartetFavoursNeitherSide() {
    let base = BuildSide.quartet.indices.filter { BuildSide.quartet[$0] == .base }
    #expect(BuildSide.quartet == [.base, .new, .new, .base])
    // A machine that gets slower by as much with every turn slows both alike.
    #expect(base.reduce(0, +) == BuildSide.quartet.indices.filter { !base.contains($0) }.reduce(0, +))
  }

  @Test(arguments: [-2, 0, 1, 3, 9, 11, 999, 1000]) func otherNumbersOfLaunchesAreRefused(launches: Int) {
    let error = #expect(throws: UserError.self) { try Against(baseline: "/bin/true", launches: launches) }
    #expect(error?.exitStatus == 64)
    #expect(error?.description.hasPrefix("invalid --launches \(launches): ") == true)
  }

  @Test(arguments: ["/nowhere/hintbench", "/etc/passwd", "/tmp", "hintbench-that-is-not-there", "sh"])
  func whatIsNoProgramIsRefused(path: String) {
    let error = #expect(throws: UserError.self) { try Against(baseline: path, launches: 2) }
    #expect(error?.exitStatus == 69)
    #expect(error?.description.hasPrefix("\(path): ") == true)
  }

  @Test func aLaunchGetsTheWordsThatAreNotAboutTheComparison() {
    let call = [
      "run", "--against", "old", "scan", "--launches=12", "--guest", "2G", "--out", "dir", "--seed", "-1", "--quick",
      "--strict", "--metric=scan_ns", "--", "more",
    ]
    let words = LaunchWords(of: call, without: ["--against", "--launches", "--out", "--metric"], flags: ["--strict"])
    #expect(words.words == ["run", "scan", "--guest", "2G", "--seed", "-1", "--quick", "--", "more"])
  }

  @Test func anOptionWhoseNameBeginsLikeOneOfTheComparisonStays() {
    let words = LaunchWords(
      of: ["run", "--metrics=1", "--outer", "x", "--out", "y"], without: ["--out", "--metric"], flags: [])
    #expect(words.words == ["run", "--metrics=1", "--outer", "x"])
  }

  @Test func aFailedLaunchEndsWithItsOwnStatusAndItsLastWord() {
    let said = "hintbench: debug build: timings are meaningless\nhintbench: no memory; accepted: more\n"
    let error = UserError(launch: "old: launch 3 of 20", .exited(69), said: said)
    #expect(error.exitStatus == 69)
    #expect(error.description == "old: launch 3 of 20 ended with exit status 69: no memory; accepted: more")
  }

  @Test(arguments: [ProcessEnd.exited(1), .exited(127), .killed(9), .untold])
  func aLaunchThatEndsByNoRuleOfOursIsAnInternalFault(end: ProcessEnd) {
    let error = UserError(launch: "old", end, said: "")
    #expect(error.exitStatus == 70)
    #expect(error.description == "old ended with \(end), and said nothing")
  }

  @Test func ofAnArgumentErrorTheFirstLineIsSaid() {
    let error = UserError(launch: "old", .exited(64), said: "Error: Unknown option '--x'\nUsage: hintbench run ...\n")
    #expect(error.description == "old ended with exit status 64: Error: Unknown option '--x'")
  }
}
