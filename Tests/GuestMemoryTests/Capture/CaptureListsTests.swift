import Instruments
import TestSupport
import Testing

@testable import GuestMemory

/// A guest made of a kernel's lists, block by block.
@Suite struct CaptureListsTests {
  private static let text = """
    zone node=0 name=DMA start=1 spanned=4095 present=3998 managed=3840 min=24 low=30 high=36 boost=0 highatomic=0 \
    nr_free_pages=2048
    free order=0 nr_free=0
    free order=1 nr_free=0
    free order=2 nr_free=0
    free order=3 nr_free=0
    free order=4 nr_free=0
    free order=5 nr_free=0
    free order=6 nr_free=0
    free order=7 nr_free=0
    free order=8 nr_free=0
    free order=9 nr_free=0
    free order=10 nr_free=2
    list order=10 type=1 3072 1024
    pageblocks order=9 start=1 1*8
    zone node=0 name=Normal start=1048576 spanned=8192 present=8192 managed=8000 min=50 low=60 high=70 boost=7 \
    highatomic=512 nr_free_pages=9999
    free order=0 nr_free=3
    list order=0 type=0 1048583 1048577 1048581
    free order=1 nr_free=0
    free order=2 nr_free=1
    list order=2 type=2 1048592
    free order=3 nr_free=0
    free order=4 nr_free=0
    free order=5 nr_free=0
    free order=6 nr_free=0
    free order=7 nr_free=0
    free order=8 nr_free=0
    free order=9 nr_free=2
    list order=9 type=3 1049088
    list order=9 type=4 1052672
    free order=10 nr_free=4
    list order=10 type=1 1055744 1053696*2:-2048 1054720
    pageblocks order=9 start=1048576 0*1 3*1 1*6 4*1 1*7
    pcp cpu=0 count=2 high=300 batch=63 free_factor=0
    pcplist cpu=0 list=0 1048600 1048601
    """

  private func capture(_ text: String = text) throws -> Capture { try Capture(lists: CaptureText(name: "lists", text)) }

  private func guest(_ capture: Capture) throws -> Guest {
    let guest = try Guest(GuestGeometry.captured(capture, cpus: 1, granuleOrder: 0))
    try guest.fill(from: capture)
    return guest
  }

  @Test func theListsAreTheKernels() throws {
    let guest = try guest(capture())
    #expect(guest.validate().isEmpty, "\(guest.validate())")
    #expect(guest.pfns(0, order: 10, .movable) == [3072, 1024])
    #expect(guest.pfns(1, order: 0, .unmovable) == [1_048_583, 1_048_577, 1_048_581])
    #expect(guest.pfns(1, order: 2, .reclaimable) == [1_048_592])
    #expect(guest.pfns(1, order: 9, .highAtomic) == [1_049_088])
    #expect(guest.pfns(1, order: 9, .isolate) == [1_052_672])
    #expect(guest.pfns(1, order: 10, .movable) == [1_055_744, 1_053_696, 1_051_648, 1_054_720])
    #expect(guest.freeBlocks().allSatisfy(guest.isUntouched))
    let zone = guest.core.zone(1)
    // What is isolated isn't free; the pages on the per-CPU list are in use.
    #expect(zone.freePages == 3 + 4 + 512 + 4 * 1024)
    #expect(zone.watermarkBoost == 7 && zone.reservedHighAtomic == 512 && zone.hasIsolatedPageblocks)
    #expect(guest.core.pageblockMigratetype(1_049_088) == .highAtomic)
  }

  @Test func aResetGivesTheSameOrder() throws {
    let guest = try guest(capture())
    let before = Picture(guest)
    var cpu = GuestCPU(guest.core, cpu: 0, node: 0, probe: NoProbe())
    var taken = 0
    while cpu.allocate(order: 3, [.movable, .noMemAlloc]) != nil { taken += 1 }
    #expect(taken > 0 && Picture(guest) != before)
    guest.restore()
    #expect(Picture(guest) == before)
  }

  @Test func itIsACaptureLikeOthers() throws {
    let capture = try capture()
    #expect(capture.hasZoneDetails && capture.cpuCount == 1 && capture.orders == 11 && capture.pageblockOrder == 9)
    #expect(capture.zones.map { $0.freeBlocks(atLeast: 9) } == [2, 6])
    #expect(capture.zones[1].details?.startPFN == 1_048_576)
  }

  @Test(arguments: [
    ("1048583 1048577", "1048583 1048583", "two free blocks"),
    ("1048583 1048577", "1048593 1048577", "two free blocks"),
    ("1048583 1048577", "1048583", "nr_free"),
    ("1048592", "1048594", "isn't an aligned block"),
    ("1055744", "1056768", "isn't an aligned block"),
    ("list order=2 type=2", "list order=2 type=9", "type 9"),
    ("list order=2 type=2", "list order=12 type=2", "order 12"),
    ("0*1 3*1", "0*1 9*1", "type"),
    ("0*1 3*1", "0*1", "pageblocks"),
    ("name=Normal", "nome=Normal", "no name"),
    ("name=Normal", "name=Abnormal", "Abnormal"),
    ("spanned=8192", "spanned=99999999999999", "absurd"),
    ("start=1048576 spanned", "start=2048 spanned", "PFN"),
    ("free order=1 nr_free=0", "frei order=1", "unknown line"),
    ("pageblocks order=9 start=1 1*8", "pageblocks order=11 start=1 1*8", "order 11"),
  ])
  func whatCanNotBeIsRefused(_ part: String, _ other: String, says: String) throws {
    #expect(Self.text.contains(part))
    let error = #expect(throws: CaptureError.self) { try capture(Self.text.replacing(part, with: other)) }
    #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    #expect(error?.description.hasPrefix("lists:") == true)
  }

  @Test func withoutPageblocksTheyAreWhatTheirFreePagesAre() throws {
    // As a module prints it.
    let text = Self.text.split(separator: "\n").filter { !$0.hasPrefix("pageblocks") }.joined(separator: "\n")
    let types = try #require(try capture(text).lists).zones.map(\.pageblocks)
    #expect(types[0] == [Int](repeating: 1, count: 8))
    // The first has four reclaimable pages and three unmovable ones.
    #expect(types[1] == [2, 3] + [Int](repeating: 1, count: 6) + [4] + [Int](repeating: 1, count: 7))
    let guest = try guest(capture(text))
    #expect(guest.validate().isEmpty && guest.pfns(1, order: 0, .unmovable).count == 3)
  }

  @Test func nothingIsNoCapture() {
    let error = #expect(throws: CaptureError.self) { try capture("") }
    #expect(error?.description.contains("no zone") == true)
  }
}
