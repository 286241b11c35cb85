import Experiments
import Records
import Testing

@testable import Reporting

@Suite("The figure of holds over a series of captures")
struct HoldBySeriesFigureTests {
  /// The plots of a run of some captures, each with its holds.
  private func plots(_ captures: [(name: String, holds: [Double])], strategies: [String] = ["page-reporting:order=9"])
    throws -> [Plot]
  {
    try RunFixtures.withFolder { folder in
      do {
        let run = try RunFolder.create(at: folder + "/run", meta: RunFixtures.meta)
        for (index, capture) in captures.enumerated() {
          for strategy in strategies {
            for (repetition, hold) in capture.holds.enumerated() {
              var record = RunFixtures.run(cell: "\(capture.name) \(strategy)", repetition: repetition)
              record.identity.strategy = strategy
              record.guest.state = capture.name
              // Each capture has its own free memory and size.
              record.guest.freeFraction = 0.5 + Double(index) / 100
              record.guest.bytes += UInt64(index) << 22
              record.lock.acquisitions = 10
              record.lock.holdNsMax = hold
              try run.commit(record)
            }
          }
        }
      }
      return try ReportFixtures.page([folder + "/run"]).1.filter { $0.name.hasPrefix("scan-hold-by-series") }
    }
  }

  @Test("a point for each capture, at the time in its name, from the first")
  func times() throws {
    let plots = try plots([
      ("captured:20261201T235900Z", [3000, 1000, 2000]), ("captured:20261202T000000.500Z", [5000]),
      ("captured:20261202T000100Z", [4000]),
    ])
    let panels = plots.flatMap(\.panels)
    try #require(panels.count == 1)
    let line = try #require(panels[0].series.first { $0.line == .solid && $0.label?.hasPrefix("page") == true })
    #expect(line.points.map(\.x) == [0, 60.5, 120] && line.points.map(\.y) == [2000, 5000, 4000])
    #expect(line.points.map(\.ySpan) == [1000...3000, nil, nil])
    #expect(panels[0].x.to >= 120 && panels[0].x.label.hasPrefix("time since"))
  }

  @Test("of names without times the place in the series, and a line for each strategy")
  func places() throws {
    let names = ["captured:b", "captured:a", "captured:20261202T000100Z", "captured:c"]
    let panels = try plots(
      names.map { ($0, [1000]) }, strategies: ["page-reporting:order=9", "step-iterator:step=1"]
    ).flatMap(\.panels)
    try #require(panels.count == 1)
    let lines = panels[0].series.filter { $0.points.count > 2 }
    #expect(lines.count == 2 && Set(lines.map(\.style)).count == 2)
    #expect(lines.allSatisfy { $0.points.map(\.x) == [1, 2, 3, 4] })
    #expect(panels[0].x.label == "place in the series")
  }

  @Test("two captures, or others than of a series, have no such figure")
  func fewer() throws {
    #expect(try plots([("captured:a", [1000]), ("captured:b", [1000])]).isEmpty)
    #expect(try plots([("captured", [1000]), ("fresh", [1000]), ("aged", [1000]), ("captured:a", [1000])]).isEmpty)
  }
}
