import Bench
import Experiments
import Foundation
import Instruments
import Records
import Testing

/// Runs whose counts are simulated, with a shell script in valgrind's place.
@Suite struct SimulatedRunTests {
  typealias Fixtures = MatrixFixtures

  /// Valgrind as far as a run sees it: each call writes `counts`, after a line for each cell that it was asked for, and
  /// is written down in a file of its own.
  private static func run(
    _ matrix: Matrix, finished: [RunRecord] = [], _ counts: String
  ) throws -> (outcome: MatrixRun.Outcome, calls: Int) {
    let folder = NSTemporaryDirectory() + "hintbench-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder + "/calls", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let script = """
      if [ "$1" = --version ]; then echo valgrind-9.9.9; exit; fi
      for word; do case $word in --callgrind-out-file=*) exec 5>>${word#*=};; esac; done
      part() { printf 'desc: Trigger: Client Request: %s\\nevents: Ir D1mr D1mw DLmr DLmw\\ntotals: %s\\n' "$1" "$2" >&5; }
      cells=$(sed 's/.*"cells":\\[\\([^]]*\\)\\].*/\\1/; s/[",]/ /g')
      echo "$cells" > \(folder)/calls/$$
      \(counts)
      """
    let path = folder + "/valgrind"
    try Data(script.utf8).write(to: URL(fileURLWithPath: path))
    // Read by a shell: a file just written can't be executed while a child of another test still has it open.
    let callgrind = try Callgrind(caches: SimulatedCaches(like: []), valgrind: ["sh", path], program: "/bin/true")
    let outcome = try MatrixRun.run(matrix, finished: finished, callgrind: callgrind)
    return (outcome, try FileManager.default.contentsOfDirectory(atPath: folder + "/calls").count)
  }

  private static func matrix(_ strategies: [String] = ["none", "step-iterator"], granule: String = "0") throws -> Matrix
  {
    var group = Fixtures.group(["128M", "192M"], strategies)
    group.granule = granule
    var config = Fixtures.config(group)
    config.counters = "simulated"
    return try Fixtures.matrix(config)
  }

  private static let counting = "part nothing '14'; for cell in $cells; do part $cell '100 2 1 1 1'; done"

  @Test func eachGuestIsCountedOnceAndEveryRepetitionHasTheCount() throws {
    let (run, calls) = try Self.run(Self.matrix(), Self.counting)
    #expect(calls == 3, "whether it works, and two guests")
    #expect(run.observer.results.count == 8)
    for record in run.observer.runs {
      #expect(
        record.counters
          == RunRecord.Counters(instructions: 100, l1dMisses: 3, llcMisses: 2, source: "simulated"))
    }
    #expect(run.unavailable.map(\.what) == ["cycles, l2_misses, dtlb_misses"])
    #expect(run.counters?.source == "simulated" && run.counters?.tool.contains("valgrind-9.9.9") == true)
    #expect(run.counters?.overhead == ["instructions": 14, "l1d_misses": 0, "llc_misses": 0])
  }

  @Test func whatWasCountedBeforeAResumeIsNotCountedAgain() throws {
    let matrix = try Self.matrix()
    let whole = try Self.run(matrix, Self.counting).outcome.observer.runs
    let (run, calls) = try Self.run(
      matrix, finished: Array(whole.prefix(4)), "part nothing '14'; for cell in $cells; do part $cell '555'; done")
    #expect(calls == 1, "all cells had been counted")
    #expect(run.observer.runs.count == 4 && run.observer.runs.allSatisfy { $0.counters.instructions == 100 })
  }

  @Test func aCrashLeavesCountsEmptyWithTheReason() throws {
    let (run, _) = try Self.run(
      Self.matrix(),
      """
      part nothing 14
      for cell in $cells; do part $cell 100; echo '==1== Process terminating' >&2; kill -SEGV $$; done
      """)
    #expect(run.observer.results.count == 8 && run.observer.results.allSatisfy { $0.failure == nil })
    let counted = run.observer.runs.filter { $0.counters.source == "simulated" }
    #expect(counted.count == 4 && Set(counted.map(\.identity.strategy)) == ["none"], "the first cell of each guest")
    #expect(run.observer.runs.filter { $0.counters == RunRecord.Counters() }.count == 4)
    let reasons = run.unavailable.filter { $0.why == "valgrind ended with signal 11: Process terminating" }
    #expect(reasons.count == 2 && reasons[0].what.contains("128M fresh, from step-iterator"), "\(run.unavailable)")
  }

  @Test func aSimulatorThatDoesNotWorkIsRefusedBeforeTheRun() throws {
    for script in ["exit 1", "part nothing '14'; kill -SEGV $$", "exit 0"] {
      #expect(throws: CounterError.self) { try Self.run(Self.matrix(), script) }
    }
  }

  @Test func whatIsNotTimedIsNotCounted() throws {
    let (run, calls) = try Self.run(try Self.matrix(["step-iterator", "alloc-max-order"], granule: "2"), Self.counting)
    #expect(calls == 3)
    for record in run.observer.runs {
      let isRead = record.identity.strategy.hasPrefix("step-iterator")
      #expect(record.counters.instructions == (isRead ? 100 : nil))
    }
  }

  @Test func whatLooksAtAClockOrRunsBesideOthersIsRefused() throws {
    func expectUsage(_ change: (inout RunConfig) -> Void) {
      var config = Fixtures.config(Fixtures.group(["1G"], ["page-reporting"]))
      config.counters = "simulated"
      change(&config)
      let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
      #expect(error?.kind == .usage && error?.description.contains("--counters simulated") == true, "\(error)")
    }
    expectUsage { $0.options["load"] = ["order0"] }
    expectUsage { $0.options["host-ack-ns"] = ["1"] }
    for name in ["interference", "steady-state", "contiguous"] { expectUsage { $0.experiments = ["scan", name] } }
    expectUsage { $0.experiments = ["steady-state:clock=virtual"] }
  }

  @Test func guestsBeyondValgrindsAddressesAreRefused() throws {
    func config(_ guest: String, granule: String) -> RunConfig {
      var group = Fixtures.group([guest])
      group.granule = granule
      var config = Fixtures.config(group)
      config.counters = "simulated"
      return config
    }
    for (guest, granule) in [("1T", "0"), ("2T", "1"), ("512T", "9")] {
      #expect(try Fixtures.matrix(config(guest, granule: granule)).cells.count == 1)
    }
    for (guest, granule) in [("1025G", "0"), ("2T", "0"), ("4T", "1")] {
      let error = #expect(throws: UserError.self) { try Fixtures.matrix(config(guest, granule: granule)) }
      #expect(error?.kind == .unavailable && error?.description.contains("expected at most 1T") == true)
    }
  }
}
