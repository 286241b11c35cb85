import Bench
import Experiments
import Foundation
import GuestMemory
import Instruments
import Machine
import Records
import Synchronization
import TestSupport
import Testing

/// A repetition whose thread was taken off its CPU is kept and marked.
@Suite struct PreemptionTests {
  private typealias Fixtures = MatrixFixtures

  private struct Enough: Error {}

  private static func config(_ strategy: String, repetitions: Int) -> RunConfig {
    var config = Fixtures.config(Fixtures.group(["2G"], states: ["aged"], [strategy]), repetitions: repetitions)
    // Thousands of holds: milliseconds, about as long as anybody is left alone on a CPU that two want.
    config.order = "0"
    return config
  }

  /// Keeps a CPU busy while `body` runs: the one that the measuring thread is bound to.
  private static func withBusyCPU<Result>(_ body: () throws -> Result) throws -> Result {
    let cpu = try #require(try onOwnThread { try ThreadPlacement.allowedCPUs() }.first)
    return try withBusyCPU(cpu, body)
  }

  private static func withBusyCPU<Result>(_ cpu: Int, _ body: () throws -> Result) throws -> Result {
    let rival = Rival()
    let thread = Thread {
      try? ThreadPlacement.pin(toCPU: cpu)
      rival.run()
    }
    thread.start()
    defer { rival.end() }
    return try body()
  }

  private final class Rival: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)

    func run() {
      while !isOver.load(ordering: .relaxed) {}
      ended.signal()
    }

    func end() {
      isOver.store(true, ordering: .relaxed)
      ended.wait()
    }
  }

  /// The only place where the machine decides: which repetition is the first to be hit.
  @Test func aRivalOnTheSameCPUMarksARow() throws {
    let observer = RecordingObserver()
    observer.onFinished = { if $0.run.isPreempted == true { throw Enough() } }
    let matrix = try Fixtures.matrix(Self.config("step-iterator", repetitions: 200))
    #expect(throws: Enough.self, "no repetition of 200 was preempted") {
      try Self.withBusyCPU { try MatrixRun.run(matrix, observer: observer) }
    }
    let marked = observer.runs.filter { ($0.trust.involuntarySwitches ?? 0) > 0 }
    #expect(marked.count == 1)
    // Kept, and counted in its cell.
    let cell = try #require(CellSummary.record(of: observer.runs))
    #expect(cell.repetitions == observer.runs.count && cell.preemptedRepetitions == 1)
    #expect(cell[metric: "ms_per_tib"].median != nil)
  }

  /// A mutator that was taken off its CPU makes a row's tail as well as the scanner's thread does.
  @Test func aRivalOfAMutatorIsSeen() throws {
    let cpu = try #require(try onOwnThread { try ThreadPlacement.allowedCPUs() }.last)
    let guest = try Guest(.standard(bytes: 128 << 20, cpus: 2))
    guest.fillFresh()
    let group = try MutatorGroup(guest, nil, .order0, count: 1, hostCPUs: [cpu], seed: 1, isProbed: false)
    defer { group.end() }
    #expect(group.disturbance.involuntarySwitches == 0, "it hasn't run yet")
    try Self.withBusyCPU(cpu) {
      for _ in 0..<100 where group.disturbance.involuntarySwitches == 0 {
        group.run()
        usleep(50_000)
        group.park()
      }
    }
    #expect(try #require(group.disturbance.involuntarySwitches) > 0, "5 s beside a rival on one CPU")
    let seen = Disturbance(involuntarySwitches: 2, minorFaults: 3, stealNanoseconds: 4).beside(group.disturbance)
    #expect(try #require(seen.involuntarySwitches) > 2 && seen.minorFaults == 3 && seen.stealNanoseconds == 4)
  }

  /// The pass that times holds writes each of them into a log of its own, whose pages are new in the first repetition.
  /// Where every mapping gets huge pages they are too few to count.
  @Test(.enabled(if: HostFacts.gather().transparentHugePages != "always"))
  func thePassThatTimesHoldsIsWatchedToo() throws {
    let run = try MatrixRun.run(try Fixtures.matrix(Self.config("step-iterator", repetitions: 1)))
    let first = try #require(run.observer.runs.first)
    let pages = try #require(first.lock.acquisitions) * MemoryLayout<HoldSample>.stride / 4096
    #expect(pages >= 20, "too few holds to show")
    #expect(try #require(first.trust.minorFaults) >= pages)
  }

  @Test func everyExperimentByTheMachinesClockIsWatched() throws {
    for (name, strategy) in [
      ("scan", "alloc-max-order"), ("interference", "free-list-fixed-buffer"),
      ("steady-state", "page-reporting:order=3:delay=1"), ("contiguous", "page-reporting:order=3"),
      ("ballooning", "none"),
    ] {
      // ZONE_MOVABLE lies above 4 GiB.
      var group = Fixtures.group(
        [name == "contiguous" ? "5G" : name == "ballooning" ? "128M" : "512M"], states: ["fresh"], [strategy])
      if name == "contiguous" { group.movable = 0.8 }
      var config = Fixtures.config(group, repetitions: 1)
      config.experiments = [name]
      if name != "scan" { config.options["window"] = ["20ms"] }
      if name == "interference" { config.options["load"] = ["order0"] }
      if name == "interference" || name == "steady-state" { config.options["mutators"] = ["1"] }
      let run = try MatrixRun.run(try Fixtures.matrix(config))
      let result = try #require(run.observer.results.first)
      #expect(result.failure == nil, "\(name): \(result.failure ?? "")")
      let trust = result.run.trust
      #expect(trust.involuntarySwitches != nil && trust.minorFaults != nil, "\(name)")
      #expect((trust.stealNs != nil) == (StealClock.nanoseconds() != nil), "\(name)")
      // As long as the median hold; contiguous times no holds, ballooning none of the zone lock.
      #expect((trust.noiseNsP999 != nil) == (result.run.lock.holdNsP50 != nil), "\(name)")
      if name == "scan" || name == "interference" { #expect(trust.noiseNsMax != nil, "\(name)") }
    }
  }

  /// By the virtual clock no figure depends on what the machine does.
  @Test func byTheVirtualClockNothingIsWatched() throws {
    var config = Fixtures.config(
      Fixtures.group(["512M"], states: ["fresh"], ["page-reporting:order=3:delay=1"]), repetitions: 1)
    config.experiments = ["steady-state"]
    config.options["clock"] = ["virtual"]
    config.options["window"] = ["1s"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    #expect(run.observer.runs.map(\.trust) == [RunRecord.Trust()])
    #expect(run.cells.map(\.preemptedRepetitions) == [nil])
  }
}
