import Bench
import Delivery
import Foundation
import GuestMemory
import Hinting
import Instruments
import Records
import Testing

@testable import Experiments

/// Each experiment on small guests, through the matrix as a run does it: what it writes must agree with itself. How
/// long anything took is not judged.
@Suite struct ExperimentRunTests {
  private typealias Fixtures = MatrixFixtures

  private func config(
    _ experiment: String, _ strategies: [String], guest: String = "256M", repetitions: Int = 2,
    _ change: (inout RunConfig.Group) -> Void = { _ in }
  ) -> RunConfig {
    var group = Fixtures.group([guest], states: ["fresh"], strategies)
    change(&group)
    var config = Fixtures.config(group, repetitions: repetitions)
    config.experiments = [experiment == "migration" ? "migration:cache=warm" : experiment]
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

  // MARK: interference

  @Test(arguments: ["order0", "thp", "mixed", "faults"])
  func bystandersAreMeasuredAloneAndBeside(load: String) throws {
    var config = config(
      "interference", ["none", "free-list-fixed-buffer", "alloc-max-order", "page-reporting:order=3"]
    ) { $0.experimentOptions["rate"] = ["0"] }
    config.options["load"] = [load]
    config.options["mutators"] = ["1"]
    config.options["window"] = ["10ms"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    #expect(run.observer.results.count == 8)
    for result in run.observer.results {
      #expect(result.failure == nil, "\(result.failure ?? "")")
      let own = try rows(result)
      #expect(own.count == 1)
      let row = own[0]
      #expect(try number(row, "alone_ops_per_second") > 0)
      // A session may take longer than this window: it counts where it ended in it.
      #expect(try number(row, "sessions") >= 0)
      #expect(row["sessions_late"] == nil && row["rate"] == "0")
      let beside = try #require(result.run.bystanders.opsPerSecond)
      let ratio = try number(row, "ops_ratio")
      #expect(abs(ratio - beside / (try number(row, "alone_ops_per_second"))) < 1e-9 * ratio)
      // Only a strategy with hooks has a guest with them and nobody scanning.
      let hasHooks = result.run.identity.strategy.hasPrefix("page-reporting")
      #expect((row["hooked_ops_per_second"] != nil) == hasHooks)
      #expect(result.run.bystanders.allocNsP50 != nil && result.run.bystanders.allocFailed != nil)
      #expect(try number(row, "alone_alloc_ns_p50") <= number(row, "alone_alloc_ns_max"))
      let free = try #require(result.run.sideEffects.bytesFreeMin)
      let start = try #require(result.run.guest.bytesFree)
      #expect(free <= start)
      if result.run.identity.strategy.hasPrefix("alloc-max-order") {
        // It ends where only the reserves are left.
        #expect(free < start / 2)
        #expect((result.run.sideEffects.blocksWithheldMax ?? 0) > 0)
      }
    }
  }

  /// At a rate every strategy is asked for the same number of sessions, and what bystanders lost is for each GiB.
  @Test func sessionsAtARateCostBystandersPerGiB() throws {
    let window = 0.2
    var config = config("interference", ["none", "walk-callback", "alloc-max-order", "allocator:pages=512"]) {
      $0.experimentOptions["rate"] = ["20"]
    }
    config.options["load"] = ["order0"]
    config.options["mutators"] = ["1"]
    config.options["window"] = ["200ms"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    #expect(run.observer.results.count == 8)
    for result in run.observer.results {
      #expect(result.failure == nil, "\(result.failure ?? "")")
      let row = try #require(rows(result).first)
      let (sessions, late) = (try number(row, "sessions"), try number(row, "sessions_late"))
      #expect(sessions <= 4 && sessions + late >= 4, "\(row)")
      let bytes = try #require(result.run.found.bytesReported)
      let reports = result.run.identity.strategy.hasPrefix("walk") || result.run.identity.strategy.hasPrefix("alloc-")
      #expect((bytes > 0) == reports, "\(result.run.identity.strategy): \(bytes)")
      #expect((row["waited_ns_per_gib"] != nil) == reports)
      #expect((row["lost_ns_per_gib"] != nil) == (reports && late == 0))
      let gib = Double(bytes) / Double(1 << 30)
      if reports {
        let waited = try #require(result.run.bystanders.waitNsTotal) - number(row, "alone_wait_ns_total")
        #expect(abs(try number(row, "waited_ns_per_gib") - waited / gib) <= 1e-6 * abs(waited / gib) + 1e-3)
        // Each session reports at most what is free, each byte once.
        #expect(bytes <= 4 * (try #require(result.run.guest.bytesFree)))
      }
      if reports && late == 0 {
        let lost = (1 - (try number(row, "ops_ratio"))) * window * 1e9 / gib
        #expect(abs(try number(row, "lost_ns_per_gib") - lost) <= 1e-6 * abs(lost) + 1e-3)
      }
    }
  }

  /// A session that takes longer than its period delays the next, and the one that runs at the window's end is cut.
  @Test func sessionsThatAreTooLongAreLate() {
    let stop = StopFlag()
    defer { stop.deallocate() }
    var slow = InterferenceExperiment.Sessions(window: 100_000_000, rate: 50)
    #expect(slow.due == 5 && slow.late == 5)
    var count = 0
    slow.repeat(until: stop) {
      count += 1
      MonotonicClock.sleep(nanoseconds: 25_000_000)
      if count == 3 { stop.set() }
      return count == 3 ? .stopped : .complete
    }
    #expect(count == 3 && slow.finished == 2 && slow.late == 3)
    #expect(slow.ends.outcome == .complete && slow.busyNanoseconds >= 50e6)

    stop.clear()
    var backToBack = InterferenceExperiment.Sessions(window: 100_000_000, rate: 0)
    #expect(backToBack.due == nil && backToBack.late == nil)
    var calls = 0
    backToBack.repeat(until: stop) {
      calls += 1
      if calls == 100 { stop.set() }
      return .complete
    }
    #expect(calls == 100 && backToBack.finished == 99)

    stop.clear()
    var failing = InterferenceExperiment.Sessions(window: 100_000_000, rate: 1000)
    var tries = 0
    let waker = Thread {
      MonotonicClock.sleep(nanoseconds: 30_000_000)
      stop.set()
    }
    waker.start()
    failing.repeat(until: stop) {
      tries += 1
      return .error("made up")
    }
    #expect(tries == 1 && failing.finished == 0 && failing.ends.failure == "made up")
  }

  @Test func withoutALoadItTakesAllOfThem() throws {
    let matrix = try Fixtures.matrix(config("interference", ["none"]))
    #expect(Set(matrix.cells.map(\.load)) == [.order0, .thp, .mixed, .faults])
    #expect(matrix.cells.count == 4)
  }

  // MARK: steady-state

  @Test func byTheVirtualClockARunRepeatsItself() throws {
    var config = config(
      "steady-state", ["bitmap-hinting:order=3", "page-reporting-boundary:order=3", "page-reporting:order=3:delay=50"],
      // v5 asks for work from 32 blocks of an order on: what is freed merges to more than that.
      guest: "512M")
    config.options["clock"] = ["virtual"]
    config.options["window"] = ["2s"]
    config.options["host-ack-ns"] = ["0", "200000"]
    config.options["mutator-rate"] = ["5000"]
    config.options["mutators"] = ["2"]
    let runs = try (0..<2).map { _ in try MatrixRun.run(try Fixtures.matrix(config)) }
    #expect(runs[0].observer.results.count == 12)
    func byKey(_ run: MatrixRun.Outcome) -> [RepetitionKey: [[String?]]] {
      Dictionary(uniqueKeysWithValues: run.observer.results.map { ($0.run.key, $0.experiment?.rows ?? []) })
    }
    #expect(byKey(runs[0]) == byKey(runs[1]))
    for result in runs[0].observer.results {
      #expect(result.failure == nil)
      let row = try #require(try rows(result).first)
      #expect(row["clock"] == "virtual")
      // What the machine would have to be asked for isn't there.
      #expect(row["reporter_cpu_ns"] == nil && row["ops_ratio"] == nil)
      let share = try number(row, "freed_share_reported")
      #expect(share > 0.5 && share <= 1, "\(result.run.identity.strategy): \(row)")
      #expect(try number(row, "half_ns") <= number(row, "last_ns"))
      // Never sooner than the delay, and an acknowledgement later for each report.
      let least = try number(row, "delay_ns") + (result.run.load.hostAckNs ?? 0)
      #expect(try number(row, "half_ns") >= least, "\(row)")
      #expect(try number(row, "last_ns") <= 2e9)
    }
  }

  @Test func aSlowerHostTakesLonger() throws {
    var config = config("steady-state", ["page-reporting:order=3:delay=10:capacity=8"], repetitions: 1)
    config.options["clock"] = ["virtual"]
    config.options["mutators"] = ["1"]
    config.options["window"] = ["3s"]
    config.options["host-ack-ns"] = ["0", "1000000", "5000000"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    let byAck = try run.observer.results.map { ($0.run.load.hostAckNs ?? 0, try number(try rows($0)[0], "half_ns")) }
      .sorted { $0.0 < $1.0 }.map(\.1)
    #expect(byAck.count == 3 && byAck[0] < byAck[1] && byAck[1] < byAck[2], "\(byAck)")
  }

  @Test func byTheRealClockThreadsGoOnMeanwhile() throws {
    var config = config("steady-state", ["page-reporting:order=3:delay=5"], repetitions: 1)
    // Longer than the second after which a report is looked at again.
    config.options["window"] = ["1200ms"]
    config.options["host-ack-ns"] = ["0", "20000"]
    config.options["mutators"] = ["1"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    #expect(run.observer.results.count == 2)
    for result in run.observer.results {
      #expect(result.failure == nil)
      let row = try #require(try rows(result).first)
      #expect(row["clock"] == "real")
      #expect(try number(row, "works") >= 1)
      #expect(try number(row, "freed_share_reported") > 0)
      #expect((result.run.bystanders.opsPerSecond ?? 0) > 0)
      #expect(try number(row, "reporter_cpu_ns") > 0)
      #expect(try number(row, "taken_back_checked") > 0)
      #expect(try number(row, "taken_back_share") <= 1)
    }
  }

  /// A process of single pages exits on the only CPU: what it leaves on the CPU's lists isn't reported until it has come
  /// back, and the columns say how much that is.
  @Test func whatAnExitLeavesOnTheListsIsReportedLater() throws {
    var config = config("steady-state", ["page-reporting:order=3:delay=50"], guest: "1G", repetitions: 1) {
      $0.kernels = KernelVersion.allCases.map(\.rawValue)
      $0.cpus = 1
      $0.experimentOptions["tenant"] = ["order0"]
    }
    config.options["clock"] = ["virtual"]
    config.options["load"] = ["none"]
    config.options["window"] = ["30s"]
    let runs = try (0..<2).map { _ in try MatrixRun.run(try Fixtures.matrix(config)) }
    #expect(Set(runs[0].observer.results.map(\.coverage)) == Set(runs[1].observer.results.map(\.coverage)))
    #expect(runs[0].observer.results.count == 3)
    for result in runs[0].observer.results {
      #expect(result.failure == nil)
      let kernel = try #require(result.run.guest.kernelRules)
      let row = try #require(try rows(result).first)
      #expect(row["tenant"] == "order0")
      let freed = try number(row, "freed_bytes")
      let course = result.coverage
      // Both ends, and 60 steps.
      #expect(course.map(\.elapsedNs) == (0...60).map { Double($0) * 0.5e9 }, "\(kernel)")
      let shares = course.compactMap(\.freedShareReported)
      #expect(shares == shares.sorted() && shares.first == 0)
      #expect(try shares.last == number(row, "freed_share_reported"))
      let cached = course.map { Double($0.bytesPCP) / freed }
      #expect(result.run.found.bytesPCP == course.last?.bytesPCP)
      // Nothing of what is on the lists can have been reported, and nearly all of the rest is.
      for (share, cached) in zip(shares, cached) { #expect(share + cached <= 1.001, "\(kernel)") }
      #expect(try number(row, "freed_share_listed") > 0.99, "\(kernel): \(row)")
      #expect(try number(row, "freed_share_listed") >= number(row, "freed_share_reported"))
      if kernel == "6.1" {
        // As much as the low watermark, a tenth of the memory.
        #expect(cached[0] < 0.12 && cached.last == cached[0], "\(cached)")
      } else {
        #expect(cached[0] > 0.2 && cached[60] < 0.12, "\(kernel): \(cached)")
        // Two seconds after the exit all is reported that isn't on the lists.
        #expect(shares[4] + cached[4] > 0.97 && shares[4] < 0.85, "\(kernel): \(shares)")
        #expect(cached == cached.sorted(by: >=))
      }
    }
  }

  /// What the host has is between what is used and the whole guest; single pages save most, and what was reported comes
  /// back at a price.
  @Test(arguments: ["cycles", "bursts", "build", "cache", "compile"])
  func hostAndUsersPayByTheVirtualClock(load: String) throws {
    var config = config(
      "steady-state", ["page-reporting:order=0/10:delay=100", "page-reporting:order=10:delay=5000"], guest: "512M",
      repetitions: 1)
    config.options["clock"] = ["virtual"]
    config.options["load"] = [load]
    config.options["mutators"] = ["1"]
    config.options["mutator-rate"] = ["50000"]
    config.options["window"] = ["8s"]
    if ["cycles", "bursts"].contains(load) {
      config.experiments = ["steady-state:sleep-ms=500:host-page=2M/4K"]
    } else {
      config.experiments = ["steady-state:host-page=2M/4K"]
    }
    let runs = try (0..<2).map { _ in try MatrixRun.run(try Fixtures.matrix(config)) }
    func byKey(_ run: MatrixRun.Outcome) -> [RepetitionKey: [[String?]]] {
      Dictionary(uniqueKeysWithValues: run.observer.results.map { ($0.run.key, $0.experiment?.rows ?? []) })
    }
    #expect(byKey(runs[0]) == byKey(runs[1]))
    var hosts: [String: Double] = [:]
    for result in runs[0].observer.results {
      #expect(result.failure == nil)
      let row = try #require(try rows(result).first)
      let (host, used) = (try number(row, "host_bytes_mean"), try number(row, "used_bytes_mean"))
      let guest = Double(result.run.guest.bytes)
      #expect(used > 0 && used <= host && host <= guest, "\(row)")
      #expect(try abs(number(row, "host_byte_seconds") - host * 8) < 1)
      #expect(try number(row, "allocations") > 1000)
      // An operation takes 20 µs, and a burst may reach over the end.
      #expect(try number(row, "busy_ns") <= 8e9 + 2e6)
      let page = try #require(row["host_page"])
      let (small, split, huge) = (
        try number(row, "refaults_4k"), try number(row, "refaults_split"), try number(row, "refaults_2m")
      )
      if page == "4K" {
        #expect(split == 0 && huge == 0 && (row["host_splits"] == "0"))
      } else if result.run.identity.strategy.contains(":order=10:") {
        // Nothing smaller than a frame is reported.
        #expect(split == 0 && row["host_splits"] == "0", "\(row)")
      }
      if result.run.identity.strategy.contains("delay=100:") { #expect(small + split + huge > 0, "\(row)") }
      hosts[String(result.run.identity.strategy.split(separator: ":").dropFirst().prefix(3).joined()) + page] = host
    }
    #expect(hosts.count == 6)
    for page in ["2M", "4K"] {
      let byName = hosts.filter { $0.key.hasSuffix(page) }.sorted { $0.key < $1.key }.map(\.value)
      // order 0; order 10 by delay.
      #expect(byName.count == 3 && byName[0] <= byName[1] && byName[1] <= byName[2], "\(hosts)")
    }
  }

  @Test func byTheRealClockNothingIsKnownOfTheHost() throws {
    var config = config("steady-state", ["page-reporting:order=9:delay=5"], repetitions: 1)
    config.options["window"] = ["50ms"]
    config.options["load"] = ["cycles"]
    config.options["mutators"] = ["1"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    let result = try #require(run.observer.results.first)
    #expect(result.failure == nil && (result.run.bystanders.opsPerSecond ?? 0) > 0)
    let row = try #require(rows(result).first)
    for column in ["host_bytes_mean", "refaults_4k", "host_page", "busy_ns"] {
      #expect(row[column] == nil, "\(column)")
    }
  }

  @Test func aLoadIsNotNeededForTheSteadyState() throws {
    var config = config("steady-state", ["page-reporting:order=3:delay=5"], repetitions: 1)
    config.options["window"] = ["50ms"]
    config.options["load"] = ["none"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    let result = try #require(run.observer.results.first)
    #expect(result.failure == nil && result.run.load.mutators == 0)
    #expect(try number(try #require(rows(result).first), "freed_share_reported") > 0)
  }

  @Test func strategiesWithoutHooksAreRefusedByName() throws {
    let error = #expect(throws: UserError.self) {
      try Fixtures.matrix(config("steady-state", ["step-iterator"]))
    }
    #expect(error?.kind == .usage && error?.description.contains("react to frees") == true)
  }

  // MARK: contiguous

  @Test func nothingFailsWhereNobodyHoldsAndAllIsDrained() throws {
    var config = config("contiguous", ["none", "alloc-max-order"], guest: "5G", repetitions: 1) { $0.movable = 0.9 }
    config.options["window"] = ["10ms"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    #expect(run.observer.results.count == 8)
    var keys: Set<String> = []
    for result in run.observer.results {
      #expect(result.failure == nil)
      let own = try rows(result)
      #expect(own.count == 1)
      for row in own {
        keys.insert("\(row["range_bytes"] ?? "") \(row["drains_first"] ?? "")")
        #expect(try number(row, "tries") >= 4)
        guard row["drains_first"] == "true" else { continue }
        // A strategy that only takes what isn't movable holds nothing there.
        #expect(try number(row, "failures_per_1000") == 0, "\(result.run.identity.strategy): \(row)")
        #expect(try number(row, "success_ns_p50") > 0)
      }
    }
    // 2 MiB and 1 GiB, without and with draining.
    #expect(keys == ["2097152 false", "2097152 true", "1073741824 false", "1073741824 true"])
  }

  @Test func heldBlocksMakeRangesFail() throws {
    var config = config(
      "contiguous", ["page-reporting:order=9:isolate=take"], guest: "5G", repetitions: 1
    ) { $0.movable = 0.9 }
    // Drained, so that only the strategy is in the way.
    config.experiments = ["contiguous:range=1G:drain=true"]
    config.options["window"] = ["60ms"]
    config.options["host-ack-ns"] = ["2000000"]
    // 32 of some 1000 blocks are out for 2 ms at a time, while gigantic ranges span half of the zone. Real threads:
    // where others keep the CPUs busy a window can pass without both having run, so that there are several.
    var gigantic: [[String: String]] = []
    for _ in 0..<10 {
      let run = try MatrixRun.run(try Fixtures.matrix(config))
      let result = try #require(run.observer.results.first)
      #expect(result.failure == nil)
      gigantic += try rows(result)
      #expect(gigantic.last?["range_bytes"] == "1073741824" && gigantic.last?["drains_first"] == "true")
      if try gigantic.contains(where: { try number($0, "attempts_busy") > 0 }) { return }
    }
    Issue.record("no range met a block that was held: \(gigantic)")
  }

  @Test func aGuestWithoutAMovableZoneSaysSo() throws {
    var config = config("contiguous", ["none"], repetitions: 1)
    config.experiments = ["contiguous:range=2M:drain=true"]
    config.options["window"] = ["10ms"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    #expect(
      run.observer.failures.map(\.reason) == ["the guest has no ZONE_MOVABLE: expected --movable above 0, such as 0.8"])
    #expect(run.observer.runs.map(\.found.outcome) == [.error])
  }

  // MARK: migration

  @Test(arguments: ["none", "faults", "compile"])
  func hintsSpareAMigrationPagesAndLoseNone(load: String) throws {
    var config = config("migration", ["none", "walk-callback", "free-list-multi-buffer", "alloc-max-order"]) {
      $0.states = ["aged"]
    }
    config.options["load"] = [load]
    if load != "none" {
      config.options["mutators"] = ["2"]
      // Slower than pages are sent, or it would never end.
      config.options["mutator-rate"] = ["2000"]
    }
    config.options["bandwidth"] = ["100M"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    #expect(run.observer.results.count == 8)
    var sent: [String: Double] = [:]
    for result in run.observer.results {
      // Among what is asked here is whether a page was lost.
      #expect(result.failure == nil, "\(result.failure ?? "")")
      let row = try #require(try rows(result).first)
      let pages = try number(row, "pages_sent") + number(row, "pages_zero")
      let skipped = try number(row, "pages_skipped")
      // In the first round every page is looked at or skipped; later ones add.
      #expect(pages + skipped >= 65_536, "\(row)")
      #expect(row["has_converged"] == "true")
      #expect(try number(row, "downtime_ns") <= number(row, "total_ns"))
      #expect((row["operations"] != nil) == (load != "none"))
      let strategy = result.run.identity.strategy
      let applied = try number(row, "hints_applied")
      #expect((skipped > 0) == (strategy != "none") && (applied > 0) == (strategy != "none"), "\(strategy): \(row)")
      sent[String(strategy.prefix { $0 != ":" })] = try number(row, "bytes_sent")
    }
    for (strategy, bytes) in sent where strategy != "none" {
      #expect(bytes < (sent["none"] ?? 0), "\(strategy): \(sent)")
    }
  }

  /// A process that exits during a migration leaves pages on its CPU's lists, which decay, become free and are hinted:
  /// nobody's page may be taken for theirs.
  @Test(arguments: KernelVersion.allCases)
  func listsDecayDuringAMigrationAndNothingIsLost(kernel: KernelVersion) throws {
    var config = config("migration", ["walk-callback", "alloc-max-order"], repetitions: 1) {
      $0.states = ["aged"]
      $0.kernels = [kernel.rawValue]
    }
    config.options["load"] = ["faults"]
    config.options["mutators"] = ["2"]
    config.options["mutator-rate"] = ["2000"]
    // Some seconds.
    config.options["bandwidth"] = ["40M"]
    config.options["downtime-limit"] = ["2s"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    #expect(run.observer.results.count == 2)
    for result in run.observer.results {
      #expect(result.failure == nil, "\(result.failure ?? "")")
      #expect(result.run.found.bytesPCP != nil)
    }
  }

  /// The ticks of a migration's clock come at whole seconds, also without users, however the clock is advanced.
  @Test(arguments: [1e6, 7e8, 5e9]) func aMigrationsClockHasTicks(step: Double) throws {
    func guestAfterExit() throws -> Guest {
      var geometry = GuestGeometry.standard(bytes: 1 << 30, cpus: 2)
      geometry.kernel = .linux612
      let guest = try Guest(geometry)
      guest.fillFresh()
      var cpu = AnyGuestCPU(guest, cpu: 1)
      let pages = (0..<60_000).compactMap { _ in cpu.allocate(order: 0, .userMovable) }
      try #require(pages.count == 60_000)
      for pfn in pages { cpu.free(pfn: pfn, order: 0) }
      return guest
    }
    let twin = try guestAfterExit()
    var cpu = AnyGuestCPU(twin, cpu: 1)
    var expected = [twin.core.perCPUPages]
    for _ in 1...5 {
      cpu.decayPerCPULists()
      expected.append(twin.core.perCPUPages)
    }
    #expect(Set(expected).count == 6)
    let guest = try guestAfterExit()
    let load = MigrationLoad(guest, NoMemory(), .none, cpus: [], ticking: [0, 1], rate: 0, most: 0, seed: 1)
    var time = 0.0
    while time < 5e9 {
      time = min(time + step, 5e9)
      load.advance(to: time)
      #expect(guest.core.perCPUPages == expected[Int(time / 1e9)], "at \(time)")
    }
  }

  private struct NoMemory: UsedMemory {
    func take(_ block: Block) {}
    func rewrite(_ block: Block) {}
    func giveBack(_ block: Block) {}
  }

  /// init_on_alloc writes a block that is allocated for a hint: it is dirty, and has to be looked at again.
  @Test func blocksWrittenByPageInitialisationAreDirty() throws {
    func rows(_ pageInit: String) throws -> [[String: String]] {
      var config = config("migration", ["alloc-max-order"], repetitions: 1) { $0.states = ["aged"] }
      config.options["load"] = ["none"]
      config.options["page-init"] = [pageInit]
      config.options["bandwidth"] = ["100M"]
      let run = try MatrixRun.run(try Fixtures.matrix(config))
      return try run.observer.results.flatMap { result in
        #expect(result.failure == nil)
        return try self.rows(result)
      }
    }
    let (without, with) = (try #require(rows("none").first), try #require(rows("alloc").first))
    #expect(try number(without, "pages_zero") == 0, "used before, and nobody zeroed it")
    #expect(try number(with, "pages_zero") >= number(without, "pages_skipped"), "\(with)")
  }

  // MARK: ballooning

  /// What is counted there, in every row.
  private static let counts = [
    "moved_bytes", "balloon_kicks", "holds", "pages_per_hold_max", "mixed_bytes", "balloon_bytes", "kept_bytes",
    "huge_before", "huge_inflated", "huge_compacted", "huge_free_share", "balloon_pages_moved", "other_pages_moved",
    "compaction_kicks",
  ]

  @Test(arguments: [("fresh", "6.1"), ("aged", "6.1"), ("aged", "6.12"), ("aged", "mainline")])
  func aBalloonThatCanBeMovedGivesHugePagesBack(state: String, kernel: String) throws {
    var config = config("ballooning", ["none"]) {
      $0.states = [state]
      $0.kernels = [kernel]
    }
    config.options["window"] = ["10ms"]
    let runs = try (0..<2).map { _ in try MatrixRun.run(try Fixtures.matrix(config)) }
    func counted(_ run: MatrixRun.Outcome) throws -> [[String?]] {
      try run.observer.results.sorted {
        ($0.run.identity.cellID, $0.run.identity.repetition) < ($1.run.identity.cellID, $1.run.identity.repetition)
      }.flatMap { result in
        try rows(result).map { row in Self.counts.map { row[$0] } }
      }
    }
    // The seed decides what is counted.
    #expect(try counted(runs[0]) == counted(runs[1]))
    // A page in every way, blocks of higher orders unmovable, each by page and by list.
    #expect(runs[0].observer.results.count == 2 * (3 + 1 + 1) * 2)
    var compacted: [String: Double] = [:]
    for result in runs[0].observer.results {
      #expect(result.failure == nil, "\(result.failure ?? "")")
      let own = try rows(result)
      #expect(own.count == 1)
      for row in own {
        let size: Double = row["kind"] == "order0" ? 0x1p12 : row["kind"] == "2m" ? 0x1p21 : 0x1p22
        let entries = try number(row, "moved_bytes") / size
        let messages = (entries / 256).rounded(.up)
        #expect(try number(row, "balloon_kicks") == 2 * messages)
        // A hold for each entry and way, or one for each batch; the last look finds nothing and takes none.
        let isList = row["enqueue"] == "list"
        #expect(try number(row, "pages_per_hold_max") == (isList ? min(256, entries) : 1), "\(row)")
        #expect(try number(row, "holds") >= (isList ? 2 * messages : 2 * entries), "\(row)")
        #expect(try number(row, "inflate_gib_per_second") > 0 && number(row, "deflate_gib_per_second") > 0)
        #expect(try number(row, "inflate_hold_ns_p50") <= number(row, "inflate_hold_ns_max"))
        #expect(
          (row["huge_compacted"] != nil) == isList
            && (row["contended_deflate_ratio"] != nil) == (row["movable"] == "movable"))
        #if arch(x86_64)
          #expect(row["barrier_ns"] == nil)
        #endif
        guard isList else { continue }
        #expect(try number(row, "compaction_kicks") == 2 * number(row, "balloon_pages_moved"))
        #expect((try number(row, "balloon_pages_moved") > 0) == (row["movable"] == "movable"))
        #expect(try number(row, "huge_inflated") <= number(row, "huge_before"))
        #expect(try number(row, "huge_compacted") >= number(row, "huge_inflated"))
        #expect(try number(row, "balloon_bytes") + number(row, "kept_bytes") < number(row, "mixed_bytes"))
        if row["kind"] == "order0" {
          compacted["\(row["movable"] ?? "") \(result.run.identity.repetition)"] = try number(row, "huge_compacted")
        }
      }
    }
    for repetition in 0..<2 {
      let (movable, pinned) = (compacted["movable \(repetition)"], compacted["pinned \(repetition)"])
      #expect(try #require(movable) > (try #require(pinned)), "\(compacted)")
    }
  }

  @Test func aBalloonNeedsSinglePages() throws {
    var config = config("ballooning", ["none"], repetitions: 1) { $0.granule = "3" }
    config.options["window"] = ["10ms"]
    let error = #expect(throws: UserError.self) { try Fixtures.matrix(config) }
    #expect(error?.kind == .usage && error?.description.contains("ballooning needs --granule 0") == true)
  }

  // MARK: the matrix

  @Test func everyExperimentHasAMatrixOfItsOwnThatFits() throws {
    let host = Matrix.HostResources(cpus: 2, availableBytes: 12 << 30)
    for quick in [false, true] {
      let names = Experiments.all.map(\.name)
      let all = try Matrix(.standard(names, quick: quick), host: host)
      for card in Experiments.all {
        let own = all.cells.filter { $0.experimentCard.name == card.name }
        #expect(!own.isEmpty, "\(card.name)")
        #expect(own.allSatisfy { $0.configuredStrategy.map { card.takes($0.card) } ?? !card.takesStrategies })
        let alone = try Matrix(.standard([card.name], quick: quick), host: host)
        #expect(Set(alone.cells.map(\.id)) == Set(own.map(\.id)), "\(card.name)")
      }
      #expect(Set(all.cells.map(\.id)).count == all.cells.count)
    }
  }

  @Test func everySettingMakesAnotherCell() throws {
    func ids(_ change: (inout RunConfig) -> Void) throws -> Set<String> {
      var config = config("steady-state", ["page-reporting"])
      change(&config)
      return Set(try Fixtures.matrix(config).cells.map(\.id))
    }
    let changes: [(inout RunConfig) -> Void] = [
      { _ in }, { $0.options["host-ack-ns"] = ["1000"] }, { $0.options["window"] = ["1s"] },
      { $0.options["clock"] = ["virtual"] }, { $0.options["load"] = ["thp"] },
      { ($0.options["clock"], $0.options["mutator-rate"]) = (["virtual"], ["7"]) }, { $0.groups[0].movable = 0.5 },
    ]
    let all = try changes.map(ids)
    #expect(all.allSatisfy { $0.count == 1 })
    #expect(Set(all.flatMap { $0 }).count == changes.count)
  }

  @Test(arguments: [
    "{\"experiments\": [\"nothing\"]}", "{\"experiments\": [\"steady-state\"], \"clock\": \"sundial\"}",
    "{\"experiments\": [\"interference\"], \"window\": \"1ms\"}", "{\"host_ack_ns\": \"soon\"}",
    "{\"load\": \"order0,sleep\"}", "{\"experiments\": [\"steady-state\"], \"mutator_rate\": 0}",
  ])
  func whatMakesNoSenseIsRefused(text: String) throws {
    let decoded = try Fixtures.decode(text, groups: [Fixtures.group(["128M"], states: ["fresh"], ["page-reporting"])])
    let error = #expect(throws: UserError.self) { try Fixtures.matrix(decoded) }
    #expect(error?.kind == .usage, "\(text): \(String(describing: error))")
  }

  // MARK: a host that takes its time

  @Test func aSlowHostLosesHintsOfAWalkWithCallbacks() throws {
    // 2000 blocks of the highest order.
    var config = config("scan", ["walk-callback"], guest: "8G", repetitions: 1)
    config.options["host-ack-ns"] = ["0", "50000000"]
    let run = try MatrixRun.run(try Fixtures.matrix(config))
    let byAck = Dictionary(uniqueKeysWithValues: run.observer.runs.map { ($0.load.hostAckNs ?? -1, $0) })
    let ideal = try #require(byAck[0])
    let slow = try #require(byAck[50_000_000])
    #expect(ideal.found.outcome == .complete && ideal.found.blocksMissed == 0)
    // 1023 fit, and the host gives one back every 50 ms.
    #expect(slow.found.outcome == .limit)
    #expect((slow.found.blocksReported ?? 0) < (ideal.found.blocksReported ?? 0))
    #expect((slow.found.blocksMissed ?? 0) > 0)
  }
}
