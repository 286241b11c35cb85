import Testing

@testable import Reporting

@Suite("How many times cheaper")
struct RatioTablesTests {
  private func tables(strategies: [String]) throws -> [TableContent] {
    var found: [TableContent] = []
    try RunFixtures.withFolder { folder in
      let run = folder + "/run"
      try ReportFixtures.write(to: run, sizes: [(8 << 30, 0), (64 << 30, 0), (4 << 40, 9)], strategies: strategies)
      found = try ReportFixtures.page([run]).page.sections.flatMap(\.tables).filter {
        $0.caption?.contains("over each design's") == true
      }
    }
    return found
  }

  @Test("each design is held against the one on the record, in the same repetition of the same guest")
  func ratios() throws {
    // The fixture's holds are 1, 2, 3, ... times as long, by the place among these; nobody's CPU time is known.
    let tables = try tables(strategies: [
      "none", "step-iterator:step=1", "page-reporting:order=9", "page-reporting:order=10",
    ])
    #expect(tables.count == 1)
    let table = try #require(tables.first)
    #expect(table.caption?.hasPrefix("longest hold of zone->lock: page-reporting:order=9's over each design's") == true)
    // The coarse guest is left out.
    #expect(table.titles.count == 5 && table.titles.dropFirst().allSatisfy { $0.contains("GiB") })
    #expect(table.rows.map { $0[0] } == ["step-iterator", "page-reporting:order=10"])
    #expect(table.rows.map { Set($0.dropFirst()) } == [["2.00 (2.00–2.00)"], ["0.667 (0.667–0.667)"]])
  }

  @Test("no table without another design, or without one on the record")
  func nothingToCompare() throws {
    #expect(try tables(strategies: ["none", "page-reporting:order=9"]).isEmpty)
    #expect(try tables(strategies: ["none", "step-iterator:step=1", "budgeted-resume:budget=1"]).isEmpty)
  }
}
