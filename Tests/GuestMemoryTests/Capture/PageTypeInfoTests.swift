import Foundation
import Testing

@testable import GuestMemory

private typealias Fixtures = CaptureFixtures

/// What a pagetypeinfo adds, how it must fit its buddyinfo, and what is refused with which words.
@Suite struct PageTypeInfoTests {
  @Test func realMachineReadsAsPrinted() throws {
    let capture = try Fixtures.capture(Fixtures.vmBuddyinfo, types: Fixtures.vmPagetypeinfo)
    #expect(capture.pageblockOrder == 9)
    let normal = capture.zones[2]
    let types = try #require(normal.freeBlocksByMigratetype)
    #expect(types.count == CapturedMigratetype.allCases.count)
    #expect(types[CapturedMigratetype.unmovable.rawValue] == [1, 1, 145, 548, 176, 41, 13, 5, 0, 0, 0])
    #expect(types[CapturedMigratetype.movable.rawValue] == [0, 1, 1, 1, 1, 1, 0, 1, 0, 0, 1115])
    #expect(types[CapturedMigratetype.reclaimable.rawValue] == [3841, 2234, 0, 157, 71, 13, 1, 0, 0, 0, 0])
    #expect(types[CapturedMigratetype.highAtomic.rawValue] == [UInt64](repeating: 0, count: 11))
    #expect(types[CapturedMigratetype.isolate.rawValue] == [UInt64](repeating: 0, count: 11))
    #expect(normal.pageblocksByMigratetype == [81, 3211, 292, 0, 0, 0])
    #expect(capture.zones[0].pageblocksByMigratetype == [1, 7, 0, 0, 0, 0])
  }

  @Test func tablesOnceANodeWithCMAMixedBlocksAndACappedCount() throws {
    let capture = try Fixtures.capture(Fixtures.sparseBuddyinfo, types: Fixtures.sparsePagetypeinfo)
    #expect(capture.nodeIDs == [0, 8])
    let types = try #require(capture.zones[2].freeBlocksByMigratetype)
    #expect(types[CapturedMigratetype.movable.rawValue][0] == 250_000)
    #expect(capture.zones[2].pageblocksByMigratetype == [10, 1800, 14, 0, 0, 0])
  }

  @Test func promptsAndLineEndsDoNotMatter() throws {
    let plain = try Fixtures.capture(Fixtures.vmBuddyinfo, types: Fixtures.vmPagetypeinfo)
    let variants = [
      "root@guest:~# cat /proc/pagetypeinfo\n" + Fixtures.vmPagetypeinfo,
      Fixtures.vmPagetypeinfo.replacingOccurrences(of: "\n", with: "\r\n"),
      Fixtures.vmPagetypeinfo.replacingOccurrences(of: "\n\n", with: "\n"),
      Fixtures.vmPagetypeinfo.replacingOccurrences(of: " \n", with: "\n"),
    ]
    for text in variants { #expect(try Fixtures.capture(Fixtures.vmBuddyinfo, types: text) == plain) }
  }

  @Test func aKernelWithoutIsolationHasFourTypes() throws {
    let text = Fixtures.vmPagetypeinfo.components(separatedBy: "\n").filter { !$0.contains(" type      Isolate") }
      .joined(separator: "\n")
    let four = text.replacingOccurrences(of: "      Isolate", with: "")
      .replacingOccurrences(of: "            0            0 \n", with: "            0 \n")
    let capture = try Fixtures.capture(Fixtures.vmBuddyinfo, types: four)
    #expect(capture.zones[2].pageblocksByMigratetype == [81, 3211, 292, 0, 0, 0])
    #expect(Fixtures.refusal(Fixtures.vmBuddyinfo, types: text)?.what.hasSuffix("'Number of blocks type'") == true)
  }

  /// A pagetypeinfo of one zone of two orders, with room for the counts of order 0.
  private func small(_ counts: [String], blocks: String = "1 5 0 0 0", heading: String = "0 1") -> String {
    let rows = zip(["Unmovable", "Movable", "Reclaimable", "HighAtomic", "Isolate"], counts)
      .map { "Node    0, zone   Normal, type \($0) \($1)\n" }.joined()
    return """
      Page block order: 1
      Pages per block:  2

      Free pages count per migrate type at order \(heading)
      \(rows)
      Number of blocks type Unmovable Movable Reclaimable HighAtomic Isolate
      Node 0, zone   Normal \(blocks)

      """
  }

  @Test func oneCappedTypeIsWorkedOut() throws {
    for total: UInt64 in [100_007, 100_008, 5_000_000] {
      let capture = try Fixtures.capture(
        Fixtures.row(0, "Normal", [total, 1]), types: small(["7 1", ">100000 0", "0 0", "0 0", "0 0"]))
      #expect(capture.zones[0].freeBlocksByMigratetype?[1][0] == total - 7)
    }
  }

  @Test func whatACappedTypeCannotBeIsRefused() {
    let tooFew = Fixtures.refusal(
      Fixtures.row(0, "Normal", [100_006, 1]), types: small(["7 1", ">100000 0", "0 0", "0 0", "0 0"]))
    #expect(
      tooFew?.description
        == "types:1:1: 1 of 2 counts differ from those of buddy, and 100009 free pages from its 100008: they are of "
        + "different moments; expected one of the two: leave out the buddyinfo or the pagetypeinfo")
    #expect(tooFew?.kind == .inconsistent)
    let two = Fixtures.refusal(
      Fixtures.row(0, "Normal", [900_006, 1]), types: small([">100000 1", ">100000 0", "0 0", "0 0", "0 0"]))
    #expect(
      two?.description
        == "types:5:1: node 0, zone Normal, order 0: Unmovable and Movable are each capped at '>100000', so none of them "
        + "can be worked out; expected at most one capped type at a zone and order")
    let other = Fixtures.refusal(
      Fixtures.row(0, "Normal", [100_006, 1]), types: small(["7 1", ">10 0", "0 0", "0 0", "0 0"]))
    #expect(
      other?.description
        == "types:6:40: node 0, zone Normal, type Movable, order 0: '>10'; expected a number, or '>100000' where the kernel "
        + "stopped counting")
  }

  @Test func aSumThatDiffersIsRefusedWithBothNumbers() {
    let error = Fixtures.refusal(
      Fixtures.replacing("1115", with: "1116", in: Fixtures.vmBuddyinfo), types: Fixtures.vmPagetypeinfo)
    #expect(
      error?.description
        == "types:1:1: 1 of 33 counts differ from those of buddy, and 1940329 free pages from its 1941353: they are of "
        + "different moments; expected one of the two: leave out the buddyinfo or the pagetypeinfo")
    #expect(error?.kind == .inconsistent)
  }

  @Test func cmaIsATypeAsAnyOther() throws {
    let none = try Fixtures.capture(Fixtures.sparseBuddyinfo, types: Fixtures.sparsePagetypeinfo)
    #expect(!none.hasCMA)
    let row = Fixtures.replacing(
      "zone      DMA, type          CMA      0      0", with: "zone      DMA, type          CMA      0      1",
      in: Fixtures.sparsePagetypeinfo)
    let column = Fixtures.replacing(
      "1000           14            0            0", with: "1000           14            0            4", in: row)
    let buddy = Fixtures.replacing("DMA      0      0", with: "DMA      0      1", in: Fixtures.sparseBuddyinfo)
    let some = try Fixtures.capture(buddy, types: column)
    #expect(some.hasCMA)
    #expect(some.zones[0].freeBlocksByMigratetype?[CapturedMigratetype.cma.rawValue][1] == 1)
    #expect(some.zones[1].pageblocksByMigratetype == [10, 1000, 14, 0, 0, 4])
  }

  @Test func unacceptedMemoryIsLeftOut() throws {
    let text = Fixtures.sparsePagetypeinfo.replacingOccurrences(of: "  Isolate", with: "Unaccepted")
    let capped = Fixtures.replacing(
      "zone      DMA, typeUnaccepted      0", with: "zone      DMA, type Unaccepted      7",
      in: text.replacingOccurrences(of: "type    Unaccepted", with: "typeUnaccepted")
    )
    .replacingOccurrences(of: "typeUnaccepted", with: "type Unaccepted")
    let reading = try CaptureReading(
      .init(
        buddyinfo: CaptureText(name: "b", Fixtures.sparseBuddyinfo), pagetypeinfo: CaptureText(name: "p", capped)))
    #expect(reading.capture == (try Fixtures.capture(Fixtures.sparseBuddyinfo, types: Fixtures.sparsePagetypeinfo)))
    #expect(reading.notes.contains { $0.contains("7 unaccepted pages are left out") })
  }

  @Test func zonesMissingOnOneSideAreRefusedUnlessAllZero() throws {
    let more = Fixtures.vmBuddyinfo + Fixtures.row(1, "Normal", [UInt64](repeating: 0, count: 11))
    let capture = try Fixtures.capture(more, types: Fixtures.vmPagetypeinfo)
    #expect(capture.zones[3].freePages == 0)
    #expect(capture.zones[3].freeBlocksByMigratetype?.flatMap { $0 } == [UInt64](repeating: 0, count: 66))
    #expect(capture.zones[3].pageblocksByMigratetype == nil)

    let full = Fixtures.vmBuddyinfo + Fixtures.row(1, "Normal", [UInt64](repeating: 1, count: 11))
    #expect(
      Fixtures.refusal(full, types: Fixtures.vmPagetypeinfo)?.description
        == "buddy:4:1: node 1, zone Normal has free blocks but isn't in types; expected a buddyinfo and a pagetypeinfo of "
        + "the same machine")
    #expect(
      Fixtures.refusal(
        Fixtures.replacingLine(2, with: nil, in: Fixtures.vmBuddyinfo), types: Fixtures.vmPagetypeinfo)?.description
        == "types:10:1: node 0, zone DMA32 has free blocks but isn't in buddy; expected a buddyinfo and a pagetypeinfo of "
        + "the same machine")

    let zeros = small(["0 0", "0 0", "0 0", "0 0", "0 0"])
    let found = try Fixtures.capture(Fixtures.row(0, "DMA", [0, 0]), types: zeros)
    #expect(found.zones.map(\.kind) == [.dma, .normal])
    #expect(found.zones[1].freePages == 0)
    #expect(found.zones[1].pageblocksByMigratetype == [1, 5, 0, 0, 0, 0])
  }

  @Test(
    arguments: [
      // line, replacement (nil drops it), line of the error, what
      (1, nil, 1, "pages per block before a page block order"),
      (2, nil, 1, "no line 'Pages per block: N'"),
      (1, "Page block order: nine", 1, "the page block order is not a number: 'nine'"),
      (1, "Page block order: 99", 1, "the page block order is 99, which is absurd"),
      (1, "Page block order: 9 9", 1, "2 words for the page block order"),
      (1, "Page block order: 8", 2, "512 pages per block of order 8"),
      (2, "Pages per block: 500", 2, "500 pages per block of order 9"),
      (2, "Page block order: 8", 2, "page block order 8, but line 1 has 9"),
      (4, nil, 4, "a row without its heading 'Free pages count per migrate type at order'"),
      (4, "Free pages count per migrate type at order 0 1 3", 4, "'3' in the place of order 2"),
      (4, "Free pages count per migrate type at order", 4, "a heading without orders"),
      (4, "Free pages count per migrate type at order 0 1", 5, "11 orders where other rows have 2"),
      (5, nil, 5, "node 0, zone DMA has no row of type Unmovable"),
      (6, "Node 0, zone DMA, type Unmovable 0 0 0 0 0 0 0 0 1 0 0", 6, "node 0, zone DMA, type Unmovable has two rows"),
      (6, "Node 0, zone DMA, type Green 0 0 0 0 0 0 0 0 1 0 0", 6, "unknown migratetype 'Green'"),
      (6, "Node 0, zone DMA, type", 6, "a row without a type's name"),
      (6, "Node 0, zone DMA, type Movable 0", 6, "1 orders where other rows have 11"),
      (
        6, "Node 0, zone DMA, type Movable 0 0 0 0 0 0 0 0 1 0 -1", 6,
        "node 0, zone DMA, type Movable, order 10: the count is negative: '-1'"
      ),
      (
        6, "Node 0, zone DMA 1", 6,
        "a row without a type in the table of free pages, or without its heading 'Number of blocks type'"
      ),
      (6, "what", 6, "not understood: 'what'"),
      (9, nil, 5, "node 0, zone DMA has other types among its free pages than under 'Number of blocks type'"),
      (14, nil, 10, "node 0, zone DMA32 has other types than the first zone"),
      (
        21, nil, 21,
        "a row without a type in the table of free pages, or without its heading 'Number of blocks type'"
      ),
      (21, "Number of blocks type Unmovable Movable Movable", 21, "two columns Movable"),
      (21, "Number of blocks type Unmovable Green", 21, "unknown migratetype 'Green'"),
      (21, "Number of blocks type Unmovable Movable", 22, "5 counts under 2 types"),
      (
        21, "Number of blocks type Unmovable Movable Reclaimable HighAtomic CMA", 5,
        "node 0, zone DMA has other types among its free pages than under 'Number of blocks type'"
      ),
      (23, nil, 10, "node 0, zone DMA32 has no row under 'Number of blocks type'"),
      (23, "Node 0, zone DMA 1 7 0 0 0", 23, "node 0, zone DMA has two rows of pageblocks"),
      (23, "Node 1, zone DMA 1 7 0 0 0", 23, "node 1, zone DMA has pageblocks but no rows of free pages"),
      (
        23, "Node 0, zone DMA32 1 274877906945 0 0 0", 23,
        "node 0, zone DMA32: the number of Movable pageblocks is 274877906945, which is absurd"
      ),
      (23, "Node 0, zone DMA32 274877906944 1 0 0 0", 23, "more than 1 PiB in pageblocks, which is absurd"),
      (
        23, "Node 0, zone DMA32 536870912 0 0 0 0", 1,
        "536874504 pageblocks of order 9 are more than 1 PiB, which is absurd"
      ),
    ] as [(Int, String?, Int, String)]) func damageIsRefused(number: Int, line: String?, at: Int, what: String)
  {
    let text = Fixtures.replacingLine(number, with: line, in: Fixtures.vmPagetypeinfo)
    let error = Fixtures.refusal(Fixtures.vmBuddyinfo, types: text)
    #expect(error?.file == "types")
    #expect(error?.line == at)
    #expect(error?.what == what)
    #expect(error?.kind == .malformed)
    #expect(error?.accepted.isEmpty == false)
  }

  @Test func unknownTypesAreToldWhichAreKnown() {
    let text = Fixtures.replacingLine(6, with: "Node 0, zone DMA, type Green 0", in: Fixtures.vmPagetypeinfo)
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, types: text)?.description
        == "types:6:24: unknown migratetype 'Green'; expected types Unmovable, Movable, Reclaimable, HighAtomic or "
        + "Reserve, CMA, Isolate")
  }

  @Test func anyTruncationIsRefused() {
    let lines = Fixtures.vmPagetypeinfo.components(separatedBy: "\n").dropLast()
    for count in 0..<lines.count {
      let text = lines.prefix(count).joined(separator: "\n")
      #expect(Fixtures.refusal(Fixtures.vmBuddyinfo, types: text) != nil, "the first \(count) lines")
    }
  }

  @Test func ordersMustBeThoseOfBuddyinfoAndHoldAPageblock() {
    #expect(
      Fixtures.refusal(Fixtures.row(0, "Normal", [0]), types: small(["0 0", "0 0", "0 0", "0 0", "0 0"]))?.description
        == "types:1:1: 2 orders, but buddy has 1; expected a buddyinfo and a pagetypeinfo of the same machine")
    #expect(
      Fixtures.refusal(
        Fixtures.row(0, "Normal", [0]), types: small(["0", "0", "0", "0", "0"], heading: "0"))?.description
        == "types:1:1: page block order 1, but the highest order is 0; expected a page block order from 0 to 0")
    let fourteen = Fixtures.replacingLine(
      4, with: "Free pages count per migrate type at order 0 1 2 3 4 5 6 7 8 9 10 11 12 13",
      in: Fixtures.vmPagetypeinfo)
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, types: fourteen)?.what
        == "14 orders, 0 to 13, but a modelled zone has free areas for orders 0 to 10, with its lock right behind them, "
        + "as kernels with 4 KiB pages on x86-64 and arm64 have")
  }

  @Test func nineOrdersAreFine() throws {
    let counts = (0..<9).map { _ in "2" }.joined(separator: " ")
    let zeros = (0..<9).map { _ in "0" }.joined(separator: " ")
    let text = small([counts, zeros, zeros, zeros, counts], heading: (0..<9).map(String.init).joined(separator: " "))
    let capture = try Fixtures.capture(Fixtures.row(0, "Normal", [UInt64](repeating: 4, count: 9)), types: text)
    #expect(capture.orders == 9)
    #expect(capture.zones[0].freeBlocksByMigratetype?[4] == [UInt64](repeating: 2, count: 9))
  }

  @Test func theOtherTwoKindsOfFileAreRecognised() {
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, types: Fixtures.vmBuddyinfo)?.description
        == "types:1:1: this is a buddyinfo, but a pagetypeinfo was expected; expected the whole of a /proc/pagetypeinfo"
    )
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, types: Fixtures.vmZoneinfo)?.what
        == "this is a zoneinfo, but a pagetypeinfo was expected")
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, types: "\n")?.description.hasPrefix("types:1: the file is empty") == true)
    #expect(Fixtures.refusal(Fixtures.vmBuddyinfo, types: "\nx\n")?.what == "the file has no row of a zone")
  }
}
