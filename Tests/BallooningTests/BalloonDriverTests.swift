import Instruments
import Testing

@testable import Ballooning
@testable import GuestMemory

/// Inflating, deflating, and the protocol of references and page locks, one thread at a time.
@Suite struct BalloonDriverTests {
  private final class Holds { var items: [Int] = [] }

  private struct CountingProbe: LockProbe {
    let holds: Holds
    mutating func willAcquire() {}
    mutating func didAcquire() {}
    mutating func willRelease() {}
    mutating func didRelease(zone: Int, items: Int) { holds.items.append(items) }
  }

  @Test(arguments: BalloonKind.allCases, BalloonListing.allCases)
  func whatGoesInComesOut(_ kind: BalloonKind, _ listing: BalloonListing) throws {
    let bench = try BalloonBench(
      pages: 1 << 14, highestOrder: 10, kind, listing: listing, isMovable: kind == .order0)
    let start = bench.guest.core.freePages
    let wanted = (1 << 13) >> kind.order
    let driver = BalloonHand(bench, NoProbe())
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

  @Test func aListIsOneHoldAndPagesAreOneEach() throws {
    for (listing, expected) in [(BalloonListing.list, [200]), (.page, [Int](repeating: 1, count: 200))] {
      let bench = try BalloonBench(pages: 1024, highestOrder: 10, listing: listing)
      let holds = Holds()
      let driver = BalloonHand(bench, CountingProbe(holds: holds))
      #expect(driver.inflate(200) == 200)
      #expect(holds.items == expected)
      holds.items = []
      #expect(driver.deflate(200) == 200)
      #expect(holds.items == expected)
    }
  }

  @Test func aMessageNamesNoMoreThan256() throws {
    let bench = try BalloonBench(pages: 1024, highestOrder: 10)
    let driver = BalloonHand(bench, NoProbe())
    #expect(driver.inflate(1000) == 256)
    #expect(driver.deflate(1000) == 256)
    #expect(driver.deflate(1) == 0)
  }

  @Test func anEmptyAllocatorEndsTheInflating() throws {
    let bench = try BalloonBench(marks: Watermarks(min: 16, low: 20, high: 24))
    let driver = BalloonHand(bench, NoProbe())
    var taken = 0
    while case let more = driver.inflate(PFNArray.capacity), more > 0 { taken += more }
    bench.drain()
    let zone = bench.guest.core.zone(0)
    #expect(taken > 0 && zone.freePages >= zone.watermark(.min))
    #expect(bench.listed.count == taken && bench.faults().isEmpty)
  }

  // MARK: isolating

  @Test func isolationFailsOnACountOtherThanTwo() throws {
    let bench = try BalloonBench(rules: .series2012)
    let driver = BalloonHand(bench, NoProbe())
    _ = driver.inflate(1)
    let pfn = try #require(bench.listed.first)
    // Somebody else has a reference.
    #expect(bench.guest.core.page(pfn).takeReference())
    #expect(!driver.isolate(pfn))
    #expect(bench.listed == [pfn] && bench.guest.core.page(pfn).references == 2)
    driver.put(pfn)
    #expect(driver.isolate(pfn))
  }

  @Test(arguments: BalloonRules.allCases) func anIsolatedPageIsNotIsolatedAgain(_ rules: BalloonRules) throws {
    let bench = try BalloonBench(rules: rules)
    let driver = BalloonHand(bench, NoProbe())
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

  @Test(arguments: BalloonRules.allCases) func isolationFailsOnALockedPage(_ rules: BalloonRules) throws {
    let bench = try BalloonBench(rules: rules)
    let driver = BalloonHand(bench, NoProbe())
    _ = driver.inflate(1)
    let page = bench.guest.core.page(bench.listed[0])
    #expect(page.tryLock())
    #expect(!driver.isolate(bench.listed[0]))
    #expect(page.references == 1 && bench.balloon.handle.pages.isolated == 0)
    page.unlock()
    #expect(driver.isolate(bench.listed[0]))
  }

  @Test func isolationFailsOnWhatIsNotTheBalloons() throws {
    let bench = try BalloonBench()
    let driver = BalloonHand(bench, NoProbe())
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

  @Test func pagesOfAnUnmovableBalloonAreNotIsolated() throws {
    let bench = try BalloonBench(isMovable: false)
    let driver = BalloonHand(bench, NoProbe())
    _ = driver.inflate(4)
    #expect(bench.listed.allSatisfy { !driver.isolate($0) })
    #expect(bench.listed.allSatisfy { bench.guest.core.pageblockMigratetype($0) == .unmovable })
  }

  @Test func deflatingSkipsLockedPages() throws {
    for listing in BalloonListing.allCases {
      let bench = try BalloonBench(listing: listing)
      let driver = BalloonHand(bench, NoProbe())
      _ = driver.inflate(4)
      let before = bench.listed
      #expect(bench.guest.core.page(before[1]).tryLock())
      #expect(driver.deflate(4) == 3)
      #expect(bench.listed == [before[1]] && bench.balloon.count == 1)
      bench.guest.core.page(before[1]).unlock()
      #expect(driver.deflate(4) == 1)
      bench.drain()
      #expect(bench.faults().isEmpty)
    }
  }

  // MARK: migrating

  @Test func aMigrationTellsOfTheNewPageFirst() throws {
    let bench = try BalloonBench()
    let driver = BalloonHand(bench, NoProbe())
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

  @Test func aMigrationOnlyTriesTheMutex() throws {
    let bench = try BalloonBench()
    let driver = BalloonHand(bench, NoProbe())
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

  // MARK: everything at once

  /// Any order of operations keeps the count, the list and the host together, and gives everything back.
  @Test(arguments: Seeds.list) func anyOrderOfOperationsKeepsTheCount(seed: UInt64) throws {
    let generatorSeed = SeededGenerator(seed: seed, stream: 3)
    for rules in BalloonRules.allCases {
      for listing in BalloonListing.allCases {
        var generator = generatorSeed
        let bench = try BalloonBench(pages: 512, highestOrder: 6, listing: listing, rules: rules)
        let start = bench.guest.core.freePages
        let driver = BalloonHand(bench, NoProbe())
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
