import Foundation
import Testing

@testable import GuestMemory

private typealias Fixtures = CaptureFixtures

/// What a zoneinfo adds, how it must fit the other files, and what is refused with which words.
@Suite struct ZoneInfoTests {
  @Test func realMachineReadsAsPrinted() throws {
    let capture = try Fixtures.capture(
      Fixtures.vmBuddyinfo, types: Fixtures.vmPagetypeinfo, zones: Fixtures.vmZoneinfo)
    #expect(capture.zones.map(\.kind) == [.dma, .dma32, .normal])
    let normal = try #require(capture.zones[2].details)
    #expect(
      normal
        == ZoneDetails(
          startPFN: 1_048_576, spanned: 5_505_024, present: 5_505_024, managed: 1_835_008, min: 11871, low: 14838,
          high: 17805, boost: 0, promo: 20772, freeCMA: 0, protection: [0, 0, 0, 0, 0],
          pagesets: [
            CapturedPageset(cpu: 0, count: 22943, high: 60477, batch: 63, tuning: 7419...114_688),
            CapturedPageset(cpu: 1, count: 13291, high: 50900, batch: 63, tuning: 7419...114_688),
          ]))
    #expect(normal.endPFN == 1_048_576 + 5_505_024)
    #expect(capture.zones[0].details?.protection == [0, 3019, 10187, 10187, 10187])
    #expect(capture.zones[0].details?.startPFN == 1)
    #expect(capture.zones.allSatisfy { $0.orderThatDoesNotFit == nil })
  }

  @Test func anOldKernelsLayoutIsReadToo() throws {
    let capture = try Fixtures.capture(Fixtures.oldBuddyinfo, zones: Fixtures.oldZoneinfo)
    let dma32 = try #require(capture.zones[1].details)
    #expect(dma32.boost == nil)
    #expect(dma32.promo == nil)
    #expect(dma32.protection == [0, 0])
    #expect(dma32.pagesets.map(\.cpu) == [0, 3])
    #expect(dma32.managed == 763_000)
    #expect(capture.zones[0].details?.high == 49)
  }

  @Test func layoutDoesNotMatter() throws {
    let plain = try Fixtures.capture(Fixtures.vmBuddyinfo, zones: Fixtures.vmZoneinfo)
    let variants = [
      "$ cat /proc/zoneinfo\n" + Fixtures.vmZoneinfo,
      Fixtures.vmZoneinfo.replacingOccurrences(of: "\n", with: "\r\n"),
      Fixtures.vmZoneinfo.replacingOccurrences(of: "\n", with: " \n"),
      Fixtures.vmZoneinfo.replacingOccurrences(of: "\n  ", with: "\n"),
      Fixtures.vmZoneinfo.replacingOccurrences(of: "\n  ", with: "\n\t\t"),
      Fixtures.vmZoneinfo.replacingOccurrences(of: "\n        min ", with: "\n        tomorrow 12 of 13\n        min "),
      Fixtures.vmZoneinfo.replacingOccurrences(of: "        cma      0\n", with: ""),
      Fixtures.vmZoneinfo.components(separatedBy: "Node 0, zone  Movable")[0],
    ]
    for text in variants { #expect(try Fixtures.capture(Fixtures.vmBuddyinfo, zones: text) == plain) }
  }

  @Test func zoneinfoOfAnotherMomentIsFine() throws {
    let capture = try Fixtures.capture(
      Fixtures.vmBuddyinfo,
      zones: Fixtures.replacing("pages free     1163698", with: "pages free     5", in: Fixtures.vmZoneinfo))
    #expect(capture.zones[2].freePages > 5)
  }

  @Test(
    arguments: [
      // a part that is there once, its replacement, line of the error, what
      ("min      5000", "mxn      5000", 99, "node 0, zone DMA32 has no field 'min'"),
      ("spanned  1044480\n", "\n", 99, "node 0, zone DMA32 has no field 'spanned'"),
      ("start_pfn:           4096\n", "", 99, "node 0, zone DMA32 has no field 'start_pfn'"),
      ("min      5000", "min      6251", 102, "node 0, zone DMA32: watermarks min 6251, low 6250, high 7500"),
      ("high     7500", "high     6000", 102, "node 0, zone DMA32: watermarks min 5000, low 6250, high 6000"),
      (
        "managed  772917", "managed  782337", 108,
        "node 0, zone DMA32: managed 782337, present 782336, spanned 1044480"
      ),
      (
        "present  782336", "present  1044481", 108,
        "node 0, zone DMA32: managed 772917, present 1044481, spanned 1044480"
      ),
      ("min      5000", "min      -1", 102, "min is negative: '-1'"),
      ("min      5000", "min      5k", 102, "min is not a number: '5k'"),
      ("min      5000", "min", 102, "0 words for 'min'"),
      ("min      5000", "min      5 000", 102, "2 words for 'min'"),
      ("min      5000", "min      1099511627777", 102, "min is 1099511627777, which is absurd"),
      ("low      6250", "min      6250", 103, "'min' of node 0, zone DMA32 was already on line 102"),
      (
        "start_pfn:           4096", "start_pfn:           1099511627775", 144,
        "node 0, zone DMA32: the span ends above 2^52 bytes, which is absurd"
      ),
      ("Node 0, zone    DMA32\n", "", 99, "'pages free' of node 0, zone DMA was already on line 54"),
      ("Node 0, zone    DMA32\n", "Node 0, zone DMA\n", 99, "node 0, zone DMA was already on line 1"),
      ("Node 0, zone    DMA32\n", "Node 0, zone DMA64\n", 99, "unknown zone 'DMA64'"),
      (
        "Node 0, zone    DMA32\n", "Mode 0, zone DMA32\n", 99,
        "a row of a zone that doesn't start with 'Node': 'Mode 0, zone DMA32'"
      ),
      ("(0, 3019, 10187, 10187, 10187)", "(0, 3019, 10187", 64, "not a list of pages: 'protection: (0, 3019, 10187'"),
      ("(0, 3019, 10187, 10187, 10187)", "(0, x)", 64, "protection is not a number: 'x'"),
      ("(0, 3019, 10187, 10187, 10187)", "()", 64, "not a list of pages: 'protection: ()'"),
      ("count:    22943\n", "\n", 175, "cpu 0 lacks one of its fields"),
      ("count:    22943", "count:    22943x", 176, "count is not a number: '22943x'"),
      ("count:    22943\n", "count:    22943\ncount: 1\n", 177, "'count' twice for one cpu"),
      ("count:    22943\n", "count:    22943\nhigh: 1\n", 178, "'high' twice for one cpu"),
      ("present  5505024", "present  5505024\n  cpu: one", 154, "cpu is not a number: 'one'"),
      ("present  5505024", "present  5505024\n  count: 1", 154, "'count' of a pageset without its cpu"),
    ]) func damageIsRefused(part: String, other: String, at: Int, what: String)
  {
    let error = Fixtures.refusal(
      Fixtures.vmBuddyinfo, zones: Fixtures.replacing(part, with: other, in: Fixtures.vmZoneinfo))
    #expect(error?.file == "zones")
    #expect(error?.line == at)
    #expect(error?.what == what)
    #expect(error?.kind == .malformed)
    #expect(error?.accepted.isEmpty == false)
  }

  @Test func cpusMayNotComeTwice() {
    let text = Fixtures.vmZoneinfo.replacingOccurrences(of: "cpu: 1", with: "cpu: 0")
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, zones: text)?.description
        == "zones:90:5: cpu 0 twice in a zone; expected each cpu once")
  }

  @Test func moreFreeThanManagedIsRefusedWithBothNumbers() {
    let text = Fixtures.replacing("managed  772917", with: "managed  772000", in: Fixtures.vmZoneinfo)
    let error = Fixtures.refusal(Fixtures.vmBuddyinfo, zones: text)
    #expect(
      error?.description
        == "zones:108:9: node 0, zone DMA32: buddyinfo has 772791 free pages, but only 772000 are managed; expected "
        + "a buddyinfo and a zoneinfo of the same machine")
    #expect(error?.kind == .inconsistent)
  }

  @Test func freePagesOfCMAAreCounted() throws {
    let text = Fixtures.vmZoneinfo.replacingOccurrences(of: "nr_free_cma  0", with: "nr_free_cma  16")
    let reading = try CaptureReading(
      .init(
        buddyinfo: CaptureText(name: "buddy", Fixtures.vmBuddyinfo), zoneinfo: CaptureText(name: "zones", text)))
    #expect(reading.capture.zones.map { $0.details?.freeCMA } == [16, 16, 16])
    #expect(
      reading.notes == ["48 of the free pages are CMA, and without a pagetypeinfo nothing tells which: all are Movable"]
    )
  }

  @Test func beforeManagedPagesThosePresentAreTaken() throws {
    let text = Fixtures.oldZoneinfo.split(separator: "\n").filter { !$0.contains("managed") }.joined(separator: "\n")
    let reading = try CaptureReading(
      .init(
        buddyinfo: CaptureText(name: "buddy", Fixtures.oldBuddyinfo), zoneinfo: CaptureText(name: "zones", text)))
    #expect(reading.capture.zones.map { $0.details?.managed } == [3998, 782_288])
    #expect(reading.notes.contains { $0.hasPrefix("no managed pages, as before Linux 3.8") })
  }

  @Test func overlappingSpansAreTakenWithANote() throws {
    let text = Fixtures.replacing(
      "start_pfn:           4096", with: "start_pfn:           4095", in: Fixtures.vmZoneinfo)
    let reading = try CaptureReading(
      .init(
        buddyinfo: CaptureText(name: "buddy", Fixtures.vmBuddyinfo), zoneinfo: CaptureText(name: "zones", text)))
    #expect(
      reading.notes == [
        "node 0, zone DMA32 starts inside node 0, zone DMA, as after hotplug: in the guest it lies behind it"
      ])
    let geometry = try GuestGeometry.captured(reading.capture, cpus: 1, granuleOrder: 0)
    try geometry.checked()
    // As it is aligned: 4095 pages into a block of the highest order.
    #expect(geometry.zones.first { $0.type == .dma32 }?.startPFN == (1_048_576 + 5_505_024) + 1023)
  }

  /// A zoneinfo of one zone without holes.
  private func small(start: Int, pages: Int, zone: String = "Normal") -> String {
    """
    Node 0, zone \(zone)
      pages free \(pages)
        min 0
        low 0
        high 0
        spanned \(pages)
        present \(pages)
        managed \(pages)
      start_pfn: \(start)

    """
  }

  @Test func blocksThatHaveNoAlignedPlaceAreRefused() throws {
    let text = small(start: 1, pages: 8)  // PFN 1 to 8: one aligned block of order 2 (4...7), three of order 1
    for counts: [UInt64] in [[0, 0, 1], [2, 3, 0], [4, 0, 1], [8, 0, 0], [2, 1, 1]] {
      #expect(try Fixtures.capture(Fixtures.row(0, "Normal", counts), zones: text).zones[0].freeBlocks == counts)
    }
    let error = Fixtures.refusal(Fixtures.row(0, "Normal", [0, 2, 1]), zones: text)
    #expect(
      error?.description
        == "zones:9:3: node 0, zone Normal: the free blocks of order 1 and above don't fit, aligned, into PFN 1 to 9; "
        + "expected a buddyinfo and a zoneinfo of the same machine")
    #expect(error?.kind == .inconsistent)
    #expect(Fixtures.refusal(Fixtures.row(0, "Normal", [0, 0, 2]), zones: text)?.what.contains("order 2") == true)
    #expect(Fixtures.refusal(Fixtures.row(0, "Normal", [0, 0, 0, 1]), zones: text)?.what.contains("order 3") == true)
  }

  @Test func alignedBlocksAreCountedAsOneByOne() {
    for start: UInt64 in 0..<20 {
      for pages: UInt64 in 0..<40 {
        let details = ZoneDetails(
          startPFN: start, spanned: pages, present: pages, managed: pages, min: 0, low: 0, high: 0)
        for order in 0..<6 {
          let size = UInt64(1) << UInt64(order)
          let counted = (start..<start + pages).count { $0 % size == 0 && $0 + size <= start + pages }
          #expect(details.alignedBlocks(order: order) == UInt64(counted))
        }
      }
    }
  }

  @Test func morePageblocksThanTheSpanHoldsAreRefused() {
    let types = Fixtures.replacing("            7 ", with: "            8 ", in: Fixtures.vmPagetypeinfo)
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, types: types, zones: Fixtures.vmZoneinfo)?.description
        == "zones:60:9: node 0, zone DMA: the pagetypeinfo has 9 pageblocks, but the span has room for 8; expected "
        + "a pagetypeinfo and a zoneinfo of the same machine")
  }

  @Test func aPebibytePresentIsTheLimit() throws {
    let row = Fixtures.row(0, "Normal", [1])
    #expect(try Fixtures.capture(row, zones: small(start: 0, pages: 1 << 38)).zones.count == 1)
    #expect(
      Fixtures.refusal(row, zones: small(start: 0, pages: 1 << 38 + 1))?.description
        == "zones:7:5: more than 1 PiB present in all, which is absurd; expected at most 1 PiB over all zones")
  }

  @Test func zonesMissingOnOneSideAreRefusedUnlessAllZero() throws {
    let row = Fixtures.row(0, "Normal", [1])
    let zeros = try Fixtures.capture(row + Fixtures.row(1, "Normal", [0]), zones: small(start: 0, pages: 8))
    #expect(zeros.zones[1].details == nil)
    #expect(
      Fixtures.refusal(row + Fixtures.row(1, "Normal", [1]), zones: small(start: 0, pages: 8))?.description
        == "buddy:2:1: node 1, zone Normal has free blocks but isn't in the zoneinfo; expected a buddyinfo and a zoneinfo "
        + "of the same machine")
    #expect(
      Fixtures.refusal(Fixtures.row(0, "DMA", [0]), zones: small(start: 0, pages: 8))?.description
        == "zones:2:3: node 0, zone Normal has 8 free pages but isn't in buddy; expected a buddyinfo and a zoneinfo of the "
        + "same machine")
    // Present, but with nothing free: a zone of the machine all the same.
    let used = small(start: 16, pages: 8, zone: "Movable").replacingOccurrences(of: "free 8", with: "free 0")
    let capture = try Fixtures.capture(row, zones: small(start: 0, pages: 8) + used)
    #expect(capture.zones.map(\.kind) == [.normal, .movable])
    #expect(capture.zones[1].freeBlocks == [0])
    #expect(capture.zones[1].details?.managed == 8)
  }

  @Test func theOtherTwoKindsOfFileAreRecognised() {
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, zones: Fixtures.vmBuddyinfo)?.description
        == "zones:1:1: this is a buddyinfo, but a zoneinfo was expected; expected \(ZoneInfoTable.accepted)")
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, zones: Fixtures.vmPagetypeinfo)?.what
        == "this is a pagetypeinfo, but a zoneinfo was expected")
    #expect(
      Fixtures.refusal(Fixtures.vmBuddyinfo, zones: "")?.description.hasPrefix("zones:1: the file is empty") == true)
    #expect(Fixtures.refusal(Fixtures.vmBuddyinfo, zones: "a\n")?.what == "the file has no zone")
  }

  @Test func anyTruncationBeforeTheLastZoneWithMemoryIsRefused() {
    let lines = Fixtures.vmZoneinfo.components(separatedBy: "Node 0, zone  Movable")[0]
      .components(separatedBy: "\n").dropLast()
    for count in 0..<lines.count {
      let text = lines.prefix(count).joined(separator: "\n")
      #expect(Fixtures.refusal(Fixtures.vmBuddyinfo, zones: text) != nil, "the first \(count) lines")
    }
  }
}
