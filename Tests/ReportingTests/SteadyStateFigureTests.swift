import Experiments
import Records
import Testing

@testable import Reporting

@Suite("The figure of the steady state")
struct SteadyStateFigureTests {
  private static let columns = [
    "clock", "first_gib_ns", "half_ns", "last_ns", "freed_bytes", "freed_share_reported",
  ]

  /// Of the repetitions of one cell, what share of the memory is drawn at which time.
  private func points(halves: [Double?]) throws -> [Double: Double] {
    var points: [Double: Double] = [:]
    try RunFixtures.withFolder { folder in
      do {
        let run = try RunFolder.create(at: folder + "/run", meta: RunFixtures.meta)
        for (repetition, half) in halves.enumerated() {
          var record = RunFixtures.run(cell: "c", repetition: repetition)
          record.identity.experiment = "steady-state"
          let values: [String?] = ["virtual", "1e6", half.map { "\($0)" }, "9e6", "\(4 << 30)", "0.75"]
          try run.commit(
            record, experiment: ExperimentRows(experiment: "steady-state", columns: Self.columns, rows: [values]))
        }
      }
      let plots = try ReportFixtures.page([folder + "/run"]).1.filter { $0.name.hasPrefix("steady-state-steady-state") }
      for point in plots.flatMap(\.panels).flatMap(\.series).flatMap(\.points) { points[point.y] = point.x }
    }
    return points
  }

  @Test("each of the three points is a median of all repetitions")
  func allReachedIt() throws {
    let drawn = try points(halves: [4e6, 2e6, 3e6])
    #expect(drawn == [25: 1e6, 50: 3e6, 75: 9e6])
  }

  @Test("half, where not every repetition got so far, has no point: its slowest would make it look quicker")
  func someNeverReachedIt() throws {
    let drawn = try points(halves: [2e6, nil, nil])
    #expect(drawn == [25: 1e6, 75: 9e6])
  }
}
