import Experiments
import Records
import Testing

@testable import Reporting

@Suite("The figure of coverage in time")
struct CoverageCourseFigureTests {
  private func plots(kernels: [String], strategies: [String]) throws -> [Plot] {
    try RunFixtures.withFolder { folder in
      do {
        let run = try RunFolder.create(at: folder + "/run", meta: RunFixtures.meta)
        for strategy in strategies {
          for kernel in kernels {
            for repetition in 0..<2 {
              var record = RunFixtures.run(cell: strategy + kernel, repetition: repetition)
              record.identity.experiment = "steady-state"
              record.identity.strategy = strategy
              record.guest.kernelRules = kernel
              let points = [(0.0, 0.0, UInt64(1)), (1e9, 0.25, 1), (60e9, 0.75 + Double(repetition) / 8, 0)]
              try run.commit(
                record,
                experiment: ExperimentRows(
                  experiment: "steady-state", columns: ["clock", "freed_bytes", "tenant"],
                  rows: [["virtual", "\(2 << 30)", "order0"]]),
                coverage: points.map {
                  CoverageRecord(
                    runID: "r1", cellID: record.identity.cellID, repetition: repetition, elapsedNs: $0.0,
                    freedShareReported: $0.1, bytesPCP: $0.2 << 30)
                })
            }
          }
        }
      }
      return try ReportFixtures.page([folder + "/run"]).1.filter { $0.name.hasPrefix("steady-state-course") }
    }
  }

  @Test("a panel for each strategy, in it a colour for each kernel, and lines of both shares")
  func linesOfEachKernel() throws {
    let plots = try plots(kernels: ["6.1", "6.12"], strategies: ["page-reporting", "bitmap-hinting"])
    let panels = plots.flatMap(\.panels)
    #expect(Set(panels.map(\.title)) == ["page-reporting", "bitmap-hinting"])
    #expect(
      Set(plots[0].legend.compactMap(\.label)) == [
        "Linux 6.1: reported", "Linux 6.1: on per-CPU lists", "Linux 6.12: reported", "Linux 6.12: on per-CPU lists",
      ])
    for panel in panels {
      let solid = panel.series.filter { $0.line == .solid }
      let dashed = panel.series.filter { $0.line == .dashed }
      // One for each kernel and repetition.
      #expect(solid.count == 4 && dashed.count == 4 && panel.series.count { $0.hasMarks } == 4)
      #expect(Set(solid.map(\.style)).count == 2 && Set(solid.map(\.style)) == Set(dashed.map(\.style)))
      #expect(Set(solid.map { $0.points.map(\.y) }) == [[0, 25, 75], [0, 25, 87.5]])
      #expect(dashed.allSatisfy { $0.points.map(\.y) == [50, 50, 0] && $0.points.map(\.x) == [0, 1, 60] })
      #expect(panel.x.to >= 60 && panel.y.to >= 100)
    }
  }

  @Test("a run without coverage.csv has no such figure")
  func older() throws {
    try RunFixtures.withFolder { folder in
      try ReportFixtures.write(to: folder + "/run")
      #expect(try ReportFixtures.page([folder + "/run"]).1.allSatisfy { !$0.name.contains("course") })
    }
  }
}
