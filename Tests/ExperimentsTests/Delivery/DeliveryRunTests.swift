import Bench
import Delivery
import GuestMemory
import Hinting
import Instruments
import Records
import Testing

@testable import Experiments

/// The experiment `delivery` through the matrix as a run does it: what it writes must agree with itself. How long
/// anything took is not judged.
@Suite(.serialized) struct DeliveryRunTests {
  private typealias Fixtures = MatrixFixtures

  private func config(_ strategies: [String], guest: String = "256M", load: String = "none") -> RunConfig {
    var config = Fixtures.config(Fixtures.group([guest], strategies), repetitions: 1)
    config.experiments = ["delivery"]
    config.options["load"] = [load]
    if load != "none" { config.options["mutators"] = ["1"] }
    return config
  }

  private func rows(_ result: RepetitionResult) throws -> [[String: String]] {
    let rows = try #require(result.experiment)
    return rows.rows.map { fields in
      Dictionary(uniqueKeysWithValues: zip(rows.columns, fields).compactMap { name, text in text.map { (name, $0) } })
    }
  }

  private func number(_ row: [String: String], _ name: String) throws -> Double {
    try #require(row[name].flatMap { Double($0) }, "\(name) in \(row)")
  }

  @Test(arguments: ["none", "mixed"]) func everyActionAndNotificationIsARow(load: String) throws {
    let run = try MatrixRun.run(
      try Fixtures.matrix(
        config(
          load == "none"
            ? ["walk-callback", "free-list-multi-buffer", "record-unused-pages", "alloc-max-order"]
            : ["walk-callback", "page-reporting:order=9"], load: load)))
    var keys: [String: [String]] = [:]
    for result in run.observer.results {
      // Among what is asked there is whether a hint was lost or a held block wasn't held.
      #expect(result.failure == nil, "\(result.failure ?? "")")
      let strategy = result.run.identity.strategy
      let holds = ["alloc", "page-"].contains { strategy.hasPrefix($0) }
      let own = try rows(result)
      #expect(own.count == 1)
      for row in own {
        keys[strategy, default: []].append(
          "\(row["action"] ?? "") \(row["host_page_bytes"] ?? "-") \(row["notification"] ?? "")")
        #expect(try number(row, "hints") > 0, "\(row)")
        #expect(try number(row, "bytes") > 0 && number(row, "delivered_ms_per_tib") > 0)
        #expect(try number(row, "latency_ns_p50") <= number(row, "latency_ns_p99"))
        #expect(try number(row, "latency_ns_p99") <= number(row, "latency_ns_max") * 1.002)
        #expect(try number(row, "exits") <= number(row, "kicks") + 1)
        #expect(try number(row, "exit_ns") == 0 && number(row, "hints_ignored") == 0)
        #expect(try number(row, "driver_cpu_ns") > 0 && number(row, "host_cpu_ns") > 0)
        if load == "none" || holds { #expect(try number(row, "hints_stale") == 0, "\(row)") }
        if row["notification"] == "polled" { #expect(try number(row, "wake_ups") == 0) }
      }
      #expect(result.run.found.blocksReported == (try Int(number(own[0], "hints"))))
    }
    #expect(keys.count == (load == "none" ? 4 : 2))
    for (strategy, keys) in keys {
      let holds = ["alloc", "page-"].contains { strategy.hasPrefix($0) }
      let plain: Set = ["none - eventfd", "none - polled", "bitmap - eventfd", "bitmap - polled"]
      #expect(plain.isSubset(of: keys) && Set(keys).count == keys.count)
      #expect((keys.count > 4) == holds, "\(strategy): \(keys)")
      if holds { #expect(keys.contains("discard 4096 polled") && keys.contains("punch 4096 eventfd")) }
    }
  }

  /// One that leaves it to the host to look fills the queue of a host that doesn't.
  @Test func aDesignThatDoesNotKickDropsHintsWhereTheHostSleeps() throws {
    // 2000 blocks of the highest order for 1023 entries.
    let run = try MatrixRun.run(try Fixtures.matrix(config(["walk-callback:kick=none/half"], guest: "8G")))
    for result in run.observer.results {
      #expect(result.failure == nil)
      for row in try rows(result) where row["notification"] == "eventfd" {
        let sent = try number(row, "hints")
        let dropped = try number(row, "hints_dropped")
        let kicks = result.run.identity.strategy.contains("kick=half")
        // Woken by the start command, it may have taken some, but never so that each found room.
        if !kicks { #expect(dropped > 0 || sent > 1023, "\(row)") }
        #expect(try number(row, "exits") >= 1)
      }
    }
  }

  @Test func theTimeOfAVMExitMakesAnotherCellAndAColumn() throws {
    var config = config(["free-list-multi-buffer"])
    config.experiments = ["delivery:action=none:notify=polled"]
    let plain = try Fixtures.matrix(config).cells.map(\.id)
    config.options["exit-ns"] = ["0", "3000"]
    let matrix = try Fixtures.matrix(config)
    #expect(matrix.cells.count == 2 && matrix.cells[0].id == plain[0] && matrix.cells[1].id != plain[0])
    let run = try MatrixRun.run(matrix)
    let exits = try run.observer.results.flatMap { try rows($0).map { try number($0, "exit_ns") } }
    #expect(Set(exits) == [0, 3000])
    for text in ["-1", "soon", "", "10000001"] {
      config.options["exit-ns"] = [text]
      let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
      #expect(error?.kind == .usage && error?.description.contains("exit-ns") == true, "\(text)")
    }
    config.options["exit-ns"] = ["5"]
    config.experiments = ["scan"]
    let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
    #expect(error?.kind == .usage && error?.description.contains("--exit-ns") == true)
  }

  @Test func scannerHostAndMutatorsAreCountedAgainstTheCores() throws {
    for (cpus, load, isOversubscribed) in [
      (2, "none", false), (1, "none", true), (3, "mixed", false), (2, "mixed", true),
    ] {
      let host = Matrix.HostResources(cpus: cpus, availableBytes: 1 << 40)
      let cells = try Fixtures.matrix(config(["walk-callback"], load: load), host: host).cells
      #expect(Set(cells.map(\.oversubscribed)) == [isOversubscribed], "\(cpus) \(load)")
    }
  }

  @Test func aSessionThatLosesOrRepeatsAHintIsFound() throws {
    let stop = StopFlag()
    defer { stop.deallocate() }
    let guest = try Guest(.standard(bytes: 256 << 20, cpus: 2))
    guest.fillFresh()
    let log = try HintLog(capacity: 1 << 10)
    let host = DeliveryHost(.none, needsSession: true, log: log)
    let channel = try DeliveryChannel(size: 64, .polled) { host.serve($0, $1) }
    try channel.start()
    var sink = channel.sink(sessionID: host.begin(), notesTimes: false, stop: stop)
    let runner = try #require(Strategies.all.first { $0.card.name == "walk-callback" }).configured().runner()
    try runner.prepare(guest.core, lowestOrder: 10)
    let pass = runner.deliver(.init(guest), Session(lowestOrder: 10, stop: stop), &sink)
    let thread = channel.stop()
    let right = DeliveryExperiment.SessionResult(
      pass: pass, sink: sink, host: host.figures, thread: thread, hostCPUNanoseconds: 0,
      bytes: UInt64(host.figures.bytes), duplicates: 0, unitOrder: nil, holds: true,
      disturbance: Disturbance(involuntarySwitches: nil, minorFaults: nil, stealNanoseconds: nil))
    #expect(right.violation == nil, "\(right.violation ?? "")")
    #expect(right.host.acted > 20)

    let faults: [(inout DeliveryExperiment.SessionResult) -> Void] = [
      { $0.host.acted -= 1 }, { $0.host.acted += 1 }, { ($0.host.acted, $0.host.ignored) = ($0.host.acted - 1, 1) },
      { $0.host.stale = 1 }, { $0.host.failed = 1 }, { $0.pass.isWhole = false },
      { ($0.unitOrder, $0.host.bitsCleared) = (0, 1) }, { $0.thread = HostFigures() },
    ]
    for (index, fault) in faults.enumerated() {
      var wrong = right
      fault(&wrong)
      #expect(wrong.violation != nil, "fault \(index)")
    }
    var stale = right
    (stale.host.stale, stale.holds) = (1, false)
    #expect(stale.violation == nil, "what is only named may be stale")
  }
}
