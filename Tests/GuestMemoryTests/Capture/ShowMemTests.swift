import Testing

@testable import GuestMemory

/// What a kernel logs of its free memory, in the forms since 2.6.
@Suite struct ShowMemTests {
  private func table(_ text: String, nth: Int? = nil) throws -> ShowMemTable {
    try ShowMemTable(CaptureText(name: "log", text), nth: nth)
  }

  private func refusal(_ text: String, nth: Int? = nil) -> String? {
    do throws(CaptureError) {
      _ = try ShowMemTable(CaptureText(name: "log", text), nth: nth)
      return nil
    } catch {
      return error.description
    }
  }

  // As 6.1 prints it.
  static let today = """
    Mem-Info:
    active_anon:1520 inactive_anon:97152 isolated_anon:0
     free:25134 free_pcp:63 free_cma:0
    Node 0 active_anon:6080kB inactive_anon:388608kB kernel_stack:3280kB all_unreclaimable? no
    Node 0 DMA free:7680kB boost:0kB min:1420kB low:1772kB high:2124kB reserved_highatomic:0KB active_anon:0kB present:15992kB managed:15360kB mlocked:0kB bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB
    lowmem_reserve[]: 0 944 944 944 944
    Node 0 DMA32 free:92856kB boost:16kB min:44044kB low:55044kB high:66044kB reserved_highatomic:2048KB active_anon:6080kB present:1032040kB managed:967084kB mlocked:0kB bounce:0kB free_pcp:252kB local_pcp:0kB free_cma:8kB
    lowmem_reserve[]: 0 0 0 0 0
    Node 0 DMA: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 1*512kB (U) 1*1024kB (U) 1*2048kB (M) 1*4096kB (M) = 7680kB
    Node 0 DMA32: 2*4kB (UM) 2*8kB (ME) 0*16kB 1*32kB (H) 0*64kB 0*128kB 0*256kB 1*512kB (C) 0*1024kB 45*2048kB (M) 0*4096kB = 92728kB
    Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB
    98304 total pagecache pages

    """

  // As 2.6.18 prints it: no node, no letters, no managed, an empty zone.
  static let before = """
    DMA free:3540kB min:68kB low:84kB high:100kB active:0kB inactive:0kB present:16384kB pages_scanned:0 all_unreclaimable? yes
    lowmem_reserve[]: 0 0 880 880
    Normal free:3752kB min:3756kB low:4692kB high:5632kB active:1kB inactive:9kB present:901120kB pages_scanned:0 all_unreclaimable? no
    lowmem_reserve[]: 0 0 0 0
    HighMem free:0kB min:128kB low:128kB high:128kB active:0kB inactive:0kB present:0kB pages_scanned:0 all_unreclaimable? no
    lowmem_reserve[]: 0 0 0 0
    DMA: 1*4kB 0*8kB 1*16kB 0*32kB 1*64kB 1*128kB 1*256kB 0*512kB 1*1024kB 1*2048kB 0*4096kB = 3540kB
    Normal: 0*4kB 1*8kB 0*16kB 1*32kB 0*64kB 1*128kB 0*256kB 1*512kB 1*1024kB 1*2048kB 0*4096kB = 3752kB
    HighMem: empty

    """

  @Test func aLogOfTodayHasCountsLettersAndWatermarks() throws {
    let log = try table(Self.today)
    #expect(log.pageSize == .small && log.orders == 11 && log.rows.count == 2 && log.notes.isEmpty)
    let id = CapturedZoneID(nodeID: 0, kind: .dma32)
    #expect(log.rows[id]?.counts == [2, 2, 0, 1, 0, 0, 0, 1, 0, 45, 0])
    #expect(log.rows[id]?.types?[1] == [.movable, .reclaimable] && log.rows[id]?.types?[7] == [.cma])
    let zone = try #require(log.details[id])
    #expect((zone.min, zone.low, zone.high) == (11011, 13761, 16511))
    #expect((zone.present, zone.managed, zone.boost, zone.freeCMA) == (258_010, 241_771, 4, 2))
    #expect(
      !zone.hasPlace && log.details[CapturedZoneID(nodeID: 0, kind: .dma)]?.protection == [0, 944, 944, 944, 944])
  }

  @Test func aLogOf26HasNeitherNodesNorLetters() throws {
    let log = try table(Self.before)
    #expect(log.rows.keys.sorted().map(\.kind) == [.dma, .normal] && log.rows.values.allSatisfy { $0.types == nil })
    let zone = try #require(log.details[CapturedZoneID(nodeID: 0, kind: .normal)])
    #expect((zone.min, zone.low, zone.high, zone.managed) == (939, 1173, 1408, 225_280))
  }

  /// A guest of a log may allocate: its watermarks are known.
  @Test func aGuestOfALogHasItsWatermarks() throws {
    for text in [Self.today, Self.before] {
      let reading = try CaptureReading(.init(showMem: CaptureText(name: "log", text)))
      #expect(reading.capture.hasZoneDetails && reading.notes.contains { $0.contains("where zones lie") })
      let geometry = try GuestGeometry.captured(reading.capture, cpus: 1, granuleOrder: 0)
      let guest = try Guest(geometry)
      try guest.fill(from: reading.capture)
      #expect(guest.census().freePages == reading.capture.freePages && guest.validate().isEmpty)
      #expect(guest.core.zones.allSatisfy { $0.hasWatermarks })
    }
  }

  /// Whatever a logger puts before the lines.
  @Test(arguments: [
    "[12345.678901] ", "[    1.234567][  T123] ", "<4>[ 12.3] ", "Dec  1 13:00:01 host kernel: [ 123.4] ",
    "2026-12-01T13:00:01.123456+01:00 host kernel: ", "Dec 01 13:00:01 node-7 kernel: ", "kern.warn kernel: ", "> ",
    "\t",
  ])
  func prefixesDoNotMatter(prefix: String) throws {
    for text in [Self.today, Self.before] {
      let plain = try table(text)
      let prefixed = try table(text.split(separator: "\n").map { prefix + $0 + "\r\n" }.joined())
      #expect(prefixed.rows.mapValues(\.counts) == plain.rows.mapValues(\.counts))
      #expect(prefixed.details == plain.details)
    }
  }

  @Test func ofSeveralDumpsTheLastIsTakenOrTheOneThatIsNamed() throws {
    let text = "x\n" + Self.today + "y 3kB\n" + Self.before + Self.today
    #expect(try table(text).rows.keys.contains { $0.kind == .dma32 })
    let note = try #require(try table(text).notes.first)
    #expect(note.contains("3 dumps") && note.contains("number 3") && note.contains("--nth"))
    #expect(try table(text, nth: 1).details.count == 2)
    #expect(try table(text, nth: 2).rows.keys.contains { $0.kind == .normal })
    #expect(refusal(text, nth: 4)?.contains("there is no dump 4; expected 1 to 3") == true)
    #expect(refusal(text, nth: 0)?.contains("there is no dump 0") == true)
    // Rows alone.
    let rows = Self.before.split(separator: "\n").filter { $0.contains("*") }.joined(separator: "\n") + "\n"
    #expect(try table(rows + rows).notes.first?.contains("2 dumps") == true)
  }

  @Test(arguments: [
    ("= 7680kB", "= 7684kB", "log:9:1: node 0, zone DMA: the counts add up to 7680kB, but the row says 7684kB"),
    ("= 7680kB", "= 7680", "a row that is cut off"),
    (" = 7680kB", "", "a row that is cut off"),
    ("= 7680kB", "= x7kB", "the sum is not a number: 'x7'"),
    ("= 7680kB", "= 7680kB 3", "more after the sum: '3'"),
    ("1*512kB (U) 1*1024kB", "1*512kB (U) 1*1000kB", "blocks of 1000kB after such of 512kB"),
    ("Node 0 DMA: 0*4kB", "Node 0 DMA: 0*8kB", "pages of 8kB"),
    ("Node 0 DMA: 0*4kB", "Node 0 DMB: 0*4kB", "log:9:8: unknown zone 'DMB'"),
    ("1*512kB (U)", "1*512kB (UX)", "unknown migratetype 'X'"),
    ("1*512kB (U)", "1*512kB (UM)", "1 blocks on the lists of 2 types"),
    ("1*512kB (U)", "1*512kB (U) (M)", "letters out of place"),
    ("1*512kB (U)", "one (U)", "not a count: 'one'"),
    ("1*512kB (U)", "99999999999999999999*512kB", "doesn't fit in 64 bits"),
    ("1*512kB (U)", "9999999999999*512kB", "more than 1 PiB"),
    ("min:1420kB", "min:1421kB", "1421kB are no whole pages of 4kB"),
    ("min:1420kB", "min:1776kB", "watermarks min 444, low 443, high 531"),
    ("min:1420kB", "min:xkB", "is not a number: 'x'"),
    ("managed:15360kB", "managed:4kB", "only 1 are managed"),
    (" present:15992kB managed:15360kB", "", "no field 'present'"),
  ])
  func damageIsRefused(part: String, other: String, says: String) {
    let error = refusal(CaptureFixtures.replacing(part, with: other, in: Self.today))
    #expect(error?.contains(says) == true, "\(error ?? "accepted")")
  }

  @Test func aDumpThatIsCutOffIsRefused() throws {
    let end = Self.today.firstRange(of: "= 92728kB")!.upperBound
    for length in 0..<Self.today.utf8.count {
      let cut = String(Self.today.utf8.prefix(length))!
      let isWhole = length >= Self.today.utf8.distance(from: Self.today.startIndex, to: end)
      let says = refusal(cut)
      #expect((says == nil) == isWhole, "the first \(length) bytes: \(says ?? "accepted")")
    }
    // Without lines of watermarks, what is left of a row.
    let rows = Self.today.split(separator: "\n").filter { $0.contains("*") }.joined(separator: "\n")
    let begun = rows.utf8.distance(from: rows.startIndex, to: rows.firstRange(of: "DMA32:")!.upperBound)
    for length in begun..<rows.utf8.count {
      #expect(refusal(String(rows.utf8.prefix(length))!) != nil, "the first \(length) bytes")
    }
  }

  @Test func whatHasNoSuchLinesIsNoLog() {
    #expect(refusal("")?.hasPrefix("log:1: the file is empty") == true)
    #expect(refusal("hello 4kB\nused:4kB free:4kB\nx *4kB\n")?.hasPrefix("log:1: the file has no such lines") == true)
    #expect(!ShowMemTable.isIn(CaptureText(name: "x", "Node 0 DMA free:4kB min:4kB\n")))
  }

  @Test func aRowWithoutWatermarksLeavesThemOut() throws {
    let text = Self.today.split(separator: "\n").filter { !$0.contains("DMA free:") }.joined(separator: "\n")
    let log = try table(text)
    #expect(log.details.isEmpty && log.notes.contains { $0.contains("watermarks of all zones are left out") })
  }

  @Test func largerPagesAreKnown() throws {
    let log = try table("Normal: 1*64kB 0*128kB 2*256kB = 576kB\n")
    #expect(log.pageSize == .large && log.orders == 3)
    let capture = try CaptureReading(.init(showMem: CaptureText(name: "log", "Normal: 1*64kB 0*128kB = 64kB\n")))
      .capture
    #expect(capture.freeBytes == 65536)
    #expect(refusal("Normal: 1*4kB = 4kB\nMovable: 1*64kB = 64kB\n")?.contains("where other rows have others") == true)
  }

  /// A journal of 10 MiB in which all lines look a little like it.
  @Test func aLongJournalIsSearchedAndNotRead() throws {
    let noise = "Dec 01 13:00:01 host app[77]: used 12.5kB of 3 MB, Node 0 hello, zone x free:17 kB\n"
    let many = String(repeating: noise, count: (5 << 20) / noise.utf8.count)
    let log = try table(many + Self.today + many)
    #expect(log.rows.count == 2 && log.rows.values.map(\.line.number).min()! > 50_000)
  }
}
