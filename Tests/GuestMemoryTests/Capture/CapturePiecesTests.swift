import Foundation
import Machine
import Records
import Testing

@testable import GuestMemory

private typealias Fixtures = CaptureFixtures

/// Several files in one, and the places in which a capture is found.
@Suite struct CapturePiecesTests {
  static let texts: [(CaptureFile, String)] = [
    (.buddyinfo, Fixtures.vmBuddyinfo), (.pagetypeinfo, Fixtures.vmPagetypeinfo), (.zoneinfo, Fixtures.vmZoneinfo),
  ]

  private func pieces(_ text: String) -> [CaptureFile: [CaptureText]] {
    CapturePieces(CaptureText(name: "all", text)).texts
  }

  private func capture(_ pieces: [CaptureFile: [CaptureText]]) throws -> Capture {
    try Capture(
      buddyinfo: pieces[.buddyinfo]?.last, pagetypeinfo: pieces[.pagetypeinfo]?.last, zoneinfo: pieces[.zoneinfo]?.last)
  }

  @Test func aFileOfOneKindIsOnePiece() throws {
    for (file, text) in Self.texts {
      let found = pieces(text)
      #expect(found.count == 1 && found[file]?.count == 1)
    }
    #expect(pieces("").isEmpty && pieces("hello\nOn node 0, zone DMA: 1 pages in unavailable ranges\n").isEmpty)
    #expect(pieces(Fixtures.sparsePagetypeinfo)[.pagetypeinfo]?.count == 1, "headings once a node")
  }

  /// In any order, with prompts, headings or nothing between them.
  @Test func pastedFilesAreToldApart() throws {
    let whole = try Fixtures.capture(Fixtures.vmBuddyinfo, types: Fixtures.vmPagetypeinfo, zones: Fixtures.vmZoneinfo)
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    for order in orders {
      for between in ["", "\n", "root@host:~# cat /proc/next\n", "==> /proc/next <==\n", "$ uname -r\n6.1.0\n$ x\n"] {
        for end in ["\n", "\r\n"] {
          let text = order.map { between + Self.texts[$0].1 }.joined().replacingOccurrences(of: "\n", with: end)
          let found = pieces(text)
          #expect(found.values.allSatisfy { $0.count == 1 })
          #expect(try capture(found) == whole, "\(order) \(between)")
        }
      }
    }
  }

  @Test func theNumbersOfLinesStay() throws {
    let text =
      "$ cat\n" + Fixtures.vmBuddyinfo + "$ cat\n"
      + Fixtures.replacing(
        "751\n", with: "x\n", in: Fixtures.vmPagetypeinfo.replacingOccurrences(of: " \n", with: "\n"))
    let error = #expect(throws: CaptureError.self) { try self.capture(self.pieces(text)) }
    #expect(error?.description.hasPrefix("all:16:") == true, "\(String(describing: error))")
  }

  @Test func copiesAreCounted() throws {
    let second = Fixtures.replacing("1115", with: "1114", in: Fixtures.vmBuddyinfo)
    let found = pieces(Fixtures.vmBuddyinfo + second + "later\n" + Fixtures.vmBuddyinfo)
    #expect(found[.buddyinfo]?.count == 3)
    #expect(try Capture(buddyinfo: found[.buddyinfo]?[1]).zones[2].freeBlocks[10] == 1114)
    #expect(pieces(Fixtures.vmPagetypeinfo + Fixtures.vmPagetypeinfo)[.pagetypeinfo]?.count == 2)
    #expect(pieces(Fixtures.vmZoneinfo + Fixtures.vmZoneinfo)[.zoneinfo]?.count == 2)
    let sparse = pieces(Fixtures.sparsePagetypeinfo + Fixtures.sparsePagetypeinfo)
    for text in try #require(sparse[.pagetypeinfo]) {
      #expect(try Fixtures.capture(Fixtures.sparseBuddyinfo) == Fixtures.capture(Fixtures.sparseBuddyinfo))
      #expect(throws: Never.self) {
        try Capture(buddyinfo: CaptureText(name: "b", Fixtures.sparseBuddyinfo), pagetypeinfo: text)
      }
    }
  }

  /// A damaged row isn't passed over as a prompt would be.
  @Test func damagedRowsStay() {
    for row in ["> Node 1, zone Normal 1 2 3", "node 1, zone Normal 1 2 3", "Node 1, zone", "Node x, zone DMA 1"] {
      for text in [Fixtures.vmBuddyinfo + row + "\n", row + "\n" + Fixtures.vmBuddyinfo] {
        #expect(throws: CaptureError.self, "\(row)") { try self.capture(self.pieces(text)) }
      }
    }
  }

  // MARK: places

  private func withFolder(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "/capture-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func put(_ text: String, _ path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  private func read(_ path: String, nth: Int? = nil) throws -> CaptureReading {
    try CaptureFiles(capture: path, nth: nth).read()
  }

  @Test func aFolderIsSearchedByNameAndByContent() throws {
    let whole = try Fixtures.capture(Fixtures.vmBuddyinfo, types: Fixtures.vmPagetypeinfo, zones: Fixtures.vmZoneinfo)
    try withFolder { folder in
      for names in [
        ["proc/buddyinfo", "proc/pagetypeinfo", "proc/zoneinfo"],
        ["buddyinfo.txt", "pagetypeinfo.txt", "zoneinfo.txt"],
        ["sos/a/proc/buddyinfo", "x/host-pagetypeinfo", "zoneinfo-1"], ["1", "2", "deep/3"],
      ] {
        let place = folder + "/" + names[0].replacingOccurrences(of: "/", with: "-")
        for (name, text) in zip(names, Self.texts) { try put(text.1, "\(place)/\(name)") }
        try put("nothing\n", place + "/etc/hosts")
        let reading = try read(place)
        #expect(reading.capture == whole)
        for name in names { #expect(reading.notes.contains { $0.contains("\(place)/\(name)") }, "\(reading.notes)") }
      }
    }
  }

  @Test func whatIsMissingIsSaid() throws {
    try withFolder { folder in
      try put(Fixtures.vmBuddyinfo, folder + "/proc/buddyinfo")
      #expect(try read(folder).notes.contains { $0.contains("no pagetypeinfo (migratetypes), no zoneinfo") })
      try put(Fixtures.vmZoneinfo, folder + "/other/zoneinfo")
      try FileManager.default.removeItem(atPath: folder + "/proc/buddyinfo")
      let error = #expect(throws: UserError.self) { try self.read(folder) }
      #expect(error?.kind == .input && error?.description.contains("has a zoneinfo alone") == true)
      try put("x", folder + "/other/zoneinfo")
      #expect(throws: UserError.self) { try self.read(folder) }
      #expect(throws: UserError.self) { try self.read(folder + "/nowhere") }
    }
  }

  /// It goes on without what doesn't fit.
  @Test func filesThatDoNotGoTogetherAreLeftOut() throws {
    try withFolder { folder in
      let moved = Fixtures.replacing("1115", with: "1114", in: Fixtures.vmBuddyinfo)
      try put(moved, folder + "/buddyinfo")
      try put(Fixtures.vmPagetypeinfo, folder + "/pagetypeinfo")
      try put("Node 0, zone DMA\n  pages free x\n", folder + "/zoneinfo")
      let reading = try read(folder)
      #expect(reading.capture.zones[2].freeBlocks[10] == 1115 && !reading.capture.hasZoneDetails)
      #expect(reading.notes.contains { $0.contains("1 of 33 counts differ") && $0.contains("took pagetypeinfo") })
      #expect(reading.notes.contains { $0.hasPrefix("zoneinfo left out: ") })
      try put("Page block order: 9\nNode 0, zone DMA, type Movable 1\n", folder + "/pagetypeinfo")
      let second = try read(folder)
      #expect(second.capture.zones[2].freeBlocks[10] == 1114)
      #expect(second.notes.contains { $0.hasPrefix("pagetypeinfo left out: ") })
    }
  }

  /// A capped count is taken from a buddyinfo of another moment, too.
  @Test func aCappedCountOfAnotherMomentIsTakenFromTheBuddyinfo() throws {
    try withFolder { folder in
      let moved = Fixtures.replacing(
        "Node 0, zone   Normal      3 ", with: "Node 0, zone   Normal      5 ", in: Fixtures.sparseBuddyinfo)
      try put(moved, folder + "/buddyinfo")
      try put(Fixtures.sparsePagetypeinfo, folder + "/pagetypeinfo")
      let capture = try read(folder).capture
      #expect(capture.zones[1].freeBlocks[0] == 3 && capture.zones[2].freeBlocks[0] == 250_000)
    }
  }

  @Test func anArchiveIsAFolder() throws {
    try withFolder { folder in
      for (file, text) in Self.texts { try put(text, "\(folder)/in/host/proc/\(file.procName)") }
      for index in 0..<80 { try put("x", "\(folder)/in/host/etc/\(index)") }
      let whole = try read(folder + "/in").capture
      for (flag, name) in [("", "a.tar"), ("z", "a.tgz"), ("J", "a.tar.xz")] {
        var tar = try ChildProcess(["tar", "-c\(flag)f", "\(folder)/\(name)", "-C", "\(folder)/in", "host"])
        try #require(tar.wait() == .exited(0))
        let reading = try read("\(folder)/\(name)")
        #expect(reading.capture == whole)
        #expect(reading.notes.contains { $0.contains("\(name):host/proc/zoneinfo") })
      }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/a.tar.xz"))
      try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: folder + "/cut.tar.xz"))
      let error = #expect(throws: UserError.self) { try self.read(folder + "/cut.tar.xz") }
      #expect(error?.kind == .input && error?.description.contains("tar can't unpack it") == true)
    }
  }

  @Test func aLogIsTakenOnlyForWantOfCounts() throws {
    try withFolder { folder in
      try put(ShowMemTests.today, folder + "/var/log/messages")
      #expect(try read(folder).capture.zones.map(\.kind) == [.dma, .dma32])
      try put(Fixtures.debianBuddyinfo, folder + "/proc/buddyinfo")
      #expect(try read(folder).capture.nodeIDs == [0, 1])
    }
  }

  @Test func oneOfSeveralCopiesIsChosen() throws {
    try withFolder { folder in
      let second = Fixtures.replacing("1115", with: "1114", in: Fixtures.vmBuddyinfo)
      try put(Fixtures.vmBuddyinfo + second + Fixtures.vmZoneinfo, folder + "/file")
      #expect(try read(folder + "/file").capture.zones[2].freeBlocks[10] == 1114)
      #expect(try read(folder + "/file", nth: 1).capture.zones[2].freeBlocks[10] == 1115)
      #expect(throws: UserError.self) { try self.read(folder + "/file", nth: 3) }
      #expect(throws: UserError.self) { try self.read(folder + "/file", nth: 0) }
    }
  }
}
