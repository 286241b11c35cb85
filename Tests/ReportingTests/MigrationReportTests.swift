import Experiments
import Foundation
import Records
import Testing

@testable import Reporting

/// What a report says of migrations.
@Suite("A report of migrations")
struct MigrationReportTests {
  private static let columns = [
    "clock", "bandwidth", "downtime_limit_ns", "total_ns", "session_cpu_ns", "operations",
  ]

  /// Three repetitions of one cell, with totals in seconds.
  private func write(
    _ run: borrowing RunFolder, _ strategy: String, load: String = "none", clock: String = "virtual",
    limit: Double = 2e9, bytes: UInt64 = 8 << 30, totals: [Double], cpu: Double?, operations: [Double]? = nil
  ) throws {
    for (repetition, total) in totals.enumerated() {
      var record = RunFixtures.run(
        cell: CellID.make(from: [
          ("strategy", strategy), ("load", load), ("clock", clock), ("limit", "\(limit)"), ("bytes", "\(bytes)"),
        ]), repetition: repetition)
      record.identity.experiment = "migration"
      record.identity.strategy = strategy
      record.guest.bytes = bytes
      record.load.kind = load
      let values: [String?] = [
        clock, "\(100 << 30)", "\(limit)", "\(total * 1e9)", cpu.map { "\($0)" },
        operations.map { "\($0[repetition])" },
      ]
      try run.commit(
        record, experiment: ExperimentRows(experiment: "migration", columns: Self.columns, rows: [values]))
    }
  }

  private func withRun(_ fill: (borrowing RunFolder) throws -> Void, _ body: (ReportPage, [Plot]) throws -> Void) throws
  {
    try RunFixtures.withFolder { folder in
      do {
        let run = try RunFolder.create(at: folder + "/run", meta: RunFixtures.meta)
        try fill(run)
      }
      let (page, plots) = try ReportFixtures.page([folder + "/run"])
      try body(page, plots)
    }
  }

  private func tables(_ page: ReportPage) throws -> [TableContent] {
    let section = try #require(page.sections.first { $0.name == "migration" })
    return section.figures.flatMap(\.tables)
  }

  @Test("time saved is of repetitions with the same number, over the guest's CPU time")
  func breakEven() throws {
    try withRun { run in
      try write(run, "none", totals: [10, 20, 30], cpu: nil, operations: [100, 100, 100])
      try write(run, "walk-callback", totals: [8, 10, 28], cpu: 0.5e9, operations: [50, 100, 150])
    } _: { page, _ in
      let table = try #require(try tables(page).first)
      #expect(
        table.titles == [
          "guest", "strategy", "saved s", "saved %", "guest CPU ms", "saved s per guest CPU s",
          "operations % of none's",
          "operations per second % of none's",
        ])
      // Saved 2, 10 and 2 s; of operations 50, 100, 150 % in 80, 50, 93 % of the time.
      #expect(table.rows.count == 1)
      #expect(
        table.rows.first == [
          "8 GiB", "walk-callback", "2.00 (2.00–10.00)", "20.0 (6.7–50.0)", "500", "4.00 (4.00–20.00)", "100 (50–150)",
          "161 (62–200)",
        ])
    }
  }

  @Test("a cell without the same migration by none has no worth")
  func nothingToCompareWith() throws {
    try withRun { run in
      try write(run, "none", limit: 3e8, totals: [10], cpu: nil)
      try write(run, "walk-callback", limit: 5e8, totals: [8], cpu: 1e9)
    } _: { page, plots in
      let tables = try tables(page)
      #expect(tables.isEmpty)
      // And each limit has a panel of its own.
      #expect(plots.filter { $0.name.hasPrefix("migration-time") }.flatMap(\.panels).count == 2)
    }
  }

  @Test("published figures stand beside cells of their conditions, and of no others", arguments: [2e9, 3e8])
  func published(limit: Double) throws {
    try withRun { run in
      try write(run, "none", limit: limit, totals: [1.5, 1.5, 1.5], cpu: nil)
      try write(run, "free-list-fixed-buffer", limit: limit, totals: [0.3, 0.3, 0.3], cpu: 1e6)
      try write(run, "none", clock: "real", limit: limit, totals: [3, 3, 3], cpu: nil)
      try write(run, "free-list-fixed-buffer", clock: "real", limit: limit, totals: [0.75, 0.75, 0.75], cpu: 1e6)
    } _: { page, _ in
      let table = try tables(page).first { $0.caption?.contains("v33") == true }
      guard limit == 2e9 else {
        #expect(table == nil)
        return
      }
      let rows = try #require(table).rows
      #expect(rows.first == ["idle", "published", "free-list-fixed-buffer", "1757", "278", "84.2"])
      #expect(rows.contains(["idle", "here, virtual clock", "free-list-fixed-buffer", "1500", "300", "80.0"]))
      #expect(rows.contains(["idle", "here, real clock", "free-list-fixed-buffer", "3000", "750", "75.0"]))
      // Of the load that wasn't run only what was published.
      #expect(
        rows.count == 4
          && rows.contains(["make bzImage -j4", "published", "free-list-fixed-buffer", "2528", "1408", "44.3"]))
      let note = try #require(table?.note)
      #expect(note.contains("For comparison only"))
    }
  }

  @Test("lines go over guests of one setting, exact and coarse apart")
  func lines() throws {
    try withRun { run in
      for (bytes, total) in [(UInt64(8 << 30), 2.0), (64 << 30, 16)] {
        try write(run, "none", bytes: bytes, totals: [total, total * 2], cpu: nil)
        try write(run, "walk-callback", clock: "real", bytes: bytes, totals: [total / 2], cpu: 1e6)
      }
    } _: { _, plots in
      let panels = try #require(plots.first { $0.name == "migration-time" }).panels
      #expect(panels.map(\.title).sorted().map { $0.contains("real") ? "real" : "virtual" } == ["real", "virtual"])
      for panel in panels {
        #expect(panel.series.count == 1 && panel.series.allSatisfy { $0.points.count == 2 && $0.line == .solid })
      }
      #expect(panels.flatMap(\.series).flatMap(\.points).contains { $0.ySpan == 16e9...32e9 && $0.y == 24e9 })
    }
  }
}
