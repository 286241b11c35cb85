import Records
import TestSupport
import Testing

@Suite("Summary of a cell")
struct CellSummaryTests {
  @Test("median, extremes and interval of what was measured")
  func metrics() throws {
    let values: [Double] = [5, 1, 4, 2, 3, 100]
    let runs = values.enumerated().map { RecordFixtures.run(repetition: $0, nsPerBlock: $1) }
    let cell = try #require(
      CellSummary.record(of: runs, limitNsPerBlock: 2, holdLimitNs: 50_000, lockHoldNsMaxRepeatable: 50_000))
    let summary = cell[metric: "ns_per_block"]
    #expect(summary.median == 3.5)
    #expect(summary.lowest == 1 && summary.highest == 100)
    #expect(summary.intervalLow == 1 && summary.intervalHigh == 100)
    #expect(abs(try #require(cell.intervalConfidence) - 0.96875) < 1e-12)
    #expect(cell.nsPerBlockToLimit == 1.75)
    #expect(cell.withinHoldLimit == true)
    #expect(cell.repetitions == 6)
    #expect(cell[metric: "coverage"] == MetricSummary())
    #expect(cell.cellID == "c0" && cell.strategy == "none" && cell.guestBytes == 8 << 30)
  }

  @Test("a metric that some repetitions lack lowers the confidence")
  func partlyMeasured() throws {
    var runs = (0..<10).map { RecordFixtures.run(repetition: $0, nsPerBlock: Double($0)) }
    runs[0].found.coverage = 1
    runs[1].found.coverage = 1
    let cell = try #require(CellSummary.record(of: runs))
    #expect(cell.intervalConfidence == 0.5)
  }

  @Test("preempted repetitions are counted, and those that ended in an error are not")
  func preempted() throws {
    var runs = (0..<5).map { RecordFixtures.run(repetition: $0, outcome: $0 == 4 ? .error : .complete, nsPerBlock: 3) }
    #expect(runs[0].isPreempted == nil && CellSummary.record(of: runs)?.preemptedRepetitions == nil)
    for (index, switches) in [0, 2, nil, 1, 7].enumerated() { runs[index].trust.involuntarySwitches = switches }
    #expect(runs.map(\.isPreempted) == [false, true, nil, true, true])
    let cell = try #require(CellSummary.record(of: runs))
    #expect(cell.preemptedRepetitions == 2 && cell.repetitions == 4)
    #expect(CellSummary.record(of: [runs[0]])?.preemptedRepetitions == 0)
  }

  @Test("a limit that isn't known gives no verdict, a broken one is told")
  func verdict() throws {
    let runs = [RecordFixtures.run(nsPerBlock: 3)]
    #expect(try #require(CellSummary.record(of: runs)).withinHoldLimit == nil)
    #expect(try #require(CellSummary.record(of: runs, holdLimitNs: 1)).withinHoldLimit == nil)
    #expect(try #require(CellSummary.record(of: runs)).nsPerBlockToLimit == nil)
    let cell = try #require(CellSummary.record(of: runs, holdLimitNs: 1, lockHoldNsMaxRepeatable: 2))
    #expect(cell.withinHoldLimit == false)
  }

  @Test("repetitions that ended in an error count for nothing")
  func errors() throws {
    let runs = [
      RecordFixtures.run(repetition: 0, nsPerBlock: 3),
      RecordFixtures.run(repetition: 1, outcome: .error, nsPerBlock: 9),
    ]
    let cell = try #require(CellSummary.record(of: runs))
    #expect(cell.repetitions == 1)
    #expect(cell[metric: "ns_per_block"].highest == 3)
    #expect(CellSummary.record(of: []) == nil)
    let failed = try #require(CellSummary.record(of: [runs[1]]))
    #expect(failed.repetitions == 0 && failed.intervalConfidence == nil)
  }
}
