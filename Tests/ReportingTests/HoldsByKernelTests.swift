import Testing

@testable import Reporting

@Suite("Holds by kernel")
struct HoldsByKernelTests {
  /// The report's tables of holds by kernel, for a run whose guests followed these.
  private func tables(_ kernels: [String]) throws -> [TableContent] {
    var found: [TableContent] = []
    try RunFixtures.withFolder { folder in
      let run = folder + "/run"
      try ReportFixtures.write(to: run, sizes: [(8 << 30, 0)], kernels: kernels)
      found = try ReportFixtures.page([run]).page.sections.flatMap(\.tables).filter {
        $0.caption?.hasPrefix("Holds of zone->lock by kernel") == true
      }
    }
    return found
  }

  @Test("one table for each guest, a column for each kernel, a row for each strategy")
  func sideBySide() throws {
    let tables = try tables(["6.1", "6.12"])
    #expect(
      tables.compactMap(\.caption)
        == ["fresh, ascending", "aged, churned"].map { "Holds of zone->lock by kernel: \($0) lists" })
    for table in tables {
      #expect(
        table.titles == [
          "strategy", "hold µs, Linux 6.1", "hold µs, Linux 6.12", "beside µs, Linux 6.1", "beside µs, Linux 6.12",
        ])
      // Of page reporting alone the fixture has threads beside it.
      #expect(
        table.rows.filter { $0[3] != Figure.missing }.map { $0[0].prefix(14) }.allSatisfy { $0 == "page-reporting" })
      #expect(table.rows.contains { $0[3] == "27.0" && $0[4] == "27.0" })
      // What is oversubscribed is left out, as of figures.
      #expect(table.rows.count == ReportFixtures.strategies.count)
      let budgeted = try #require(table.rows.first { $0[0].hasPrefix("budgeted-resume") })
      #expect(budgeted[1] == "5.50 (5.00–6.00)" && budgeted[1] == budgeted[2])
      #expect(table.rows.first { $0[0] == "none" }?[1] == Figure.missing)
    }
  }

  @Test("no table where all follow one kernel")
  func oneKernel() throws {
    #expect(try tables(["6.12"]).isEmpty)
    #expect(try tables([""]).isEmpty)
  }
}
