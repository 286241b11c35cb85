import CHost
import GuestMemory
import Testing

@testable import Migration

@Suite(.needsDirtyLog) struct WriteProtectLogTests {
  private static let pages = 5000

  private func written(_ log: WriteProtectLog) throws -> [Int] {
    var bitmap = MigrationBitmap(units: Self.pages, allSet: false)
    try log.sync(into: &bitmap)
    return RealGuest.pages(bitmap)
  }

  @Test func eachSyncHasWhatWasWrittenSinceTheLast() throws {
    let ram = try GuestRAM(pages: Self.pages)
    for page in 0..<1000 { ram.write(page, version: 1) }
    let log = try WriteProtectLog(ram)
    try log.start()
    #expect(try written(log) == [], "what was written before isn't noted")
    // Pages that there were, that weren't, at either end, and one twice.
    for page in [0, 5, 6, 999, 1000, 2500, Self.pages - 1, 5] { ram.write(page, version: 2) }
    #expect(try written(log) == [0, 5, 6, 999, 1000, 2500, Self.pages - 1])
    #expect(try written(log) == [], "forgotten by the sync")
    ram.write(6, version: 3)
    ram.zero(Block(pfn: 64, order: 3))
    #expect(try written(log) == [6] + Array(64..<72))
  }

  @Test func readingWritesNothing() throws {
    let ram = try GuestRAM(pages: Self.pages)
    for page in 0..<1000 { ram.write(page, version: 1) }
    let log = try WriteProtectLog(ram)
    try log.start()
    for page in 0..<Self.pages {
      #expect(ram.isZero(page) == (page >= 1000))
    }
    #expect(try written(log) == [])
    // A page that was read before anybody wrote it is one page of zeroes with all others.
    ram.write(3000, version: 1)
    #expect(try written(log) == [3000])
  }

  /// Every second page of many is more runs than one call takes.
  @Test func moreRunsThanOneCallTakesAreAllFound() throws {
    let pages = 20_000
    let ram = try GuestRAM(pages: pages)
    let log = try WriteProtectLog(ram)
    try log.start()
    for page in stride(from: 0, to: pages, by: 2) { ram.write(page, version: 1) }
    var bitmap = MigrationBitmap(units: pages, allSet: false)
    try log.sync(into: &bitmap)
    #expect(RealGuest.pages(bitmap) == Array(stride(from: 0, to: pages, by: 2)))
  }

  /// The same draws against a plain set.
  @Test(arguments: 1...8 as ClosedRange<UInt64>) func aSetOfWrittenPagesSaysTheSame(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed, stream: 31)
    let ram = try GuestRAM(pages: Self.pages)
    let log = try WriteProtectLog(ram)
    try log.start()
    for round in 0..<20 {
      var expected: Set<Int> = []
      for _ in 0..<generator.below(400) {
        let page = generator.below(Self.pages)
        switch generator.below(3) {
        case 0: _ = ram.isZero(page)
        case 1:
          ram.write(page, version: generator.next())
          expected.insert(page)
        default:
          ram.zero(Block(pfn: UInt64(page), order: 0))
          expected.insert(page)
        }
      }
      #expect(try written(log) == expected.sorted(), "seed \(seed), round \(round)")
    }
  }
}

@Suite struct GuestRAMTests {
  @Test func pagesOfTwoVersionsOrPlacesDiffer() throws {
    let ram = try GuestRAM(pages: 64)
    var seen: Set<UInt64> = []
    for page in 0..<64 {
      #expect(ram.isZero(page))
      for version in 0..<32 as Range<UInt64> {
        ram.write(page, version: version)
        #expect(!ram.isZero(page))
        #expect(seen.insert(ram.hash(page, seed: 1)).inserted, "page \(page), version \(version)")
      }
    }
    ram.zero(Block(pfn: 32, order: 3))
    #expect((0..<64).filter { ram.isZero($0) } == Array(32..<40))
  }

  /// Every single bit of a page shows in its hash and in whether it is zero.
  @Test func everyBitCounts() throws {
    let ram = try GuestRAM(pages: 1)
    let words = ram.address(0).assumingMemoryBound(to: UInt64.self)
    let zero = ram.hash(0, seed: 5)
    var seen: Set<UInt64> = [zero]
    for bit in 0..<4096 * 8 {
      words[bit >> 6] = 1 << UInt64(bit & 63)
      if ram.isZero(0) || !seen.insert(ram.hash(0, seed: 5)).inserted { Issue.record("bit \(bit)") }
      words[bit >> 6] = 0
    }
    #expect(ram.hash(0, seed: 5) == zero && ram.hash(0, seed: 6) != zero)
  }
}
