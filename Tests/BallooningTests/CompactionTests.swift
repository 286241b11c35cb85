import Instruments
import Testing

@testable import Ballooning
@testable import GuestMemory

/// A pass of compaction under each kernel's rules: what it moves, what it leaves, and that nothing is lost.
@Suite struct CompactionTests {
  /// Pages of somebody else's.
  private struct Owner: PageOwner {
    var pages: Set<UInt64> = []
    /// Moves of what isn't its, or to where it has a page.
    var wrongMoves = 0

    var list: [UInt64] { Array(pages) }

    mutating func pageMoved(from old: UInt64, to new: UInt64) {
      if pages.remove(old) == nil || !pages.insert(new).inserted { wrongMoves += 1 }
    }
  }

  /// A guest in which balloon and owner took all there is page by page, and the owner has given most of it back.
  private func scattered(
    _ bench: BalloonBench, _ seed: UInt64, keeps: Int = 8
  ) -> (owner: Owner, driver: any Compacting) {
    func scatter<Rules: KernelRules>(_ rules: Rules.Type) -> (Owner, any Compacting) {
      scattered(bench, seed, keeps: keeps, bench.driver(rules), bench.cpu(1, rules))
    }
    return scatter(bench.guest.geometry.kernel.rules)
  }

  private func scattered<Rules: KernelRules>(
    _ bench: BalloonBench, _ seed: UInt64, keeps: Int,
    _ driver: BalloonDriver<NoProbe, RememberingHost, NoSteps, Rules>, _ cpu: GuestCPU<NoProbe, NoHooks, Rules>
  ) -> (owner: Owner, driver: any Compacting) {
    var generator = SeededGenerator(seed: seed, stream: 4)
    var (driver, cpu) = (driver, cpu)
    var taken: [UInt64] = []
    while driver.inflate(1 + generator.below(8)) > 0 {
      for _ in 0..<(8 + generator.below(48)) {
        guard let pfn = cpu.allocate(order: 0, .userMovable) else { break }
        taken.append(pfn)
      }
    }
    var owner = Owner()
    for pfn in taken {
      if generator.below(keeps) == 0 {
        owner.pages.insert(pfn)
      } else {
        cpu.free(pfn: pfn, order: 0)
      }
    }
    bench.drain()
    return (owner, driver)
  }

  private func hugeBlocks(_ bench: BalloonBench) -> Int {
    Int(bench.guest.core.zone(0).blocksFree(order: 9) + 2 * bench.guest.core.zone(0).blocksFree(order: 10))
  }

  private func bench(
    _ kernel: KernelVersion, isMovable: Bool = true, marks: Watermarks = Watermarks(min: 0, low: 0, high: 0)
  ) throws -> BalloonBench {
    try BalloonBench(pages: 1 << 14, highestOrder: 10, isMovable: isMovable, kernel: kernel, marks: marks)
  }

  @Test(arguments: Seeds.list, KernelVersion.allCases)
  func movablePagesAreMovedTogether(seed: UInt64, _ kernel: KernelVersion) throws {
    let bench = try bench(kernel)
    var (owner, driver) = scattered(bench, seed)
    let start = owner.pages.count
    let balloonPages = bench.balloon.count
    let before = hugeBlocks(bench)
    let free = bench.guest.core.freePages
    let told = bench.host.messages.count
    let figures = driver.compact(bench.guest.core.zone(0), movesBalloonPages: true, &owner)
    bench.drain()
    // Nothing is lost, nobody's page is another's.
    #expect(bench.guest.core.freePages == free)
    #expect(bench.faults(held: owner.list).isEmpty, "seed \(seed): \(bench.faults(held: owner.list))")
    #expect(owner.pages.count == start && owner.wrongMoves == 0 && owner.pages.isDisjoint(with: bench.listed))
    #expect(bench.balloon.count == balloonPages && bench.balloon.handle.pages.isolated == 0)
    #expect(bench.host.pages == Set(bench.listed) && bench.host.faults.isEmpty)
    #expect(figures.balloonPages > 0 && figures.otherPages > 0)
    // Two messages for each page of the balloon's.
    #expect(bench.host.messages.count == told + 2 * figures.balloonPages)
    // All but a few of the blocks that could be are whole: what is free, and not needed for what is left in use.
    let most = Int(free) / 512
    #expect(
      hugeBlocks(bench) >= most - 4 && hugeBlocks(bench) > before,
      "seed \(seed): \(before), then \(hugeBlocks(bench)) of \(most)")
  }

  @Test(arguments: Seeds.list, KernelVersion.allCases)
  func pagesThatCannotBeMovedStay(seed: UInt64, _ kernel: KernelVersion) throws {
    func compacted(movesBalloonPages: Bool) throws -> (huge: Int, moved: Int) {
      let bench = try bench(kernel)
      var (owner, driver) = scattered(bench, seed)
      let listed = bench.listed
      let figures = driver.compact(bench.guest.core.zone(0), movesBalloonPages: movesBalloonPages, &owner)
      bench.drain()
      #expect(bench.faults(held: owner.list).isEmpty)
      if !movesBalloonPages {
        #expect(bench.listed == listed && figures.balloonPages == 0 && figures.balloonPagesLeft > 0)
      }
      return (hugeBlocks(bench), figures.balloonPages)
    }
    let (with, without) = (try compacted(movesBalloonPages: true), try compacted(movesBalloonPages: false))
    #expect(with.moved > 0 && with.huge > without.huge, "seed \(seed): \(with) \(without)")
  }

  @Test(arguments: KernelVersion.allCases) func anUnmovableBalloonIsNeverMoved(_ kernel: KernelVersion) throws {
    let bench = try bench(kernel, isMovable: false)
    var (owner, driver) = scattered(bench, 1)
    let listed = bench.listed
    let figures = driver.compact(bench.guest.core.zone(0), movesBalloonPages: true, &owner)
    #expect(bench.listed == listed && figures.balloonPages == 0)
    bench.drain()
    #expect(bench.faults(held: owner.list).isEmpty)
  }

  /// Somebody deflates: the mutex isn't to be had, and what was isolated goes back.
  @Test(arguments: KernelVersion.allCases) func withoutTheMutexPagesArePutBack(_ kernel: KernelVersion) throws {
    let bench = try bench(kernel)
    var (owner, driver) = scattered(bench, 2)
    let listed = Set(bench.listed)
    #expect(bench.balloon.handle.tryMutex())
    let figures = driver.compact(bench.guest.core.zone(0), movesBalloonPages: true, &owner)
    bench.balloon.handle.releaseMutex()
    #expect(figures.balloonPages == 0 && figures.putBack > 0 && figures.otherPages > 0)
    #expect(Set(bench.listed) == listed && bench.balloon.handle.pages.isolated == 0)
    bench.drain()
    #expect(bench.faults(held: owner.list).isEmpty)
  }

  /// A page that somebody looks at while it would be moved stays.
  @Test(arguments: KernelVersion.allCases) func aPageWithAnotherReferenceStays(_ kernel: KernelVersion) throws {
    let bench = try bench(kernel)
    var (owner, driver) = scattered(bench, 3)
    let pfn = try #require(owner.pages.min())
    #expect(bench.guest.core.page(pfn).takeReference())
    _ = driver.compact(bench.guest.core.zone(0), movesBalloonPages: true, &owner)
    #expect(owner.pages.contains(pfn))
    driver.putReference(pfn)
    bench.drain()
    #expect(bench.faults(held: owner.list).isEmpty)
  }

  @Test(arguments: KernelVersion.allCases) func theMinWatermarkIsKept(_ kernel: KernelVersion) throws {
    let bench = try bench(kernel, marks: Watermarks(min: 2000, low: 2100, high: 2200))
    var (owner, driver) = scattered(bench, 4, keeps: 1)
    let zone = bench.guest.core.zone(0)
    let free = zone.freePages
    // But for what stood on per-CPU lists, all that is free is needed: there is nothing to move pages to.
    #expect(free <= 2200)
    let figures = driver.compact(zone, movesBalloonPages: true, &owner)
    bench.drain()
    #expect(zone.freePages == free)
    #expect(figures.balloonPages + figures.otherPages <= Int(free) - 2000 + 1024)
    #expect(bench.faults(held: owner.list).isEmpty)
  }
}

/// A driver, whatever its rules.
private protocol Compacting {
  mutating func compact<Owner: PageOwner>(
    _ zone: Zone, movesBalloonPages: Bool, _ owner: inout Owner
  ) -> CompactionFigures
  mutating func putReference(_ pfn: UInt64)
}

extension BalloonDriver: Compacting {}
