import Bench
import Experiments
import Foundation
import GuestMemory
import Hinting
import Instruments
import Records
import TestSupport
import Testing

/// Runs of tiny guests.
@Suite struct MatrixRunnerMatrixTests {
  typealias Fixtures = MatrixFixtures

  private static func keys(_ matrix: Matrix) -> Set<RepetitionKey> {
    Set(
      matrix.cells.flatMap { cell in
        (0..<matrix.config.repetitions).map { RepetitionKey(cellID: cell.id, repetition: $0) }
      })
  }

  private static func small(seed: UInt64 = 1, repetitions: Int = 2) throws -> Matrix {
    print("seed \(seed)")
    return try Fixtures.matrix(
      Fixtures.config(
        Fixtures.group(["128M", "192M"], ["none", "step-iterator:step=7", "pluck-buffer", "alloc-max-order"]),
        repetitions: repetitions, seed: seed))
  }

  @Test func everyRepetitionIsRunOnceInRounds() throws {
    let matrix = try Self.small()
    let run = try MatrixRun.run(matrix)
    let order = run.observer.order
    #expect(order.count == 16 && Set(order) == Self.keys(matrix))
    #expect(order.map(\.repetition) == Array(repeating: 0, count: 8) + Array(repeating: 1, count: 8))
    #expect(run.errors.isEmpty && run.guests.count == 2)
    #expect(Set(run.cells.map(\.cellID)) == Set(matrix.cells.map(\.id)))
    #expect(run.cells.allSatisfy { $0.repetitions == 2 })
    #expect(run.observer.progress.last?.done == 16 && run.observer.progress.allSatisfy { $0.total == 16 })
    let done = run.observer.progress.map(\.done)
    #expect(done == done.sorted())
    for result in run.observer.results {
      #expect(result.failure == nil && result.run.identity.seed == 1 && result.run.identity.runID == "r")
      #expect(result.run.found.outcome == .complete && result.holdSequence != nil)
      Self.expectZonesAddUp(result)
    }
  }

  /// zones.csv splits what runs.csv says.
  private static func expectZonesAddUp(_ result: RepetitionResult) {
    let run = result.run
    #expect(result.zones.count == run.guest.zones)
    #expect(result.zones.allSatisfy { $0.cellID == run.identity.cellID && $0.repetition == run.identity.repetition })
    #expect(result.zones.compactMap(\.blocksFree).reduce(0, +) == run.found.blocksFree)
    #expect(result.zones.compactMap(\.blocksReported).reduce(0, +) == run.found.blocksReported)
    #expect(result.zones.compactMap(\.bytesFree).reduce(0, +) == run.guest.bytesFree)
    #expect(result.zones.compactMap(\.bytesReported).reduce(0, +) == run.found.bytesReported)
    #expect(result.zones.compactMap(\.lockAcquisitions).reduce(0, +) == run.lock.acquisitions)
    let holds = result.holds.filter { $0.kind == .hold && $0.phase != .mutator }.map(\.count).reduce(0, +)
    #expect(holds == run.lock.acquisitions, "lock_holds.csv has every hold")
  }

  @Test func theSeedDecidesTheOrder() throws {
    let first = try MatrixRun.run(Self.small(seed: 1)).observer.order
    #expect(try MatrixRun.run(Self.small(seed: 1)).observer.order == first)
    let other = try MatrixRun.run(Self.small(seed: 2)).observer.order
    #expect(other != first && Set(other) == Set(first))
    #expect(first[..<8].map(\.cellID) != first[8...].map(\.cellID), "each round has an order of its own")
  }

  @Test func whatIsFinishedIsNotRunAgain() throws {
    let matrix = try Self.small()
    let whole = try MatrixRun.run(matrix)
    for count in [0, 5, 15, 16] {
      let finished = Array(whole.observer.runs.prefix(count))
      let rest = try MatrixRun.run(matrix, finished: finished)
      #expect(rest.observer.order == Array(whole.observer.order.dropFirst(count)), "in the order of a whole run")
      #expect(rest.cells.count == 8 && rest.cells.allSatisfy { $0.repetitions == 2 })
      #expect(rest.observer.progress.last?.done == 16)
    }
  }

  /// A cell whose guest was in a batch that is done has its limit all the same.
  @Test func aResumedRunSumsUpEveryBatch() throws {
    let config = Fixtures.config(Fixtures.group(["128M", "192M"], ["step-iterator"]))
    let matrix = try Matrix(config, host: .init(cpus: 2, availableBytes: 50 << 20))
    #expect(matrix.batches.count == 2)
    let whole = try MatrixRun.run(matrix)
    #expect(whole.cells.allSatisfy { $0.limitNsPerBlock != nil })
    let resumed = try MatrixRun.run(matrix, finished: Array(whole.observer.runs.prefix(3)))
    #expect(resumed.observer.order.count == 1)
    #expect(resumed.cells.allSatisfy { $0.limitNsPerBlock != nil })
    #expect(resumed.guests.count == 2)
  }

  @Test func whatTheObserverThrowsEndsTheRun() throws {
    struct Full: Error {}
    let observer = RecordingObserver()
    observer.onFinished = { _ in throw Full() }
    #expect(throws: Full.self) { try MatrixRun.run(Self.small(), observer: observer) }
    #expect(observer.results.count == 1)
  }

  @Test func aTimeLimitStopsEarlyAndSaysSo() throws {
    var config = try Self.small().config
    config.timeLimit = "1s"
    let matrix = try Fixtures.matrix(config)
    let observer = RecordingObserver()
    observer.onFinished = { _ in Thread.sleep(forTimeInterval: 1.1) }
    let run = try MatrixRun.run(matrix, observer: observer)
    // None, where building took so long.
    #expect(observer.results.count <= 1)
    let missing = 16 - observer.results.count
    #expect(
      run.unavailable.contains { $0.what == "\(missing) of 16 repetitions" && $0.why.contains("time limit of 1s") })
    #expect(run.cells.count == observer.results.count)
    config.timeLimit = nil
    let rest = try MatrixRun.run(Fixtures.matrix(config), finished: observer.runs)
    #expect(Set(observer.order).union(rest.observer.order) == Self.keys(matrix))
    #expect(rest.observer.order.count == missing && rest.unavailable.allSatisfy { !$0.why.contains("time limit") })
  }

  // MARK: captures

  @Test(arguments: [0, 9, 10]) func blocksFreeOfACaptureIsItsOwnSum(order: Int) throws {
    for text in [Fixtures.debian, Fixtures.virtualMachine] {
      try Fixtures.withCapture(text) { path in
        let matrix = try Fixtures.matrix(
          Fixtures.captureConfig(path, ["none", "budgeted-resume"], order: "\(order)"))
        let rows = Fixtures.blocks(text, fromOrder: order)
        let run = try MatrixRun.run(matrix)
        #expect(run.observer.results.count == 2)
        for result in run.observer.results {
          #expect(result.run.guest.state == "captured" && result.run.guest.order == order)
          #expect(result.run.found.blocksFree == rows.reduce(0, +))
          #expect(result.zones.compactMap(\.blocksFree) == rows)
          let all = (0...10).reduce(0) { sum, order in
            sum
              + (Fixtures.blocks(text, fromOrder: order).reduce(0, +)
                - Fixtures.blocks(text, fromOrder: order + 1).reduce(0, +)) << (12 + order)
          }
          #expect(result.run.guest.bytesFree == UInt64(all))
          if result.run.identity.strategy != "none" {
            #expect(result.run.found.blocksReported == rows.reduce(0, +) && result.run.found.coverage == 1)
          }
          Self.expectZonesAddUp(result)
        }
      }
    }
  }

  @Test(arguments: ["6.1", "6.12"]) func ofABuddyinfoAloneEveryDesignRuns(kernel: String) throws {
    try Fixtures.withCapture(Fixtures.debian) { path in
      var config = Fixtures.captureConfig(path, Strategies.all.map(\.card.name))
      config.groups[0].kernels = [kernel]
      let matrix = try Fixtures.matrix(config)
      let run = try MatrixRun.run(matrix)
      #expect(run.errors.isEmpty && run.observer.results.count == matrix.cells.count)
      for result in run.observer.results {
        #expect(result.run.found.outcome != .error && result.failure == nil)
        #expect(result.run.guest.watermarks == "computed")
        #expect(result.run.found.blocksFree == Fixtures.blocks(Fixtures.debian, fromOrder: 10).reduce(0, +))
        let reports = matrix.cells.first { $0.id == result.run.identity.cellID }?.strategy.card.reports
        if reports == true { #expect(result.run.found.bytesReported ?? 0 > 0, "\(result.run.identity.strategy)") }
      }
    }
  }

  // MARK: machines that aren't there

  @Test func oversubscribedRunsSayIt() throws {
    var config = Fixtures.config(Fixtures.group(["128M"], ["none", "step-iterator"]), repetitions: 1)
    config.options["load"] = ["order0"]
    config.options["mutators"] = ["2"]
    for (cpus, expected) in [(2, true), (3, false)] {
      let run = try MatrixRun.run(Matrix(config, host: .init(cpus: cpus, availableBytes: 1 << 34)))
      #expect(run.observer.runs.allSatisfy { $0.load.oversubscribed == expected && $0.load.mutators == 2 })
      #expect(run.observer.results.allSatisfy { $0.holdSequence == nil }, "hold k isn't the same under a load")
      #expect(run.cells.allSatisfy { $0.oversubscribed == expected })
    }
  }

  @Test func everyNodeOfTheGuestHasItsHostNode() throws {
    var group = Fixtures.group(["384M"], ["none"])
    for (nodes, expected) in [(1, [10]), (2, [10, 11]), (4, [10, 11, 12, 13]), (6, [10, 11, 12, 13, 10, 11])] {
      group.nodes = nodes
      group.cpus = max(4, nodes)
      let host = FourNodes()
      let run = try MatrixRun.run(Fixtures.matrix(Fixtures.config(group, repetitions: 1)), numa: host)
      let result = try #require(run.observer.results.first)
      // A node of several zones is bound zone by zone.
      let bound = host.bound.enumerated().filter { $0.offset == 0 || host.bound[$0.offset - 1] != $0.element }
      #expect(bound.map(\.element) == expected)
      #expect(Set(result.zones.map(\.node)) == Set(0..<nodes))
      for zone in result.zones { #expect(zone.hostNode == expected[zone.node], "node \(zone.node)") }
      #expect(result.run.load.memoryNode == (nodes == 1 ? 10 : nil), "several: empty")
      let cpu = try #require(result.run.load.scanCPU)
      #expect(result.run.load.scanNode == (cpu < 8 ? 10 + cpu / 2 : nil))
      Self.expectZonesAddUp(result)
    }
  }

  @Test func countsStandInTheirColumns() throws {
    var config = Fixtures.config(Fixtures.group(["128M"], ["none", "alloc-max-order"]))
    config.counters = "auto"
    let library = FakeCounters.library(
      unknown: [.column(.l2Misses)],
      [
        .column(.cycles): 1000, .column(.instructions): 0, .column(.l1dMisses): 3, .column(.llcMisses): 5,
        .column(.dtlbMisses): 6,
      ])
    let run = try MatrixRun.run(Fixtures.matrix(config), library: library)
    #expect(run.observer.results.count == 4)
    for counters in run.observer.runs.map(\.counters) {
      #expect(
        counters
          == RunRecord.Counters(
            cycles: 1000, instructions: 0, l1dMisses: 3, l2Misses: nil, llcMisses: 5, dtlbMisses: 6, source: "papi"))
    }
    #expect(run.unavailable == [.init(what: "l2_misses", why: "error -7")])
    #expect(run.counters?.source == "papi" && run.counters?.caches == nil)
    #expect(run.counters?.overhead["cycles"] == 1000, "what the library counts of nothing")
    #expect(run.observer.results.allSatisfy { $0.events.isEmpty })
  }

  @Test func eventsByNameHaveRowsOfTheirOwn() throws {
    var config = Fixtures.config(Fixtures.group(["128M"], ["none", "step-iterator"]))
    config.counters = "auto"
    config.events = ["perf::B", "perf::A", "perf::C"]
    let library = FakeCounters.library(
      unknown: [.named("perf::C")], [.column(.cycles): 1, .named("perf::A"): 2, .named("perf::B"): 3])
    let run = try MatrixRun.run(Fixtures.matrix(config), library: library)
    #expect(run.observer.results.count == 4)
    for result in run.observer.results {
      let key = result.run.key
      #expect(
        result.events
          == [("perf::A", 2), ("perf::B", 3)].map { event, count in
            EventCountRecord(
              runID: "r", cellID: key.cellID, repetition: key.repetition, event: event, count: count)
          })
      #expect(result.run.counters.cycles == 1)
    }
    #expect(run.unavailable == [.init(what: "perf::C", why: "error -7")])
    config.counters = "papi"
    let matrix = try Fixtures.matrix(config)
    #expect(throws: CounterError.event(name: "perf::C", reason: "error -7")) {
      try MatrixRun.run(matrix, library: library)
    }
  }

  /// Above granule 0 most of the work of a strategy that takes blocks is gone, and with it the meaning of its counts.
  @Test func whatIsNotTimedIsNotCounted() throws {
    var group = Fixtures.group(["128M"], ["step-iterator", "alloc-max-order"])
    group.granule = "2"
    var config = Fixtures.config(group, repetitions: 1)
    config.counters = "auto"
    let run = try MatrixRun.run(Fixtures.matrix(config), library: FakeCounters.library([.column(.cycles): 1]))
    for record in run.observer.runs {
      let isRead = record.identity.strategy.hasPrefix("step-iterator")
      #expect(record.counters.cycles == (isRead ? 1 : nil) && record.counters.source == (isRead ? "papi" : nil))
    }
  }

  @Test func countersThatFailAreEmptyWithAReason() throws {
    var config = Fixtures.config(Fixtures.group(["128M"], ["none"]), repetitions: 1)
    config.counters = "auto"
    let failing = FakeCounters.library(initialize: -3)
    let run = try MatrixRun.run(Fixtures.matrix(config), library: failing)
    #expect(run.observer.runs.map(\.counters) == [RunRecord.Counters()])
    let reason = run.unavailable.first { $0.what == "hardware counters" }
    #expect(reason?.why.contains("error -3") == true, "\(run.unavailable)")

    config.counters = "papi"
    #expect(throws: CounterError.self) { try MatrixRun.run(Fixtures.matrix(config), library: failing) }
    config.counters = "off"
    let off = try MatrixRun.run(Fixtures.matrix(config), library: FakeCounters.library([.column(.cycles): 1]))
    #expect(off.observer.runs.map(\.counters) == [RunRecord.Counters()])
    #expect(off.unavailable.contains { $0.what == "hardware counters" && $0.why == "counters are off" })
  }

  /// Counters that work when they are opened may fail in the measured pass.
  @Test func countersThatFailLaterAreEmptyWithAReason() throws {
    var config = Fixtures.config(Fixtures.group(["128M"], ["none"]), repetitions: 1)
    config.counters = "auto"
    let run = try MatrixRun.run(
      Fixtures.matrix(config), library: FakeCounters.library(stopCode: -5, [.column(.cycles): 9]))
    #expect(run.observer.runs.map(\.counters) == [RunRecord.Counters()])
    #expect(run.unavailable.contains { $0.why.contains("error -5") }, "\(run.unavailable)")
  }

  @Test func aColdRunAndAWarmOneFindTheSame() throws {
    var config = Fixtures.config(Fixtures.group(["128M"], ["budgeted-resume", "alloc-max-order"]), repetitions: 1)
    let warm = try MatrixRun.run(Fixtures.matrix(config))
    config.experiments = ["scan:cache=cold"]
    let cold = try MatrixRun.run(Fixtures.matrix(config))
    func found(_ run: MatrixRun.Outcome) -> [String: RunRecord.Found] {
      Dictionary(uniqueKeysWithValues: run.observer.runs.map { ($0.identity.strategy, $0.found) })
    }
    #expect(found(cold) == found(warm))
    #expect(cold.observer.runs.allSatisfy { $0.load.cache == "cold" })
  }
}
