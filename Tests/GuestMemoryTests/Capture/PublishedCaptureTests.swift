import Foundation
import Records
import Testing

@testable import GuestMemory

/// Captures as people publish them come out with the numbers that are in them.
@Suite struct PublishedCaptureTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var buddy: String?
    var types: String?
    var zones: String?
    var log: String?
    var pages: UInt64
    var blocks: UInt64
    var testDescription: String { [buddy, types, zones, log].compactMap(\.self).joined(separator: " ") }

    var files: CaptureFiles {
      func path(_ name: String?) -> String? { name.map { "\(PublishedCaptureTests.folder)/\($0).txt" } }
      return CaptureFiles(
        buddyinfo: path(buddy), pagetypeinfo: path(types), zoneinfo: path(zones), showMem: path(log))
    }
  }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Published"

  static let cases = [
    Case(log: "show-mem-plain", pages: (14304 + 35408 + 66848) / 4, blocks: 2 + 6),
    Case(log: "show-mem-two-nodes", pages: (44968 + 15896 + 60288 + 35848) / 4, blocks: 3),
    Case(types: "pagetypeinfo-alone-6.18", pages: 51804, blocks: 24),
    Case(types: "pagetypeinfo-alone-6.6-two-nodes", pages: 3_621_750, blocks: 3508),
    Case(
      types: "pagetypeinfo-alone-6.6-two-nodes", zones: "zoneinfo-6.6-two-nodes", pages: 3_621_750, blocks: 3508),
    Case(types: "apart-4.18-pagetypeinfo", zones: "apart-4.18-zoneinfo", pages: 213_027, blocks: 190),
    Case(buddy: "apart-4.18-buddyinfo", zones: "apart-4.18-zoneinfo", pages: 138_017, blocks: 114),
    Case(types: "apart-jc-pagetypeinfo", zones: "apart-jc-zoneinfo", pages: 660_065, blocks: 632),
    Case(buddy: "apart-jc-buddyinfo", zones: "apart-jc-zoneinfo", pages: 660_254, blocks: 632),
    Case(types: "cma-pagetypeinfo", zones: "cma-zoneinfo", pages: 34683, blocks: 32),
    Case(types: "reserve-3.10-pagetypeinfo", pages: 43024, blocks: 3),
    Case(buddy: "reserve-3.10-buddyinfo", pages: 324_612, blocks: 3),
    Case(buddy: "capped-buddyinfo", types: "capped-pagetypeinfo", pages: 3_665_401, blocks: 1326),
    Case(buddy: "overlapping-spans-buddyinfo", zones: "overlapping-spans-zoneinfo", pages: 3_622_774, blocks: 3509),
  ]

  @Test(arguments: cases) func theNumbersAreThoseOfTheFiles(_ published: Case) throws {
    let capture = try published.files.read().capture
    #expect(capture.freePages == published.pages)
    #expect(capture.freeBlocks(atLeast: 10) == published.blocks)
    #expect(capture.hasZoneDetails == (published.zones != nil))
  }

  /// The model holds what was read.
  @Test(arguments: cases) func theGuestHasThem(_ published: Case) throws {
    let capture = try published.files.read().capture
    var geometry = try GuestGeometry.captured(capture, cpus: 1, granuleOrder: 0)
    geometry.vmemmapPage = .small
    let guest = try Guest(geometry)
    try guest.fill(from: capture)
    #expect(guest.census().freePages == published.pages)
    #expect(guest.freeBlocks().count { $0.order == 10 } == published.blocks)
    #expect(guest.validate().isEmpty)
  }

  private func read(_ name: String) throws -> CaptureReading {
    try CaptureFiles(capture: "\(Self.folder)/\(name).txt").read()
  }

  @Test func typesAreKnownWhereALogHasLetters() throws {
    let plain = try read("show-mem-plain").capture
    #expect(plain.zones.map(\.kind) == [.dma, .dma32, .normal] && plain.statedPageSize == .small)
    #expect(plain.zones.allSatisfy { $0.freeBlocksByMigratetype == nil && $0.details == nil })
    let dma = try #require(plain.zones[0].typesPresent)
    #expect(dma[0...2].allSatisfy(\.isEmpty) && dma[3] == [.unmovable] && dma[9] == [.unmovable, .movable])
    #expect(plain.zones[1].typesPresent?[0] == [.unmovable, .movable, .reclaimable])
    let nodes = try read("show-mem-two-nodes").capture
    #expect(nodes.nodeIDs == [0, 1] && nodes.zones[0].typesPresent?[1] == [.highAtomic])
    #expect(nodes.zones.map(\.kind) == [.normal, .dma, .dma32, .normal])
  }

  @Test func reservedBlocksAreHighAtomic() throws {
    let reading = try read("reserve-3.10-pagetypeinfo")
    #expect(reading.capture.zones[1].freeBlocksByMigratetype?[3] == [0, 0, 0, 17, 1, 0, 0, 0, 0, 0, 0])
    #expect(reading.capture.zones[1].pageblocksByMigratetype == [96, 898, 21, 1, 0, 0])
    #expect(reading.notes.contains { $0.contains("Reserve") && $0.contains("HighAtomic") })
  }

  @Test func blocksOfCMAAreCountedByType() throws {
    let files = Self.cases.first { $0.types == "cma-pagetypeinfo" }!.files
    let zone = try files.read().capture.zones[0]
    #expect(zone.freeBlocksByMigratetype?[CapturedMigratetype.cma.rawValue] == [0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 3])
    #expect(zone.pageblocksByMigratetype?[CapturedMigratetype.cma.rawValue] == 4)
    #expect(zone.details?.freeCMA == 4028)
    // Without the types nobody knows which they are.
    let blind = try CaptureFiles(buddyinfo: "\(Self.folder)/cma-buddyinfo.txt", zoneinfo: files.zoneinfo).read()
    #expect(blind.notes.contains { $0.hasPrefix("4028 of the free pages are CMA") })
  }

  @Test func filesOfDifferentMomentsSayHowFarTheyAreApart() throws {
    for (name, cells, all, pages, buddyPages) in [
      ("apart-4.18", 15, 33, 213_027, 138_017), ("apart-jc", 3, 33, 660_065, 660_254),
      ("reserve-3.10", 23, 44, 43024, 324_612),
    ] {
      let files = CaptureFiles(
        buddyinfo: "\(Self.folder)/\(name)-buddyinfo.txt", pagetypeinfo: "\(Self.folder)/\(name)-pagetypeinfo.txt")
      let error = try #require(throws: UserError.self) { try files.read() }
      #expect(error.kind == .input)
      let text = error.description
      #expect(text.contains("\(cells) of \(all) counts") && text.contains("\(pages)") && text.contains("\(buddyPages)"))
      #expect(text.contains("leave out the buddyinfo or the pagetypeinfo") && !text.contains("again"))
    }
  }

  @Test func aCappedCountNeedsTheBuddyinfo() throws {
    let files = CaptureFiles(pagetypeinfo: "\(Self.folder)/capped-pagetypeinfo.txt")
    let error = try #require(throws: UserError.self) { try files.read() }
    #expect(error.description.contains("'>100000'") && error.description.contains("expected the buddyinfo"))
    let both = Self.cases.first { $0.buddy == "capped-buddyinfo" }!.files
    #expect(try both.read().capture.zones[2].freeBlocksByMigratetype?[1][0] == 183_141 - 53 - 88)
  }

  @Test func zonesThatInterleaveLieOneBehindTheOther() throws {
    let reading = try Self.cases.last!.files.read()
    #expect(reading.notes.contains { $0.hasPrefix("node 1, zone Movable starts inside node 1, zone Normal") })
    let geometry = try GuestGeometry.captured(reading.capture, cpus: 1, granuleOrder: 0)
    try geometry.checked()
    let extents = geometry.zones.map { ($0.startPFN, $0.spannedPages) }
    #expect(extents.map(\.0) == [1, 4096, 1_048_576, 2_621_440, 4_718_592])
    #expect(extents.last?.1 == 262_144)
  }
}
