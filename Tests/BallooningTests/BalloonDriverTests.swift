import Instruments
import Testing

@testable import Ballooning
@testable import GuestMemory

/// Inflating, deflating, and the protocol of references and page locks, one thread at a time, under each kernel's rules.
@Suite struct BalloonDriverTests {
  /// Every rule of isolation, in the kernels that it is for.
  private static let isolations =
    [(IsolationRule.series2012, KernelVersion.linux61)] + KernelVersion.allCases.map { (IsolationRule.merged, $0) }

  private final class Holds { var items: [Int] = [] }

  private struct CountingProbe: LockProbe {
    let holds: Holds
    mutating func willAcquire() {}
    mutating func didAcquire() {}
    mutating func willRelease() {}
    mutating func didRelease(zone: Int, items: Int) { holds.items.append(items) }
  }

  @Test(arguments: BalloonKind.allCases, KernelVersion.allCases)
  func whatGoesInComesOut(_ kind: BalloonKind, _ kernel: KernelVersion) throws {
    for listing in BalloonListing.allCases { try comesOut(kind, kernel, listing) }
  }

  private func comesOut(_ kind: BalloonKind, _ kernel: KernelVersion, _ listing: BalloonListing) throws {
    let bench = try BalloonBench(
      pages: 1 << 14, highestOrder: 10, kind, listing: listing, isMovable: kind == .order0, kernel: kernel)
    let start = bench.guest.core.freePages
    let wanted = (1 << 13) >> kind.order
    let driver = bench.hand()
    var taken = 0
    while taken < wanted { taken += driver.inflate(wanted - taken) }
    #expect(taken == wanted && bench.balloon.count == wanted && bench.listed.count == wanted)
    // What stands on per-CPU lists is no longer counted as free.
    bench.drain()
    #expect(bench.guest.core.freePages == start - 1 << 13)
    #expect(bench.faults(order: kind.order).isEmpty)
    #expect(bench.host.pages == Set(bench.listed) && bench.host.faults.isEmpty)
    // 256 to a message.
    let messages = (wanted + 255) / 256
    #expect(bench.host.messages.count == messages)
    #expect(bench.host.messages.allSatisfy { $0.command == .inflate && $0.pfns.count <= 256 })

    while driver.deflate(PFNArray.capacity) > 0 {}
    bench.drain()
    #expect(bench.guest.core.freePages == start && bench.balloon.count == 0 && bench.listed.isEmpty)
    #expect(bench.faults().isEmpty)
    #expect(bench.host.pages.isEmpty && bench.host.faults.isEmpty && bench.host.messages.count == 2 * messages)
  }

  @Test(arguments: KernelVersion.allCases) func aListIsOneHoldAndPagesAreOneEach(_ kernel: KernelVersion) throws {
    for (listing, expected) in [(BalloonListing.list, [200]), (.page, [Int](repeating: 1, count: 200))] {
      let bench = try BalloonBench(pages: 1024, highestOrder: 10, listing: listing, kernel: kernel)
      let holds = Holds()
      let driver = bench.hand(CountingProbe(holds: holds))
      #expect(driver.inflate(200) == 200)
      #expect(holds.items == expected)
      holds.items = []
      #expect(driver.deflate(200) == 200)
      #expect(holds.items == expected)
    }
  }

  @Test func aMessageNamesNoMoreThan256() throws {
    let bench = try BalloonBench(pages: 1024, highestOrder: 10)
    let driver = bench.hand()
    #expect(driver.inflate(1000) == 256)
    #expect(driver.deflate(1000) == 256)
    #expect(driver.deflate(1) == 0)
  }

  @Test func anEmptyAllocatorEndsTheInflating() throws {
    let bench = try BalloonBench(marks: Watermarks(min: 16, low: 20, high: 24))
    let driver = bench.hand()
    var taken = 0
    while case let more = driver.inflate(PFNArray.capacity), more > 0 { taken += more }
    bench.drain()
    let zone = bench.guest.core.zone(0)
    #expect(taken > 0 && zone.freePages >= zone.watermark(.min))
    #expect(bench.listed.count == taken && bench.faults().isEmpty)
  }

  // MARK: isolating

  @Test func isolationFailsOnACountOtherThanTwo() throws {
    let bench = try BalloonBench(isolation: .series2012)
    let driver = bench.hand()
    _ = driver.inflate(1)
    let pfn = try #require(bench.listed.first)
    // Somebody else has a reference.
    #expect(bench.guest.core.page(pfn).takeReference())
    #expect(!driver.isolate(pfn))
    #expect(bench.listed == [pfn] && bench.guest.core.page(pfn).references == 2)
    driver.put(pfn)
    #expect(driver.isolate(pfn))
  }

  @Test(arguments: isolations)
  func anIsolatedPageIsNotIsolatedAgain(_ isolation: IsolationRule, _ kernel: KernelVersion) throws {
    let bench = try BalloonBench(isolation: isolation, kernel: kernel)
    let driver = bench.hand()
    _ = driver.inflate(2)
    let pfn = bench.listed[0]
    #expect(driver.isolate(pfn))
    #expect(!driver.isolate(pfn))
    #expect(bench.balloon.handle.pages.isolated == 1 && !bench.listed.contains(pfn))
    #expect(bench.guest.core.page(pfn).references == 2)
    driver.putBack(pfn)
    #expect(bench.balloon.handle.pages.isolated == 0 && bench.listed.contains(pfn))
    #expect(bench.guest.core.page(pfn).references == 1)
  }

  @Test(arguments: isolations)
  func isolationFailsOnALockedPage(_ isolation: IsolationRule, _ kernel: KernelVersion) throws {
    let bench = try BalloonBench(isolation: isolation, kernel: kernel)
    let driver = bench.hand()
    _ = driver.inflate(1)
    let page = bench.guest.core.page(bench.listed[0])
    #expect(page.tryLock())
    #expect(!driver.isolate(bench.listed[0]))
    #expect(page.references == 1 && bench.balloon.handle.pages.isolated == 0)
    page.unlock()
    #expect(driver.isolate(bench.listed[0]))
  }

  @Test(arguments: KernelVersion.allCases) func isolationFailsOnWhatIsNotTheBalloons(_ kernel: KernelVersion) throws {
    let bench = try BalloonBench(kernel: kernel)
    let driver = bench.hand()
    // Free, and somebody else's.
    #expect(!driver.isolate(0))
    let other = try #require(driver.allocate())
    #expect(!driver.isolate(other))
    #expect(bench.guest.core.page(other).references == 1)
    // Dequeued.
    _ = driver.inflate(1)
    let pfn = bench.listed[0]
    _ = driver.deflate(1)
    #expect(!driver.isolate(pfn))
  }

  @Test(arguments: KernelVersion.allCases)
  func pagesOfAnUnmovableBalloonAreNotIsolated(_ kernel: KernelVersion) throws {
    let bench = try BalloonBench(isMovable: false, kernel: kernel)
    let driver = bench.hand()
    _ = driver.inflate(4)
    #expect(bench.listed.allSatisfy { !driver.isolate($0) })
    #expect(bench.listed.allSatisfy { bench.guest.core.pageblockMigratetype($0) == .unmovable })
  }

  /// Mainline takes the first pages of the list, whatever their locks.
  @Test(arguments: KernelVersion.allCases) func deflatingSkipsLockedPagesButInMainline(_ kernel: KernelVersion) throws {
    for listing in BalloonListing.allCases {
      let bench = try BalloonBench(listing: listing, kernel: kernel)
      let driver = bench.hand()
      _ = driver.inflate(6)
      let before = bench.listed
      let page = bench.guest.core.page(before[1])
      // Somebody looks at it.
      #expect(page.takeReference() && page.tryLock())
      #expect(driver.deflate(4) == 4)
      let left = kernel == .mainline ? before[4...] : [before[1]] + before[5...]
      #expect(bench.listed == Array(left) && bench.balloon.count == 2)
      #expect(driver.deflate(4) == (kernel == .mainline ? 2 : 1))
      page.unlock()
      driver.put(before[1])
      #expect(driver.deflate(4) == (kernel == .mainline ? 0 : 1))
      bench.drain()
      #expect(bench.faults().isEmpty)
    }
  }

  // MARK: migrating

  @Test(arguments: KernelVersion.allCases) func aMigrationTellsOfTheNewPageFirst(_ kernel: KernelVersion) throws {
    let bench = try BalloonBench(kernel: kernel)
    let driver = bench.hand()
    _ = driver.inflate(3)
    let old = bench.listed[1]
    let new = try #require(driver.allocate())
    #expect(driver.isolate(old))
    #expect(driver.migrate(old, to: new))
    #expect(!bench.listed.contains(old) && bench.listed.contains(new))
    let last = bench.host.messages.suffix(2)
    #expect(last.map(\.command) == [.inflate, .deflate] && last.map(\.pfns) == [[new], [old]])
    #expect(bench.balloon.count == 3 && bench.balloon.handle.pages.isolated == 0)
    #expect(bench.guest.core.page(new).references == 1 && !bench.guest.core.page(new).isLocked)
    #expect(bench.guest.core.page(old).references == 0)
    bench.drain()
    #expect(bench.faults().isEmpty && bench.host.faults.isEmpty)
  }

  /// Under the list's lock the new page comes and the old one's owner goes: two holds, in mainline one.
  @Test(arguments: KernelVersion.allCases) func theListChangesInOneHoldInMainline(_ kernel: KernelVersion) throws {
    let bench = try BalloonBench(kernel: kernel)
    let holds = Holds()
    let driver = bench.hand(CountingProbe(holds: holds))
    _ = driver.inflate(1)
    let old = bench.listed[0]
    let new = try #require(driver.allocate())
    #expect(driver.isolate(old))
    holds.items = []
    #expect(driver.migrate(old, to: new))
    #expect(holds.items == (kernel == .mainline ? [1] : [1, 1]))
    #expect(bench.listed == [new])
  }

  @Test(arguments: KernelVersion.allCases) func aMigrationOnlyTriesTheMutex(_ kernel: KernelVersion) throws {
    let bench = try BalloonBench(kernel: kernel)
    let driver = bench.hand()
    _ = driver.inflate(1)
    let old = bench.listed[0]
    let new = try #require(driver.allocate())
    #expect(driver.isolate(old))
    #expect(bench.balloon.handle.tryMutex())
    #expect(!driver.migrate(old, to: new))
    bench.balloon.handle.releaseMutex()
    #expect(bench.balloon.handle.pages.isolated == 1 && bench.host.messages.count == 1)
    driver.putBack(old)
    driver.put(new)
    bench.drain()
    #expect(bench.listed == [old] && bench.faults().isEmpty)
  }

  /// What the balloon has its zone doesn't manage, whatever moves.
  @Test(arguments: KernelVersion.allCases) func theManagedPagesAreThoseNotInTheBalloon(_ kernel: KernelVersion) throws {
    let bench = try BalloonBench(pages: 64, lowPages: 64, kernel: kernel)
    let driver = bench.hand()
    func managed() -> [UInt64] { bench.guest.core.zones.map(\.managedPages) }
    // The upper zone is used up first.
    #expect(driver.inflate(64) == 64 && managed() == [64, 0])
    let old = try #require(bench.listed.first { $0 >= 64 })
    let new = try #require(driver.allocate())
    #expect(new < 64 && driver.isolate(old))
    #expect(driver.migrate(old, to: new) && managed() == [63, 1])
    #expect(driver.deflate(64) == 64 && managed() == [64, 64])
    _ = driver.inflate(10)
    bench.restart()
    #expect(managed() == [64, 64])
  }

  // MARK: everything at once

  /// Any order of operations keeps the count, the list and the host together, and gives everything back.
  @Test(arguments: Seeds.list) func anyOrderOfOperationsKeepsTheCount(seed: UInt64) throws {
    let generatorSeed = SeededGenerator(seed: seed, stream: 3)
    for (isolation, kernel) in Self.isolations {
      for listing in BalloonListing.allCases {
        var generator = generatorSeed
        let bench = try BalloonBench(
          pages: 512, highestOrder: 6, listing: listing, isolation: isolation, kernel: kernel)
        let start = bench.guest.core.freePages
        let driver = bench.hand()
        var isolated: [UInt64] = []
        var listed: Set<UInt64> = []
        for step in 0..<300 {
          switch generator.below(5) {
          case 0: _ = driver.inflate(1 + generator.below(40))
          case 1: _ = driver.deflate(1 + generator.below(30))
          case 2:
            guard let pfn = bench.listed.randomElement(using: &generator) else { continue }
            #expect(driver.isolate(pfn), "seed \(seed), step \(step)")
            isolated.append(pfn)
          case 3:
            guard !isolated.isEmpty else { continue }
            driver.putBack(isolated.remove(at: generator.below(isolated.count)))
          default:
            guard !isolated.isEmpty, let new = driver.allocate() else { continue }
            let old = isolated.remove(at: generator.below(isolated.count))
            #expect(driver.migrate(old, to: new))
          }
          listed = Set(bench.listed)
          let pages = bench.balloon.handle.pages
          #expect(pages.count == listed.count && pages.isolated == isolated.count, "seed \(seed), step \(step)")
          #expect(bench.balloon.count == listed.count + isolated.count, "seed \(seed), step \(step)")
          #expect(bench.host.pages == listed.union(isolated) && bench.host.faults.isEmpty, "seed \(seed), step \(step)")
        }
        #expect(bench.faults(held: isolated).isEmpty, "seed \(seed): \(bench.faults(held: isolated))")
        for pfn in isolated { driver.putBack(pfn) }
        while driver.deflate(PFNArray.capacity) > 0 {}
        bench.drain()
        #expect(bench.guest.core.freePages == start && bench.faults().isEmpty, "seed \(seed)")
      }
    }
  }
}
