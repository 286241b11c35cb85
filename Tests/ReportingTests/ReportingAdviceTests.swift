import Experiments
import Foundation
import Records
import TestSupport
import Testing

@testable import Reporting

@Suite("Advice on reporting, and its figure")
struct ReportingAdviceTests {
  private static let columns = [
    "clock", "window_ns", "batches", "host_page", "host_bytes_mean", "used_bytes_mean", "refaults_4k", "refaults_split",
    "refaults_2m", "p99_refaults_4k", "p99_refaults_split", "p99_refaults_2m", "busy_ns", "host_splits", "free_50_ns",
    "free_90_ns", "free_99_ns",
  ]

  /// A setting: GiB with the host, and first touches of the three kinds in a second of busy time.
  private struct Setting {
    var strategy: String
    var gib: Double
    var small = 0
    var split = 0
    var huge = 0
    var load = "cycles"
  }

  private static var meta: RunMeta {
    var meta = RunFixtures.meta
    meta.limits = [
      "machine": [
        "first_touch_4kib_ns": ["median": 1000, "lowest": 900, "highest": 1100],
        "first_touch_split_ns": ["median": 2000.5, "lowest": 900, "highest": 3000],
        "first_touch_2mib_ns": ["median": 100_000, "lowest": 1, "highest": 1_000_000],
      ]
    ]
    return meta
  }

  private func withRun<Result>(
    _ settings: [Setting], meta: RunMeta = meta, columns: [String] = columns, _ body: (String) throws -> Result
  ) throws -> Result {
    try RunFixtures.withFolder { folder in
      do {
        let run = try RunFolder.create(at: folder + "/run", meta: meta)
        for setting in settings {
          var record = RunFixtures.run(
            cell: CellID.make(from: [("s", setting.strategy), ("l", setting.load)]), repetition: 0)
          record.identity.experiment = "steady-state"
          record.identity.experimentOptions = "clock=virtual:load=\(setting.load)"
          record.identity.strategy = setting.strategy
          record.guest.bytes = 4 << 30
          record.load.kind = setting.load
          let values: [String] = [
            "virtual", "60000000000", "10", "2M", "\(setting.gib * 0x1p30)", "\(0x1p30)", "\(setting.small)",
            "\(setting.split)", "\(setting.huge)", "1", "0", "0", "1000000000", "0", "1000000000", "2000000000", "",
          ]
          let named = Dictionary(uniqueKeysWithValues: zip(Self.columns, values))
          try run.commit(
            record,
            experiment: ExperimentRows(
              experiment: "steady-state", columns: columns,
              rows: [columns.map { name in named[name].flatMap { $0.isEmpty ? nil : $0 } }]))
        }
      }
      return try body(folder + "/run")
    }
  }

  private func advice(_ settings: [Setting], mostCost: Double) throws -> ReportingAdvice {
    try withRun(settings) { try ReportingAdvice(try RunReader(path: $0), mostCost: mostCost) }
  }

  private static let settings = [
    Setting(strategy: "a:order=0", gib: 1.5, split: 500_000), Setting(strategy: "b:order=9", gib: 2, small: 10_000),
    Setting(strategy: "b:order=10", gib: 3, huge: 20), Setting(strategy: "c:order=9", gib: 3.5, small: 50_000),
  ]

  @Test("the least memory among those that are cheap enough, and nothing where none is")
  func choice() throws {
    // Shares of 0.5, 0.0099, 0.002 and 0.0476.
    for (most, expected) in [
      (1.0, "a:order=0"), (0.49, "b:order=9"), (0.01, "b:order=9"), (0.009, "b:order=10"), (0.001, nil),
    ] {
      let advice = try advice(Self.settings, mostCost: most)
      #expect(advice.groups.count == 1 && advice.groups[0].choice?.strategy == expected, "\(most)")
      #expect(advice.isMet == (expected != nil) && advice.unmet == (expected == nil ? 1 : 0))
      #expect(advice.groups[0].front == ["a:order=0", "b:order=9", "b:order=10"])
      #expect(advice.text.contains(expected.map { "Advice: \($0)\n" } ?? "the least is 0.200 %"), "\(advice.text)")
    }
  }

  @Test("a cost is first touches times this machine's, over them and the busy time")
  func cost() throws {
    let points = try advice(Self.settings, mostCost: 1).groups[0].points
    #expect(points.map(\.strategy) == ["a:order=0", "b:order=9", "b:order=10", "c:order=9"])
    let times: [Double] = [500_000 * 2000.5, 10_000 * 1000, 20 * 100_000, 50_000 * 1000]
    for (point, time) in zip(points, times) {
      #expect(abs(point.costShare - time / (1e9 + time)) < 1e-12)
      #expect(point.p99Ns == 1000 && point.reachedNs == [1e9, 2e9, nil])
      #expect(abs(point.gibMinutes - point.hostBytes / 0x1p30) < 1e-9)
    }
  }

  @Test("each load has its own advice")
  func loads() throws {
    let settings = ["cycles", "build"].flatMap { load in
      Self.settings.map { setting in
        var setting = setting
        setting.load = load
        if load == "build" { setting.small += 1_000_000 }
        return setting
      }
    }
    let advice = try advice(settings, mostCost: 0.02)
    #expect(advice.count == 2 && advice.unmet == 1)
    #expect(Set(advice.groups.map { $0.choice?.strategy }) == ["b:order=9", nil])
  }

  @Test("what wasn't measured is no advice")
  func nothing() throws {
    func error(_ meta: RunMeta = Self.meta, without column: String? = nil) throws -> UserError? {
      try withRun(Self.settings, meta: meta, columns: Self.columns.filter { $0 != column }) { path in
        do throws(UserError) { _ = try ReportingAdvice(try RunReader(path: path), mostCost: 1) } catch { return error }
        return nil
      }
    }
    #expect(try error() == nil)
    #expect(try error(RunFixtures.meta)?.problem == "the run has no cost of a first touch")
    for column in ["host_bytes_mean", "busy_ns", "refaults_split"] {
      let found = try error(without: column)
      #expect(found?.kind == .input && found?.problem.contains("no cell of steady-state") == true, "\(column)")
    }
    // Where the kernel gives no huge pages, what needs their cost has none.
    var meta = Self.meta
    meta.limits = ["machine": ["first_touch_4kib_ns": ["median": 1000]]]
    let points = try withRun(Self.settings, meta: meta) {
      try ReportingAdvice(try RunReader(path: $0), mostCost: 1).groups[0].points
    }
    #expect(points.map(\.strategy) == ["b:order=9", "c:order=9"])
  }

  @Test("the front is what no other beats", arguments: TestSeeds.first(50))
  func front(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let points = (0..<40).map { _ in (x: Double(random.next() % 12), y: Double(random.next() % 12)) }
    func isBeaten(_ point: (x: Double, y: Double)) -> Bool {
      points.contains { $0.x <= point.x && $0.y <= point.y && ($0.x, $0.y) != (point.x, point.y) }
    }
    let front = ParetoFront.of(points, \.x, \.y)
    #expect(front.allSatisfy { !isBeaten($0) }, "seed \(seed)")
    let expected = Set(points.filter { !isBeaten($0) }.map { [$0.x, $0.y] })
    #expect(Set(front.map { [$0.x, $0.y] }) == expected && front.count == expected.count, "seed \(seed)")
    #expect(zip(front, front.dropFirst()).allSatisfy { $0.x < $1.x && $0.y > $1.y }, "seed \(seed)")
  }

  @Test("a line for each design and order, the front, and what is used")
  func figure() throws {
    let plots = try withRun(Self.settings) { path in
      try ReportFixtures.page([path]).1.filter { $0.name.hasPrefix("steady-state-footprint") }
    }
    let panel = try #require(plots.first?.panels.first)
    #expect(plots.count == 1 && plots[0].panels.count == 1)
    let labels = Set(panel.series.compactMap(\.label))
    #expect(labels.isSuperset(of: ["frontier", "used"]) && labels.count == 2 + 3, "\(labels)")
    let marks = panel.series.filter { $0.line == .dotted && $0.hasMarks }.flatMap(\.points)
    #expect(Set(marks.map(\.x)) == [1.5, 2, 3, 3.5])
    let front = try #require(panel.series.first { $0.label == "frontier" })
    // Three, and the two ends at the panel's edges.
    #expect(front.points.count == 5 && front.points[1].x == 1.5 && front.points[3].x == 3)
  }
}
