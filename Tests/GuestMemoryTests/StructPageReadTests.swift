import Glibc
import Instruments
import Testing

@testable import GuestMemory

/// How many struct pages the allocator reads and writes, by kernel and by whether it was told to check pages.
///
/// Two methods, since a program can't watch its own reads. What a read would change shows each struct page that is read:
/// one is made to look in use, or free, and the allocator notices. The memory map's host pages, which have memory from
/// their first access on, show what isn't read, 64 struct pages at a time.
@Suite struct StructPageReadTests {
  struct Setting: CustomTestStringConvertible {
    var kernel: KernelVersion
    var isTold = false
    /// Struct pages read to hand out 2^order pages.
    var readsAll: Bool
    var testDescription: String { kernel.rawValue + (isTold ? ", told to check pages" : "") }
  }

  static let settings = [
    Setting(kernel: .linux61, readsAll: true), Setting(kernel: .linux612, readsAll: false),
    Setting(kernel: .linux612, isTold: true, readsAll: true), Setting(kernel: .mainline, readsAll: false),
    Setting(kernel: .mainline, isTold: true, readsAll: true),
  ]

  private func guest(_ setting: Setting, pages: UInt64 = 4096, highestOrder: Int = 10) throws -> Guest {
    try .fresh(
      .bare(
        [0..<pages], highestOrder: highestOrder, kernel: setting.kernel, isToldToCheckPages: setting.isTold))
  }

  private func on<Value>(_ guest: Guest, _ body: (inout AnyCountingCPU) throws -> Value) rethrows -> Value {
    var cpu = AnyCountingCPU(guest, cpu: 0)
    return try body(&cpu)
  }

  private func take(_ guest: Guest, order: Int) throws -> UInt64 { try on(guest) { try $0.mustAllocate(order: order) } }

  private func badPages(_ guest: Guest) -> Int { Int(guest.core.zone(0).pointer.pointee.bad_pages) }

  /// Makes a page look in use.
  private func spoil(_ guest: Guest, _ pfn: UInt64) { guest.core.page(pfn).pointer.pointee.memcg = 1 }

  // MARK: what is read

  /// The blocks that a guest hands out first, from one that is the same.
  private func first(_ count: Int, order: Int, _ setting: Setting, pages: UInt64 = 4096) throws -> [UInt64] {
    let guest = try guest(setting, pages: pages)
    return try on(guest) { cpu in try (0..<count).map { _ in try cpu.mustAllocate(order: order) } }
  }

  /// How many of a block's struct pages are noticed where they look in use.
  private func noticed(
    order: Int, _ setting: Setting, pages: UInt64 = 4096, _ act: (Guest, UInt64) throws -> Void
  ) throws -> Int {
    try (0..<(UInt64(1) << UInt64(order))).count { n in
      let guest = try guest(setting, pages: pages)
      defer { withExtendedLifetime(guest) {} }
      try act(guest, n)
      return badPages(guest) > 0
    }
  }

  @Test(arguments: settings, [0, 3, 9, 10]) func takingAndGivingBackReadsSoMany(_ setting: Setting, order: Int) throws {
    let pages = UInt64(1) << UInt64(order)
    let pfn = try first(1, order: order, setting)[0]
    let noticed = try noticed(order: order, setting) { guest, n in
      spoil(guest, pfn + n)
      let taken = try take(guest, order: order)
      #expect((taken == pfn) == !setting.readsAll)
    }
    #expect(noticed == (setting.readsAll ? Int(pages) : 0))
    // Freeing cleans the flags of each page, and so reads them.
    let guest = try guest(setting)
    let isSame = try take(guest, order: order) == pfn
    #expect(isSame)
    for n in 0..<pages { guest.core.page(pfn + n).pointer.pointee.flags |= Page.flagsCheckedAtPrep }
    on(guest) { $0.free(pfn: pfn, order: order) }
    let cleaned = (0..<pages).count { guest.core.page(pfn + $0).pointer.pointee.flags & Page.flagsCheckedAtPrep == 0 }
    // Of an HPO 2048 or 1025: the head is read in any case.
    #expect(max(noticed, 1) + cleaned == Int(setting.readsAll ? 2 * pages : 1 + pages))
    #expect(badPages(guest) == 0)
  }

  @Test(arguments: settings) func aRefillChecksItsBlocksOrTheirHandingOutDoes(_ setting: Setting) throws {
    // A refill takes two blocks of order 9 in a zone that isn't tiny; the second is handed out later.
    let pages: UInt64 = 1 << 14
    let blocks = try first(2, order: 9, setting, pages: pages)
    let inRefill = try noticed(order: 9, setting, pages: pages) { guest, n in
      spoil(guest, blocks[1] + n)
      let taken = try take(guest, order: 9)
      #expect(taken == blocks[0])
    }
    let later = try noticed(order: 9, setting, pages: pages) { guest, n in
      _ = try take(guest, order: 9)
      spoil(guest, blocks[1] + n)
      let pfn = try take(guest, order: 9)
      #expect((pfn == blocks[1]) == !setting.isTold)
    }
    #expect(inRefill == (setting.kernel == .linux61 ? 512 : 0))
    #expect(later == (setting.isTold ? 512 : 0))
  }

  @Test(arguments: settings) func aFreeNoticesWhatItIsToldToCheck(_ setting: Setting) throws {
    for order in [3, 9, 10] {
      let noticed = try noticed(order: order, setting) { guest, n in
        try on(guest) { cpu in
          let pfn = try cpu.mustAllocate(order: order)
          spoil(guest, pfn + n)
          cpu.free(pfn: pfn, order: order)
        }
      }
      #expect(noticed == (setting.readsAll ? 1 << order : 0), "order \(order)")
    }
  }

  @Test(arguments: [KernelVersion.linux612, .mainline]) func aBadPageIsLeakedAndAnotherBlockTaken(
    _ kernel: KernelVersion
  ) throws {
    let setting = Setting(kernel: kernel, isTold: true, readsAll: true)
    for order in [0, 3, 9, 10] {
      let bad = try first(1, order: order, setting)[0]
      let guest = try guest(setting)
      spoil(guest, bad + 1 << UInt64(order) - 1)
      let pfn = try take(guest, order: order)
      #expect(pfn != bad && badPages(guest) == 1)
      guest.core.page(bad + 1 << UInt64(order) - 1).pointer.pointee.memcg = 0
      #expect(guest.validate(held: [Block(pfn: pfn, order: order)]).contains { $0.kind == .lostPage })
      let held = [Block(pfn: pfn, order: order), Block(pfn: bad, order: order)]
      #expect(guest.validate(held: held).isEmpty, "order \(order)")
    }
  }

  // MARK: isolating

  /// Isolates an unmovable block at PFN 0 once for each other page of its pageblocks, which looks free meanwhile. Returns
  /// how many of those the scan of the pageblocks found, and the pageblock's type after.
  private func found(order: Int, _ kernel: KernelVersion) throws -> (Int, Migratetype) {
    let guest = try guest(Setting(kernel: kernel, readsAll: false), pages: 1024)
    let core = guest.core
    let zone = core.zone(0)
    _ = try take(guest, order: 10)
    // So that the watermark stands in nobody's way.
    core.addFreePages(zone, 1024)
    var count = 0
    var type = Migratetype.unmovable
    for n in 1..<(UInt64(1) << UInt64(max(order, 9))) {
      core.setPageblockMigratetypes(0, order: 10, .unmovable)
      let page = core.page(n)
      on(guest) { cpu in
        cpu.put(0, order: order)
        page.pointer.pointee.flags = Page.zoneBits(0)
        core.addToFreeList(page, zone, order: 0, .unmovable, toTail: false)
        let isIsolated = cpu.isolate(0)
        #expect(isIsolated)
      }
      if guest.pfns(order: 0, .movable) == [n] { count += 1 }
      type = core.pageblockMigratetype(0)
      core.removeFromFreeList(page, zone, order: 0)
    }
    return (count, type)
  }

  @Test(arguments: KernelVersion.allCases, [10, 9, 8]) func isolatingReadsTheHeadOrThePageblocks(
    _ kernel: KernelVersion, order: Int
  ) throws {
    let (count, type) = try found(order: order, kernel)
    // The head, which isn't free any more, and what looks free. Half a pageblock has it read whole.
    #expect(1 + count == (kernel == .linux61 ? 1 : order == 10 ? 1024 : 512))
    #expect(type == .movable)
  }

  @Test(arguments: KernelVersion.allCases, [7, 3, 0]) func isolatingLessThanHalfAPageblockReadsTheHead(
    _ kernel: KernelVersion, order: Int
  ) throws {
    let (count, type) = try found(order: order, kernel)
    #expect(count == 0 && type == .unmovable)
  }

  // MARK: what isn't read

  /// How many host pages of these struct pages have been accessed.
  private func touched(_ guest: Guest, _ pfn: UInt64, order: Int) -> Int {
    var states = [UInt8](repeating: 0, count: 64 << order / 4096)
    let map = UnsafeMutableRawPointer(guest.core.page(pfn).pointer)
    let error = mincore(map, 64 << order, &states)
    #expect(error == 0)
    return states.count { $0 & 1 != 0 }
  }

  @Test(arguments: settings) func handingOutTouchesOneHostPageOrAll(_ setting: Setting) throws {
    let guest = try guest(setting)
    try on(guest) { cpu in
      let pfn = try cpu.mustAllocate(order: 10)
      #expect(touched(guest, pfn, order: 10) == (setting.readsAll ? 16 : 1))
      cpu.free(pfn: pfn, order: 10)
      #expect(touched(guest, pfn, order: 10) == 16)
    }
  }

  @Test(arguments: settings, [9, 10]) func isolatingTouchesOneHostPageOrAll(_ setting: Setting, order: Int) throws {
    let guest = try guest(setting, highestOrder: order)
    let pfn = try #require(guest.pfns(order: order, .movable).first)
    #expect(touched(guest, pfn, order: order) == 1)
    let isIsolated = on(guest) { $0.isolate(pfn) }
    #expect(isIsolated)
    #expect(touched(guest, pfn, order: order) == (setting.kernel == .linux61 ? 1 : 1 << (order - 6)))
  }

  @Test func aSingleReadTouchesAHostPage() throws {
    let guest = try guest(Self.settings[1])
    let pfn = try #require(guest.pfns(order: 10, .movable).first)
    for n in 1..<16 {
      #expect(touched(guest, pfn, order: 10) == n)
      #expect(guest.core.page(pfn + UInt64(n) * 64 + 63).pointer.pointee.refcount == 0)
    }
    #expect(touched(guest, pfn, order: 10) == 16)
  }
}
