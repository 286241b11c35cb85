import GuestMemory
import Instruments
import Migration
import Testing

@Suite struct VirtualPrecopyTests {
  private static let costs = VirtualPrecopy.Costs(
    bandwidth: 1e9, zeroCheck: 100, send: 500, syncPerUnit: 0.1, downtimeLimit: 1e6)

  private func guest(seed: UInt64 = 5) throws -> Guest {
    let guest = try Guest(.standard(bytes: 256 << 20, nodes: 1, cpus: 2))
    try guest.age(Aging(freeFraction: 0.5), seed: seed)
    return guest
  }

  private func hints(_ guest: Guest) -> VirtualPrecopy.Session {
    .init(blocks: guest.freeBlocks(fromOrder: 0), nanosecondsPerHint: 10)
  }

  @Test(arguments: [0, 9]) func withoutHintsEveryPageIsLookedAtOnce(unitOrder: Int) throws {
    let image = GuestImage(try guest(), unitOrder: unitOrder, freeIsZero: true)
    var migration = VirtualPrecopy(image, Self.costs, collect: { nil }, advance: { _ in })
    let result = try migration.run()
    #expect(result.pagesSent + result.pagesZero == image.memory.count << unitOrder)
    #expect(result.pagesSkipped == 0 && result.hints == 0 && result.hasConverged)
    // A page takes its bytes on the wire or the work on it, whichever is longer; then there are the syncs.
    let sent = Double(result.pagesSent)
    let least = sent * (4096 + 8) + Double(result.pagesZero) * 9
    #expect(result.bytesSent == least && result.total >= sent * (4096 + 8) / 1e9 * 1e9)
  }

  @Test func hintsSkipExactlyWhatIsFreeAndNotYetSent() throws {
    let guest = try guest()
    let image = GuestImage(guest, unitOrder: 0, freeIsZero: false)
    var instant = Self.costs
    instant.bandwidth = 1e6
    let free = guest.freeBlocks().reduce(0) { $0 + Int($1.pages) }
    var migration = VirtualPrecopy(image, instant, collect: { hints(guest) }, advance: { _ in })
    let result = try migration.run()
    // The first page goes out before the first hint is there.
    #expect(result.pagesSkipped + result.pagesSent == image.memory.count)
    #expect(free - result.pagesSkipped <= 2, "\(result)")
  }

  @Test func aHintOfAPageInUseLosesIt() throws {
    let guest = try guest()
    let image = GuestImage(guest, unitOrder: 0, freeIsZero: true)
    let runs = PageRuns(guest.freeBlocks())
    let used = try #require((1000..<60_000).first { !runs.contains(Block(pfn: $0, order: 0)) })
    var slow = Self.costs
    slow.bandwidth = 1e8
    var migration = VirtualPrecopy(
      image, slow, collect: { .init(blocks: [Block(pfn: used, order: 0)], nanosecondsPerHint: 0) },
      advance: { _ in })
    let loss = #expect(throws: PageVersions.Loss.self) { _ = try migration.run() }
    #expect(loss?.unit == Int(used))
  }

  @Test func hintsThatComeAfterTheirSessionAreDropped() throws {
    let guest = try guest()
    let image = GuestImage(guest, unitOrder: 0, freeIsZero: true)
    var migration = VirtualPrecopy(
      image, Self.costs,
      collect: { .init(blocks: guest.freeBlocks(), nanosecondsPerHint: 1e12) }, advance: { _ in })
    let result = try migration.run()
    #expect(result.hints == 0 && result.pagesSkipped == 0 && result.hintsLate >= guest.freeBlocks().count)
  }

  @Test func aGuestThatWritesFasterThanItIsSentIsStoppedAfterSoManyRounds() throws {
    let guest = try guest()
    let image = GuestImage(guest, unitOrder: 0, freeIsZero: true)
    let runs = PageRuns(guest.freeBlocks())
    let used = (0..<60_000).filter { !runs.contains(Block(pfn: $0, order: 0)) }.map { Block(pfn: $0, order: 0) }
    var tight = Self.costs
    tight.downtimeLimit = 1
    // The bandwidth is known within the first round.
    tight.bandwidth = 1e6
    var next = 0
    var migration = VirtualPrecopy(
      image, tight, roundLimit: 7, collect: { nil },
      advance: { _ in
        // Two written for each that is sent.
        for _ in 0..<2 {
          image.rewrite(used[next % used.count])
          next += 1
        }
      })
    let result = try migration.run()
    #expect(!result.hasConverged && result.rounds == 8 && result.downtime > 1)
  }

  /// Sent within the 100 ms after which a bandwidth is known, in a guest that always writes: what it wrote goes out
  /// while it stands.
  @Test func aFastMigrationEndsWhenNothingIsLeft() throws {
    let guest = try guest()
    let image = GuestImage(guest, unitOrder: 0, freeIsZero: true)
    let runs = PageRuns(guest.freeBlocks())
    let used = try #require((0..<60_000).map { Block(pfn: $0, order: 0) }.first { !runs.contains($0) })
    var fast = Self.costs
    fast.bandwidth = 1e10
    var migration = VirtualPrecopy(image, fast, collect: { nil }, advance: { _ in image.rewrite(used) })
    let result = try migration.run()
    #expect(result.hasConverged && result.rounds == 2 && result.total < 100e6, "\(result)")
    #expect(result.pagesSent + result.pagesZero == image.memory.count + 1 && result.downtime >= fast.send)
  }

  @Test func aDowntimeLimitIsKeptByAboutASync() throws {
    for limit in [1e5, 1e6, 1e7] {
      let image = GuestImage(try guest(), unitOrder: 0, freeIsZero: false)
      var costs = Self.costs
      costs.downtimeLimit = limit
      // Slow enough for the bandwidth to be known.
      costs.bandwidth = 2e8
      var migration = VirtualPrecopy(image, costs, collect: { nil }, advance: { _ in })
      let result = try migration.run()
      #expect(result.hasConverged && result.downtime <= limit * 1.01 + 0.1 * Double(image.units), "\(limit): \(result)")
    }
  }

  /// What is free changes all the time: hints grow stale, and no page is lost.
  @Test(arguments: 1...12 as ClosedRange<UInt64>) func staleHintsLoseNothing(seed: UInt64) throws {
    let guest = try guest(seed: seed)
    let image = GuestImage(guest, unitOrder: seed % 3 == 0 ? 2 : 0, freeIsZero: seed % 2 == 0)
    var cpu = GuestCPU(guest.core, cpu: 1, node: 0, probe: NoProbe())
    cpu.drainPerCPULists()
    var generator = SeededGenerator(seed: seed, stream: 9)
    var held: [Block] = []
    var (acted, stale) = (0.0, 0)
    var collected: Set<Block> = []
    var costs = Self.costs
    costs.bandwidth = 3e8
    costs.downtimeLimit = 2e6
    var migration = VirtualPrecopy(
      image, costs,
      collect: {
        let blocks = guest.freeBlocks()
        collected = Set(blocks)
        return .init(blocks: blocks, nanosecondsPerHint: 20_000)
      },
      advance: { now in
        while acted < now {
          acted += 30_000
          let order = generator.below(4)
          if generator.chance(0.55), let pfn = cpu.allocate(order: order, .userMovable) {
            let block = Block(pfn: pfn, order: order)
            if collected.contains(block) { stale += 1 }
            held.append(block)
            image.take(block)
          } else if !held.isEmpty {
            held.swapAt(generator.below(held.count), held.count - 1)
            let block = held.removeLast()
            image.giveBack(block)
            cpu.free(pfn: block.pfn, order: block.order)
          }
        }
      })
    let result = try migration.run()
    #expect(result.pagesSkipped > 0 && stale > 0 && result.rounds > 2, "seed \(seed): \(result), \(stale) stale")
  }
}
