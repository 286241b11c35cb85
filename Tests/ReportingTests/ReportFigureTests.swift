import Experiments
import Foundation
import Records
import Testing

@testable import Reporting

/// What figures show, before gnuplot draws them.
@Suite("A report's figures")
struct ReportFigureTests {
  private func plot(_ name: String, _ plots: [Plot]) throws -> Plot {
    try #require(plots.first { $0.name == name || $0.name == name + "-1" }, "\(plots.map(\.name))")
  }

  @Test("oversubscribed cells are in no figure, are named, and stay in the tables")
  func oversubscribed() throws {
    try RunFixtures.withFolder { folder in
      try ReportFixtures.write(to: folder + "/run")
      let (page, plots) = try ReportFixtures.page([folder + "/run"])
      let series = plots.flatMap(\.panels).flatMap(\.series)
      #expect(!series.contains { $0.label == ReportFixtures.oversubscribed })
      #expect(!series.flatMap(\.points).contains { $0.y == ReportFixtures.oversubscribedMarker })
      #expect(!plots.flatMap(\.panels).flatMap(\.y.tics).contains { $0.label == ReportFixtures.oversubscribed })
      let scan = try #require(page.sections.first { $0.name == "scan" })
      #expect(
        scan.lead.contains {
          $0.contains("4 oversubscribed cells")
            && $0.contains("64 GiB guest, aged, churned lists, granule 0 (exact): walk-callback")
        })
      #expect(
        !scan.figures.isEmpty && scan.figures.allSatisfy { $0.captions.contains { $0.contains("Oversubscribed") } })
      #expect(scan.tables.contains { table in table.rows.contains { $0[0] == ReportFixtures.oversubscribed } })
    }
  }

  @Test("guests of a granule above 0 are dashed, and on no line with exact ones")
  func coarse() throws {
    try RunFixtures.withFolder { folder in
      try ReportFixtures.write(to: folder + "/run")
      let (page, plots) = try ReportFixtures.page([folder + "/run"])
      let exact = Double(200 << 30)
      for name in ["scan-hold-by-size", "scan-cost-by-size"] {
        let lines = try plot(name, plots).panels.flatMap(\.series).filter { $0.hasMarks && $0.style != .ring }
        let variants = lines.filter { $0.style != .limit }
        #expect(
          variants.contains { $0.line == .dashed } && variants.contains { $0.line == .solid && $0.points.count == 2 })
        for line in lines {
          let coarse = line.points.count { $0.x > exact }
          #expect(coarse == 0 || coarse == line.points.count, "\(name): \(line)")
          if line.style != .limit { #expect((line.line == .dashed) == (coarse > 0), "\(name): \(line)") }
        }
      }
      let steps = try plot("scan-hold-distribution", plots).panels
      for panel in steps {
        let isCoarse = panel.title.contains("4 TiB")
        #expect(panel.series.contains { $0.line == (isCoarse ? .dashedSteps : .steps) }, "\(panel.title)")
        #expect(!panel.series.contains { $0.line == (isCoarse ? .steps : .dashedSteps) }, "\(panel.title)")
      }
      let captions = page.sections.flatMap(\.figures).map { $0.captions.joined() }
      #expect(!captions.isEmpty && captions.allSatisfy { $0.contains("lower bounds") })
    }
  }

  @Test("cells that differ in more than variant and size have separate panels")
  func panels() throws {
    try RunFixtures.withFolder { folder in
      try ReportFixtures.write(to: folder + "/run")
      let (_, plots) = try ReportFixtures.page([folder + "/run"])
      let sweep = try plot("scan-hold-by-size", plots)
      #expect(sweep.panels.count == 2)
      #expect(sweep.panels.map { $0.title.contains("fresh") } == [true, false])
      #expect(sweep.panels.map { $0.title.contains("aged") } == [false, true])
      // A panel a guest where the guest isn't an axis.
      #expect(try plot("scan-frontier", plots).panels.count == 6)
      // Strategies of one strategy that differ in options have other marks; one strategy has the same mark everywhere.
      let marks = Dictionary(
        grouping: plots.flatMap(\.panels).flatMap(\.series).filter { $0.label != nil && $0.hasMarks }
      ) {
        $0.label ?? ""
      }
      for (label, series) in marks { #expect(Set(series.map(\.style)).count == 1, "\(label)") }
    }
  }

  @Test("two machines or commits share no panel, two runs of one do but no line")
  func severalRuns() throws {
    try RunFixtures.withFolder { folder in
      try ReportFixtures.write(to: folder + "/a", sizes: [(8 << 30, 0)], states: ["fresh"])
      try ReportFixtures.write(to: folder + "/b", runID: "r2", sizes: [(64 << 30, 0)], states: ["fresh"])
      let (page, plots) = try ReportFixtures.page([folder + "/a", folder + "/b"])
      let sweep = try plot("scan-cost-by-size", plots)
      #expect(sweep.panels.count == 1)
      #expect(sweep.panels[0].series.filter { $0.style != .limit }.allSatisfy { $0.points.count == 1 })
      #expect(page.runs.count == 2)

      let file = folder + "/b/meta.json"
      let text = try RunFixtures.text(file).replacing("\"commit\" : \"abc\"", with: "\"commit\" : \"def\"")
      try RunFixtures.write(Array(text.utf8), to: file)
      let (other, others) = try ReportFixtures.page([folder + "/a", folder + "/b"])
      let apart = try plot("scan-cost-by-size", others)
      #expect(apart.panels.count == 2)
      #expect(apart.panels.map { $0.title.contains("commit abc") } == [true, false])
      #expect(other.lead.contains { $0.contains("2 machines or builds") })
    }
  }

  @Test("the limit is broken between sizes that were measured")
  func breaks() throws {
    func cell(_ gib: UInt64, _ hold: Double?, granule: Int = 0) -> ReportCell? {
      var run = RunFixtures.run(cell: "\(gib)", repetition: 0)
      run.guest.bytes = gib << 30
      run.guest.granuleOrder = granule
      run.lock.holdNsMax = hold
      // As few as decide.
      let runs = Array(repeating: run, count: 5)
      return CellSummary.record(of: runs, holdLimitNs: 50_000).map { ReportCell($0, runs: runs, place: "", run: 0) }
    }
    func verdict(_ cells: ReportCell?...) -> String { BreakTable.verdict(cells.compactMap { $0 }) }
    #expect(
      verdict(cell(8, 4000), cell(64, 60_000), cell(128, 70_000))
        == "beyond at 64 GiB (60.0 µs), within at 8 GiB (4.00 µs)")
    #expect(verdict(cell(64, 60_000)) == "beyond at 64 GiB (60.0 µs), the smallest measured")
    #expect(
      verdict(cell(8, 4000), cell(64, 5000, granule: 9)) == "within up to 64 GiB (≥5.00 µs), the largest measured")
    // What is within beyond the first that isn't proves nothing.
    #expect(verdict(cell(8, 60_000), cell(64, 5000)) == "beyond at 8 GiB (60.0 µs), the smallest measured")
    #expect(verdict(cell(8, nil)) == "-")
  }

  @Test("the share of longer holds falls at each bucket")
  func distribution() {
    func bucket(_ upper: Double, _ count: Int) -> HoldBucketRecord {
      .init(runID: "r", cellID: "c", repetition: 0, phase: .collect, kind: .hold, upperNs: upper, count: count)
    }
    let points = HoldCurves(y: "") { Double($0.count) }.points([bucket(500, 2), bucket(100, 7), bucket(9000, 1)])
    #expect(points.map(\.x) == [100, 500, 9000])
    #expect(points.map(\.y) == [1, 0.3, 0.1])
    // By time: 7 x 100, 2 x 500 and 9000 of 10,700 ns. Buckets of the same length, as of both phases, are one.
    let halves = [bucket(500, 2), bucket(100, 3), bucket(9000, 1), bucket(100, 4), bucket(7, 0)]
    let byTime = HoldCurves(y: "") { Double($0.count) * $0.upperNs }.points(halves)
    #expect(byTime.map(\.x) == [100, 500, 9000])
    #expect(zip(byTime.map(\.y), [1, 10_000.0 / 10_700, 9000.0 / 10_700]).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test("a run that isn't finished is shown as far as it is")
  func unfinished() throws {
    try RunFixtures.withFolder { folder in
      try ReportFixtures.write(to: folder + "/run", isFinished: false)
      let (page, plots) = try ReportFixtures.page([folder + "/run"])
      #expect(plots.contains { $0.name == "scan-cost-by-size" })
      // The longest hold is the repetitions' own.
      #expect(plots.contains { $0.name == "scan-hold-by-size" })
      #expect(page.runs[0].facts.contains { $0.name == "not finished" })
    }
  }

  @Test("variants in one figure never share a mark")
  func styles() {
    let names = ["none"] + (0..<30).map { "page-reporting:order=\($0)" } + ["step-iterator:step=1", "made-up"]
    let variants = names.map { StrategyVariant(strategy: $0, order: 10) }
    let styles = VariantStyles([variants])
    #expect(Set(variants.map { styles[$0] }).count == variants.count)
    let usual = (0..<12).map { MarkStyle(number: $0) }
    #expect(Set(usual.map(\.shape)).count == usual.count && Set(usual.map(\.colour)).count == usual.count)
    // The same strategy has the same mark in two experiments, whichever its options.
    let first = StrategyVariant(strategy: "step-iterator:step=1", order: 10)
    let second = StrategyVariant(strategy: "step-iterator:step=9", order: 10)
    let both = VariantStyles([[first], [second]])
    #expect(both[first] == both[second])
    #expect(VariantStyles([[first, second]])[first] != VariantStyles([[first, second]])[second])
  }

  @Test("axes have tics, all inside", arguments: [(1.0, 2.0), (50, 60_000_000), (0.003, 900), (999, 1001), (1, 1e13)])
  func axes(_ low: Double, _ high: Double) {
    for axis in [PlotAxis.time("", [low, high]), .number("", [low, high])] {
      #expect(axis.from < low && axis.to > high)
      #expect((2...12).contains(axis.tics.count), "\(axis.tics)")
      #expect(axis.tics.allSatisfy { $0.place >= axis.from && $0.place <= axis.to })
      #expect(Set(axis.tics.map(\.label)).count == axis.tics.count, "\(axis.tics)")
    }
    let linear = PlotAxis.linear("", to: high)
    #expect(linear.to >= high && (2...7).contains(linear.tics.count), "\(linear.tics)")
  }
}
