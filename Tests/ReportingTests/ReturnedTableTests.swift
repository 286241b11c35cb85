import Testing

@testable import Reporting

@Suite("The table of what is returned at once")
struct ReturnedTableTests {
  @Test("amounts, their share of all that is free, and what isn't known")
  func rows() {
    let text = ReturnedTable(
      orders: [0, 9], free: 400 << 20, freeFromOrder: [400 << 20, 100 << 20],
      rows: [("page-reporting", [396 << 20, 100 << 20]), ("alloc-max-order", [nil, 0])]
    ).text
    let lines = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines[0] == "Returned by one session, of 400 MiB on the free lists:")
    #expect(lines[1] == "MiB, lowest order 0 9")
    #expect(lines[3] == "free in such blocks 400 (100 %) 100 (25 %)")
    #expect(lines[4] == "page-reporting 396 (99 %) 100 (25 %)")
    #expect(lines[5] == "alloc-max-order - 0 (0 %)")
  }
}
