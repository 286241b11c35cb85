import Experiments
import Foundation
import Records
import Testing

@testable import Reporting

@Suite("Tables")
struct ResultTableTests {
  /// A run of three strategies on two guests, the second with mutators, of five repetitions.
  static func sample() -> (cells: [CellRecord], runs: [RunRecord]) {
    let strategies = [
      "none", "record-unused-pages", "free-list-proportional-buffer", "page-reporting:order=9:capacity=32",
      "page-reporting:order=10:capacity=32",
    ]
    var cells: [CellRecord] = []
    var runs: [RunRecord] = []
    for (guest, granule) in [(UInt64(8) << 30, 0), (UInt64(4) << 40, 5)] {
      for (index, strategy) in strategies.enumerated() {
        let cell = "\(guest)-\(index)"
        let repetitions = (0..<5).map { repetition in
          var run = RunFixtures.run(cell: cell, repetition: repetition)
          run.identity.strategy = strategy
          run.guest.bytes = guest
          run.guest.granuleOrder = granule
          run.guest.order = index == 3 ? 9 : 10
          run.load.kind = granule > 0 ? "mixed" : "none"
          run.load.mutators = granule > 0 ? 3 : 0
          guard index > 0 else { return run }
          let drift = 1 + Double(repetition) / 50
          run.found.blocksDuplicate = index == 1 ? 17 : 0
          run.found.blocksMissed = repetition * 12
          run.found.blocksStale = 0
          run.sideEffects.blocksWithheldMax = index == 3 ? 32 : 0
          run.lock.acquisitions = 1536 * index
          run.lock.itemsPerHoldMax = 1048
          run.lock.holdNsP99 = 5120 * drift
          run.lock.holdNsMax = 105_120 * drift
          run.lock.holdNsMaxUndisturbed = (index == 1 ? 81_000 : 4400) * drift
          run.lock.holdsPreempted = 1
          run.lock.waitNsP99 = 220 * drift
          run.speed.msPerTiB = 12.345 * drift * Double(index)
          run.speed.nsPerBlock = 157 * drift
          run.speed.guestCPUNs = 98_765 * drift
          if granule > 0 {
            run.bystanders.opsPerSecond = 1_234_567 * drift
            run.bystanders.allocNsP99 = 812 * drift
            run.bystanders.irqoffNsP99 = 93_000 * drift
          }
          return run
        }
        runs += repetitions
        cells.append(
          CellSummary.record(
            of: repetitions, limitNsPerBlock: 120, holdLimitNs: 50_000,
            lockHoldNsMaxOwn: index == 0 ? nil : index == 1 ? 80_000 : 4_300)!)
      }
    }
    return (cells, runs)
  }

  @Test("fits the width, groups by guest, and says what each figure is")
  func layout() {
    let (cells, runs) = Self.sample()
    let text = ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta).text
    print(text)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for line in lines { #expect(line.count <= 160 && line.last != " ", "\(line)") }
    let exact = lines.firstIndex { $0.contains("8 GiB guest") }
    let bound = lines.firstIndex { $0.contains("4 TiB guest") }
    #expect(exact != nil && bound != nil)
    guard let exact, let bound else { return }
    // Times of the guest with a granule are marked, of the exact one not.
    #expect(!lines[exact..<bound].contains { $0.contains("≥") })
    let row = lines[bound...].first { $0.hasPrefix("record-unused-p") } ?? ""
    #expect(
      row.contains("≥12.8 (12.3–13.3)") && row.contains("≥84.2! (81.0–87.5)") && row.contains(" 5/5 ")
        && row.contains("0–48"))
    // Options are shown where cells differ in them.
    #expect(text.contains("page-reporting:order=9 ") && !text.contains("capacity"))
    #expect(lines.contains { $0.hasPrefix("none ") && $0.contains(" - ") })
    // Bystanders only where there are any.
    #expect(text.components(separatedBy: "irq-off p99 µs").count == 2)
    for part in [
      "10 cells of 5 repetitions each", "floor: 120 ns per block",
      "Hold limit: 50 µs; of 10 cells 6 within, 2 beyond (!), 2 without a hold that was timed.",
      "Not measured: cycles (no counters here).", "ms/TiB", "CPU ms", "hold µs", ">limit", "own µs", "free %",
    ] {
      #expect(text.contains(part), "\(part)")
    }
  }

  @Test("cells with preempted repetitions are marked, with how many")
  func preempted() throws {
    var (cells, runs) = Self.sample()
    let quiet = ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta).text
    #expect(!quiet.contains("*"))
    // Watched, and nothing happened.
    for index in cells.indices { cells[index].preemptedRepetitions = 0 }
    #expect(ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta).text == quiet)
    cells[1].preemptedRepetitions = 2
    cells[3].preemptedRepetitions = 5
    let text = ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta).text
    let lines = text.split(separator: "\n")
    for mark in [" complete *2", " complete *5"] { #expect(lines.count { $0.hasSuffix(mark) } == 1, "\(mark)") }
    #expect(lines.contains { $0.hasPrefix("*N after an outcome") })
    #expect(
      text.split { $0 == " " || $0 == "\n" }.joined(separator: " ").contains(
        "They are kept: 7 of 50 repetitions, in 2 of 10 cells."))
    for line in lines { #expect(line.count <= 160, "\(line)") }
    // Behind whatever the outcomes are.
    runs[5].found.outcome = .limit
    #expect(ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta).text.contains("4 complete, 1 limit *2\n"))
  }

  @Test("so are those of an experiment's own table")
  func preemptedInAnExperiment() throws {
    let card = try #require(Experiments.all.first { $0.name == "interference" })
    var (cells, runs) = Self.sample()
    for index in cells.indices { cells[index].experiment = card.name }
    for index in runs.indices { runs[index].identity.experiment = card.name }
    let rows = cells.map { ["cell_id": $0.cellID, "repetition": "0", "ops_ratio": "0.5"] }
    func text() throws -> String { try #require(ExperimentTable(card, cells: cells, runs: runs, rows: rows).text) }
    #expect(try !text().contains("preempted"))
    for index in cells.indices { cells[index].preemptedRepetitions = 0 }
    #expect(try !text().contains("preempted"))
    cells[2].preemptedRepetitions = 3
    let marked = try text()
    #expect(marked.split(separator: "\n").filter { $0.contains(" *3 ") }.count == 1, "\(marked)")
    #expect(marked.contains("preempted *N: a measured thread was preempted in N repetitions of the cell"))
  }

  @Test("an experiment's own table tells kernels apart, and names the one that all follow")
  func kernelsInAnExperiment() throws {
    let card = try #require(Experiments.all.first { $0.name == "ballooning" })
    var (cells, runs) = Self.sample()
    for index in cells.indices { cells[index].experiment = card.name }
    for index in runs.indices { runs[index].identity.experiment = card.name }
    let rows = cells.map { ["cell_id": $0.cellID, "repetition": "0", "inflate_gib_per_second": "2"] }
    func text(_ kernels: [String]) throws -> String {
      for (number, cell) in cells.enumerated() {
        for index in runs.indices where runs[index].identity.cellID == cell.cellID {
          runs[index].guest.kernelRules = kernels[number % kernels.count]
        }
      }
      return try #require(ExperimentTable(card, cells: cells, runs: runs, rows: rows).text)
    }
    for kernel in ["6.1", "mainline"] {
      #expect(try text([kernel]).hasPrefix("ballooning: kernel \(kernel), "))
    }
    let several = try text(["6.1", "6.12", "mainline"])
    for kernel in [" 6.1 ", " 6.12 ", " mainline "] { #expect(several.contains(kernel), "\(kernel) in \(several)") }
  }

  @Test(
    "an experiment's table that is too wide comes in parts, of which each tells its rows apart",
    arguments: [60, 90, 160])
  func wideTablesOfAnExperiment(width: Int) throws {
    let card = try #require(Experiments.all.first { $0.name == "delivery" })
    var (cells, runs) = Self.sample()
    for index in cells.indices { cells[index].experiment = card.name }
    for index in runs.indices { runs[index].identity.experiment = card.name }
    let metrics = card.columns.filter { !$0.isKey && $0.isPrimary }.map(\.name)
    let rows = cells.flatMap { cell in
      ["eventfd", "polled"].map { notification in
        ["cell_id": cell.cellID, "repetition": "0", "notification": notification].merging(
          zip(metrics, 1...).map { ($0, "\(100 + $1)") }, uniquingKeysWith: { $1 })
      }
    }
    func text(_ width: Int) throws -> String {
      try #require(ExperimentTable(card, cells: cells, runs: runs, rows: rows, width: width).text)
    }
    let whole = try text(10_000)
    let parts = try text(width)
    let count = { (text: String) in text.components(separatedBy: "notification").count - 1 }
    #expect(count(whole) == 1 && count(parts) > 1)
    func figures(_ text: String) -> [Substring] {
      text.split { " \n".contains($0) }.filter { Int($0) ?? 0 > 100 }.sorted()
    }
    #expect(figures(whole) == figures(parts) && figures(parts).count == rows.count * metrics.count)
    for part in parts.components(separatedBy: "\n\n") {
      #expect(part.contains("polled") && part.contains("record-unused-pages"), "\(part)")
    }
    if width == 160 { for line in parts.split(separator: "\n") { #expect(line.count <= width, "\(line)") } }
  }

  @Test("what a column is stands below where there is such a column, and limits where something is held against them")
  func legend() throws {
    let (cells, runs) = Self.sample()
    let all = ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta).text
    #expect(all.contains("own µs:") && all.contains("Hold limit"))
    var bare = cells
    for index in bare.indices {
      bare[index].lockHoldNsMaxOwn = nil
      bare[index].holdLimitVerdict = nil
      bare[index].limitNsPerBlock = nil
      bare[index].metrics = [:]
    }
    let none = ResultTable(cells: bare, runs: runs, meta: RunFixtures.meta).text
    for part in ["hold µs:", "ms/TiB", "Hold limit", "floor was not measured"] {
      #expect(!none.contains(part), "\(part)")
    }
  }

  @Test("where only outcomes are left to say, those that aren't complete are said, once each")
  func outcomesAlone() throws {
    func text(_ outcomes: [(strategy: String, outcome: RunOutcome)]) throws -> String {
      let runs = outcomes.enumerated().map { index, given in
        var run = RunFixtures.run(cell: "\(index)", repetition: 0)
        run.identity.strategy = given.strategy
        run.found = .init(outcome: given.outcome)
        run.speed = .init()
        return run
      }
      let cells = try runs.map { try #require(CellSummary.record(of: [$0], limitNsPerBlock: nil, holdLimitNs: nil)) }
      return ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta).text
    }
    let all = try text([("walk-callback", .complete), ("pluck-buffer", .complete)])
    #expect(!all.contains("walk-callback") && !all.contains("Not complete"))
    let some = try text([
      ("walk-callback", .complete), ("pluck-buffer", .noBuffer), ("pluck-buffer", .noBuffer), ("pluck-buffer", .limit),
    ])
    let rows = some.split(separator: "\n").filter { $0.hasPrefix("pluck-buffer") }
    #expect(rows.count == 2 && !some.contains("walk-callback") && some.contains("Not complete in every repetition:"))
  }

  @Test("what was counted is shown as it is and a block, where anything was")
  func counted() throws {
    var (cells, runs) = Self.sample()
    #expect(!ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta).text.contains("Hardware events:"))
    cells.removeAll { ($0.granuleOrder ?? 0) > 0 }
    for index in runs.indices where runs[index].identity.strategy == "record-unused-pages" {
      runs[index].found.blocksReported = 117
      runs[index].counters = .init(instructions: 1500 + index % 5, llcMisses: 200, source: "simulated")
    }
    let text = ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta).text
    let lines = text.split(separator: "\n").map(String.init)
    let start = try #require(lines.firstIndex(of: "Hardware events:"))
    #expect(
      lines[start + 1].contains("instructions per block LLC misses per block"), "no column of what wasn't counted")
    let row = try #require(lines[start...].first { $0.hasPrefix("record-unused-pages") })
    // The median of five, by 117 blocks of which 17 are named twice.
    #expect(row.split(separator: " ").dropFirst() == ["1502", "15.0", "200", "2.00"], "\(row)")
    #expect(lines[start...].contains { $0.hasPrefix("none ") && $0.hasSuffix("-") })
  }

  @Test("a narrow terminal gets the table in parts, and no name is cut", arguments: [80, 120])
  func narrow(width: Int) {
    var (cells, runs) = Self.sample()
    let long = "page-reporting:order=10:capacity=32:delay=2000:restarts=1"
    for index in cells.indices where cells[index].strategy.contains("order=10") { cells[index].strategy = long }
    for index in cells.indices where cells[index].strategy.contains("order=9") {
      cells[index].strategy = "page-reporting:order=9:capacity=16:delay=1:restarts=2"
    }
    let text = ResultTable(cells: cells, runs: runs, meta: RunFixtures.meta, width: width).text
    for line in text.split(separator: "\n") { #expect(line.count <= width && !line.contains("…"), "\(line)") }
    #expect(text.contains("free-list-proportional-buffer"))
    // A name that is too long goes on below, between its options.
    #expect(text.contains("page-reporting:order=10") && text.contains("\n  :capacity=32:delay=2000"), "\(text)")
    let parts = text.components(separatedBy: "\nstrategy ").count - 1
    #expect(parts > 2)
  }

  @Test("the answer names who is ahead, and who isn't told apart")
  func answer() throws {
    var (cells, runs) = Self.sample()
    cells.removeAll { ($0.granuleOrder ?? 0) > 0 }
    func lines() -> [String] { ResultAnswer(cells, names: cells.map(\.strategy)).lines }
    func set(_ index: Int, _ metric: String, _ values: [Double]) {
      cells[index].metrics[metric] = MetricSummary(values)
    }
    for index in cells.indices { set(index, "coverage_free", [0, 0, 0, 0, 0]) }
    #expect(lines().isEmpty, "nothing is reported")
    for index in 1..<cells.count {
      set(index, "coverage_free", Array(repeating: index == 2 ? 0.5 : 0.99, count: 5))
      set(index, "guest_cpu_ns", (0..<5).map { 1000 * Double(index) + 400 * Double($0) })
    }
    let found = lines()
    // Both of page-reporting have the shortest hold, and 1800 to 2600 lies apart from 3000 and more.
    try #require(found.count == 1, "\(found)")
    #expect(
      found[0].contains(
        "widest coverage: record-unused-pages, page-reporting:order=9:capacity=32, page-reporting:order=10:capacity=32 "
          + "at 99.0 % of free memory (1 with less than nine tenths of it not compared)"), "\(found)")
    #expect(found[0].contains("cheapest: record-unused-pages at 1.80 µs of CPU time"), "\(found)")
    set(3, "guest_cpu_ns", [2500, 3000, 3100, 3200, 3300])
    #expect(
      lines()[1].contains("lower cost of record-unused-pages than of page-reporting:order=9:capacity=32"), "\(lines())")
    cells[1].holdLimitVerdict = .notEnoughData
    #expect(lines()[1].contains("whether record-unused-pages is within the limit"), "\(lines())")
    for index in cells.indices { cells[index].repetitions = 3 }
    #expect(lines()[1].hasPrefix("Not shown: any difference; that takes at least 5 repetitions"))
    for index in cells.indices { cells[index].oversubscribed = true }
    #expect(lines().isEmpty)
    _ = runs.popLast()
  }

  @Test("no cells and no repetitions are no fault")
  func empty() {
    #expect(ResultTable(cells: [], runs: [], meta: RunFixtures.meta).text.hasPrefix("No cells"))
    let cell = CellRecord.blank
    #expect(ResultTable(cells: [cell], runs: [], meta: RunFixtures.meta).text.contains("outcome"))
  }

  @Test(
    "figures have three digits",
    arguments: [
      (0, "0"), (0.012345, "0.0123"), (9.996, "10.0"), (99.96, "100"), (1.5, "1.50"), (12345.6, "12346"),
      (-2.345, "-2.35"), (0.09996, "0.100"), (1e-9, "0.00000000100"), (.nan, "-"),
    ] as [(Double, String)])
  func figures(value: Double, text: String) {
    #expect(Figure.number(value) == text)
  }

  @Test("sizes and times are shown in their unit")
  func units() {
    #expect(Figure.bytes(8 << 30) == "8 GiB")
    #expect(Figure.bytes(3 << 39) == "1.50 TiB")
    #expect(Figure.bytes(4096) == "4 KiB")
    #expect(Figure.time(ns: 50_000) == "50 µs")
    #expect(Figure.time(ns: 1500) == "1.50 µs")
    #expect(Figure.time(ns: 20) == "20 ns")
  }

  @Test("a listing aligns its columns and cuts nothing")
  func listing() {
    let text = TextListing(titles: ["name", "what"], rows: [["a", "first"], ["longer-name", "second, longer"]]).text
    #expect(
      text == """
        name        what
        ----------- --------------
        a           first
        longer-name second, longer

        """)
    #expect(TextListing(titles: ["name"], rows: []).text == "")
  }
}
