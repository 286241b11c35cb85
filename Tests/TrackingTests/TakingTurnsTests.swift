import Instruments
import Testing

@testable import Tracking

@Suite struct TakingTurnsTests {
  @Test(arguments: [2, 4, 10, 12]) func eachSideLeadsAsOftenAndHasAsManyLaunches(launches: Int) {
    let order = BuildSide.order(launches: launches)
    #expect(order.count == 2 * launches)
    #expect(order.count { $0 == .base } == launches)
    // A machine that gets slower by as much with every launch slows both alike.
    let base = order.indices.filter { order[$0] == .base }.reduce(0, +)
    let new = order.indices.filter { order[$0] == .new }.reduce(0, +)
    #expect(base == new)
    #expect(Array(order.prefix(4)) == [.base, .new, .new, .base])
  }

  @Test(arguments: [-2, 0, 1, 3, 9, 11, 999, 1000]) func otherNumbersOfLaunchesAreRefused(launches: Int) {
    let error = #expect(throws: LaunchError.self) { try Against(baseline: "/bin/true", launches: launches) }
    #expect(error?.exitStatus == 64)
    #expect(error?.description.hasPrefix("\(launches) launches") == true)
  }

  @Test(arguments: ["/nowhere/hintbench", "/etc/passwd", "/tmp", "hintbench-that-is-not-there", "sh"])
  func whatIsNoProgramIsRefused(path: String) {
    let error = #expect(throws: LaunchError.self) { try Against(baseline: path, launches: 2) }
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
    let said = "hintbench: a debug build: these figures are worth nothing\nhintbench: no memory; accepted: more\n"
    let error = LaunchError(launch: "old: launch 3 of 20", .exited(69), said: said)
    #expect(error.exitStatus == 69)
    #expect(error.description == "old: launch 3 of 20 ended with exit status 69: no memory; accepted: more")
  }

  @Test(arguments: [ProcessEnd.exited(1), .exited(127), .killed(9), .untold])
  func aLaunchThatEndsByNoRuleOfOursIsAnInternalFault(end: ProcessEnd) {
    let error = LaunchError(launch: "old", end, said: "")
    #expect(error.exitStatus == 70)
    #expect(error.description == "old ended with \(end), and said nothing")
  }

  @Test func ofAnArgumentErrorTheFirstLineIsSaid() {
    let error = LaunchError(launch: "old", .exited(64), said: "Error: Unknown option '--x'\nUsage: hintbench run ...\n")
    #expect(error.description == "old ended with exit status 64: Error: Unknown option '--x'")
  }
}
