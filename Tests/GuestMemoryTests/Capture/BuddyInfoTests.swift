import Foundation
import Testing

@testable import GuestMemory

private typealias Fixtures = CaptureFixtures

/// What is accepted as a buddyinfo, and what is refused with which words.
@Suite struct BuddyInfoTests {
  @Test func realMachinesReadAsPrinted() throws {
    let vm = try Fixtures.capture(Fixtures.vmBuddyinfo)
    #expect(vm.orders == 11)
    #expect(vm.zones.map(\.kind) == [.dma, .dma32, .normal])
    #expect(vm.zones.map(\.nodeID) == [0, 0, 0])
    #expect(vm.zones[2].freeBlocks == [3842, 2236, 146, 706, 248, 55, 14, 6, 0, 0, 1115])
    #expect(vm.zones[0].freePages == 256 + 512 + 3 * 1024)
    #expect(vm.freeBlocks(atLeast: 10) == 3 + 751 + 1115)
    #expect(vm.freeBlocks(atLeast: 9) == 3 + 751 + 1115 + 1 + 3)
    #expect(vm.freeBlocks(atLeast: 11) == 0)
    #expect(vm.freeBytes == vm.freePages * 4096)
    #expect(vm.pageblockOrder == nil)
    #expect(vm.zones.allSatisfy { $0.freeBlocksByMigratetype == nil && $0.pageblocksByMigratetype == nil })
    #expect(vm.zones.allSatisfy { $0.details == nil })

    let debian = try Fixtures.capture(Fixtures.debianBuddyinfo)
    #expect(debian.nodeIDs == [0, 1])
    #expect(debian.zones.map(\.kind) == [.dma, .dma32, .normal, .normal])
    #expect(debian.zones[3].freeBlocks == [1, 1, 1, 2, 2, 1, 3, 1, 1, 3, 1990])
    #expect(debian.freeBlocks(atLeast: 10) == 2 + 490 + 1495 + 1990)
  }

  @Test func pastedPromptsAndLineEndsDoNotMatter() throws {
    let plain = try Fixtures.capture(Fixtures.vmBuddyinfo)
    let variants = [
      "root@guest:~# cat /proc/buddyinfo\n" + Fixtures.vmBuddyinfo,
      "Last login: today\n\nroot@guest:~# uname -r\n6.1.0\nroot@guest:~# cat /proc/buddyinfo\n" + Fixtures.vmBuddyinfo,
      Fixtures.vmBuddyinfo.replacingOccurrences(of: "\n", with: "\r\n"),
      Fixtures.vmBuddyinfo.replacingOccurrences(of: "\n", with: "\n\n"),
      Fixtures.vmBuddyinfo.replacingOccurrences(of: " \n", with: "\n"),
      Fixtures.vmBuddyinfo.replacingOccurrences(of: "\n", with: "  \t \n"),
      Fixtures.vmBuddyinfo.replacingOccurrences(of: "Node", with: "  Node"),
      Fixtures.vmBuddyinfo.replacingOccurrences(of: " 0 ", with: "\t0 "),
      "\u{feff}" + Fixtures.vmBuddyinfo,
      String(Fixtures.vmBuddyinfo.dropLast()),
    ]
    for text in variants { #expect(try Fixtures.capture(text) == plain) }
  }

  @Test func nodesMayBeSparseAndZonesOfEveryKind() throws {
    let text =
      Fixtures.row(1023, "Movable", [0, 5]) + Fixtures.row(3, "Device", [1, 1]) + Fixtures.row(3, "HighMem", [2, 0])
      + Fixtures.row(0, "DMA32", [1, 1]) + Fixtures.row(0, "DMA", [0, 0])
    let capture = try Fixtures.capture(text)
    #expect(capture.nodeIDs == [0, 3, 1023])
    #expect(capture.zones.map(\.kind) == [.dma, .dma32, .highMem, .device, .movable])
    #expect(capture.freePages == 10 + 3 + 2 + 3)
  }

  @Test(arguments: 1...11) func anyNumberOfOrdersUpTo11(orders: Int) throws {
    let counts = (0..<orders).map { UInt64($0 + 1) }
    let capture = try Fixtures.capture(Fixtures.row(0, "Normal", counts))
    #expect(capture.orders == orders)
    #expect(capture.zones[0].freeBlocks == counts)
  }

  @Test func fourteenOrdersAreRefusedWithTheReason() {
    let text = "$ cat\n" + Fixtures.row(0, "DMA", [UInt64](repeating: 1, count: 14))
    #expect(
      Fixtures.refusal(text)?.description
        == "buddy:2:1: 14 orders, 0 to 13, but a modelled zone has free areas for orders 0 to 10, with its lock right "
        + "behind them, as kernels with 4 KiB pages on x86-64 and arm64 have; expected 1 to 11 orders")
  }

  @Test func rowsOfDifferentLengthAreRefused() {
    let text = Fixtures.row(0, "DMA", [1, 2, 3]) + Fixtures.row(0, "Normal", [1, 2])
    #expect(
      Fixtures.refusal(text)?.description
        == "buddy:2:1: 2 orders where other rows have 3; expected the same number of orders in all rows")
  }

  @Test(
    arguments: [
      ("-3", "node 0, zone Normal, order 1: the count is negative: '-3'"),
      ("3x", "node 0, zone Normal, order 1: the count is not a number: '3x'"),
      ("+3", "node 0, zone Normal, order 1: the count is not a number: '+3'"),
      ("-", "node 0, zone Normal, order 1: the count is not a number: '-'"),
      ("1e3", "node 0, zone Normal, order 1: the count is not a number: '1e3'"),
      ("0x10", "node 0, zone Normal, order 1: the count is not a number: '0x10'"),
      ("\u{0663}", "node 0, zone Normal, order 1: the count is not a number: '\u{0663}'"),
      ("3\u{0}", "node 0, zone Normal, order 1: the count is not a number: '3\\u{0}'"),
      (">100000", "node 0, zone Normal, order 1: the count is not a number: '>100000'"),
      (
        "18446744073709551616",
        "node 0, zone Normal, order 1: the count doesn't fit in 64 bits: '18446744073709551616'"
      ),
      (
        "18446744073709551615",
        "node 0, zone Normal, order 1: 18446744073709551615 blocks are more than 1 PiB, which is absurd"
      ),
      ("137438953473", "node 0, zone Normal, order 1: 137438953473 blocks are more than 1 PiB, which is absurd"),
    ]) func badCountsAreRefused(count: String, what: String)
  {
    let text = Fixtures.row(0, "DMA", [1, 2, 3]) + "Node 0, zone Normal 1 \(count) 3\n"
    let error = Fixtures.refusal(text)
    #expect(error?.kind == .malformed)
    #expect(error?.file == "buddy")
    #expect(error?.line == 2)
    #expect(error?.what == what)
  }

  @Test func onePebibyteInAllIsTheLimit() throws {
    let half: UInt64 = 1 << 37
    let text = Fixtures.row(0, "Normal", [half, 0]) + Fixtures.row(1, "Normal", [0, half / 2])
    #expect(try Fixtures.capture(text).freeBytes == 1 << 50)
    #expect(
      Fixtures.refusal(text + Fixtures.row(2, "Normal", [1, 0]))?.description
        == "buddy:3:1: more than 1 PiB free in all, which is absurd; expected at most 1 PiB over all rows")
  }

  @Test(
    arguments: [
      ("Node 0, zone Normal 1 2", "node 0, zone Normal was already on line 1", "one row a zone"),
      ("Node 0, zone Hard 1 2", "unknown zone 'Hard'", "zone DMA, DMA32, Normal, HighMem, Movable or Device"),
      ("Node x, zone DMA 1 2", "node number 'x'", "a number from 0 to 1023"),
      ("Node 1024, zone DMA 1 2", "node number '1024'", "a number from 0 to 1023"),
      ("Node -1, zone DMA 1 2", "node number '-1'", "a number from 0 to 1023"),
      ("Node 0 zone DMA 1 2", "not the row of a zone: 'Node 0 zone DMA 1 2'", BuddyInfoTable.accepted),
      ("Node", "not the row of a zone: 'Node'", BuddyInfoTable.accepted),
      (
        "Node 0, zone DMA", "a zone without counts, as in a zoneinfo or a row cut short",
        BuddyInfoTable.accepted
      ),
      ("Node 0, zone DMA, 1 2", "a comma after the zone's name without a type", BuddyInfoTable.accepted),
      ("root@guest:~#", "not the row of a zone: 'root@guest:~#'", BuddyInfoTable.accepted),
      (
        "> Node 0, zone DMA 1 2", "a row of a zone that doesn't start with 'Node': '> Node 0, zone DMA 1 2'",
        "rows that start with 'Node N, zone NAME'"
      ),
    ]) func badRowsAreRefused(row: String, what: String, accepted: String)
  {
    let error = Fixtures.refusal("Node 0, zone Normal 1 2\n\n\(row)\n")
    // Where a word is at fault, its column.
    let column = what.hasPrefix("node number") ? 6 : what.hasPrefix("unknown zone") ? 14 : 1
    #expect(error?.description == "buddy:3:\(column): \(what); expected \(accepted)")
    #expect(error?.isUnreadable == false)
  }

  @Test func aDamagedFirstRowIsNotPassedOver() {
    let text = Fixtures.vmBuddyinfo.replacingOccurrences(of: "Node 0, zone      DMA ", with: "node 0, zone      DMA ")
    #expect(Fixtures.refusal(text)?.line == 1)
    #expect(Fixtures.refusal(text)?.accepted == "rows that start with 'Node N, zone NAME'")
  }

  @Test func emptyFilesAndFilesWithoutRowsAreRefused() {
    for text in ["", "\n\n \r\n"] {
      #expect(
        Fixtures.refusal(text)?.description == "buddy:1: the file is empty; expected \(BuddyInfoTable.accepted)")
    }
    #expect(
      Fixtures.refusal("hello\n")?.description
        == "buddy:1: the file has no row of a zone; expected \(BuddyInfoTable.accepted)")
  }

  @Test func theOtherTwoKindsOfFileAreRecognised() {
    #expect(
      Fixtures.refusal(Fixtures.vmPagetypeinfo)?.description
        == "buddy:1:1: this is a pagetypeinfo, but a buddyinfo was expected; expected \(BuddyInfoTable.accepted)")
    let rows = Fixtures.vmPagetypeinfo.components(separatedBy: "\n").dropFirst(4).joined(separator: "\n")
    #expect(Fixtures.refusal(rows)?.what == "this is a pagetypeinfo, but a buddyinfo was expected")
    #expect(
      Fixtures.refusal(Fixtures.vmZoneinfo)?.what == "a zone without counts, as in a zoneinfo or a row cut short")
  }

  @Test func errorsAreOneLineWhateverTheFileHolds() {
    let error = Fixtures.refusal(
      "Node 0, zone A\u{b}\u{2028}\u{85}\u{1b}[2J" + String(repeating: "z", count: 500) + " 1\n")
    #expect(
      error?.what == "unknown zone 'A\\u{b}\\u{2028}\\u{85}\\u{1b}[2J" + String(repeating: "z", count: 40) + "...'")
    let named = CaptureError(file: "a\nb", line: 3, what: "x", accepted: "y")
    #expect(named.description == "a\\u{a}b:3: x; expected y")
  }

  @Test func unreadableFilesAreToldApart() throws {
    let path = "/nowhere/buddyinfo"
    let error = try #require(throws: CaptureError.self) { try Capture.read(buddyinfo: path) }
    #expect(error.isUnreadable)
    #expect(error.line == nil)
    #expect(
      error.description
        == "/nowhere/buddyinfo: can't be read: No such file or directory; expected a file this user may read")
    let directory = try #require(throws: CaptureError.self) { try Capture.read(buddyinfo: "/") }
    #expect(directory.kind == .unreadable)
    let endless = try #require(throws: CaptureError.self) { try Capture.read(buddyinfo: "/dev/zero") }
    #expect(endless.kind == .malformed)
    #expect(endless.what == "the file is longer than 64 MiB")
  }
}
