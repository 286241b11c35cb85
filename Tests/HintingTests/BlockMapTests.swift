import Testing

@testable import Delivery
@testable import GuestMemory
@testable import Hinting

/// The bitmap of free blocks: exact where blocks come and go, and what is collected from it.
@Suite struct BlockMapTests {
  private func guest(
    _ blocks: [Int: UInt64], granule: Int = 0, kernel: KernelVersion = .linux61
  ) throws -> Guest {
    var all = blocks
    all[6, default: 0] += 1200
    return try TestGuests.with([.init(blocks: all)], granule: granule, kernel: kernel)
  }

  /// The blocks of the map's order that the lists hold.
  private func free(_ guest: Guest, _ map: BlockMap) -> Set<Block> {
    Set(
      guest.freeBlocks(fromOrder: map.order).flatMap { block in
        stride(from: block.pfn, to: block.end, by: 1 << map.order).map { Block(pfn: $0, order: map.order) }
      })
  }

  private func marked(_ guest: Guest, _ map: BlockMap, other: Bool = false) -> Set<Block> {
    var found: Set<Block> = []
    for zone in guest.core.zones {
      let (first, end) = map.words(of: zone)
      for word in stride(from: first, to: end, by: 2) {
        for bit in 0..<UInt64(64) where map.words[word + (other ? 1 : 0)] >> bit & 1 != 0 {
          found.insert(Block(pfn: map.pfn(ofWord: word, zone: zone.index) + bit << UInt64(map.order), order: map.order))
        }
      }
    }
    return found
  }

  // MARK: the map

  @Test func zonesThatMeetInAWordHaveWordsOfTheirOwn() throws {
    let guest = try Guest(GuestGeometry.standard(bytes: 6 << 30, nodes: 2, cpus: 4, granuleOrder: 6, movableShare: 0.3))
    for order in [6, 8, 9, 10] {
      let words = try SharedWords(count: BlockMap.wordCount(guest.core, order: order))
      let map = BlockMap(words: words.view, order: order, gap: BlockMap.gap(guest.core, order: order))
      #expect(map.gap == 1)
      var last = BlockMap.first
      for zone in guest.core.zones {
        let (first, end) = map.words(of: zone)
        #expect(first >= last && end <= words.view.count && map.pfn(ofWord: first, zone: zone.index) <= zone.startPFN)
        #expect(map.pfn(ofWord: end, zone: zone.index) >= zone.endPFN)
        last = end
      }
    }
  }

  @Test func zonesOutOfOrderHaveWordsOfTheirOwnToo() throws {
    var geometry = GuestGeometry.standard(bytes: 16 << 30, nodes: 2, cpus: 4, granuleOrder: 6, movableShare: 0.3)
    let moved = try #require(geometry.zones.firstIndex { $0.type == .movable })
    let end = try #require(geometry.zones.map(\.endPFN).max())
    // Behind all others, in the word in which the last one ends.
    geometry.zones[moved].startPFN = end / 1024 * 1024 + 1024
    let guest = try Guest(geometry)
    #expect(moved < geometry.zones.count - 1)
    for order in [8, 9, 10] {
      let words = try SharedWords(count: BlockMap.wordCount(guest.core, order: order))
      let map = BlockMap(words: words.view, order: order, gap: BlockMap.gap(guest.core, order: order))
      let ranges = guest.core.zones.map(map.words(of:)).sorted { $0.first < $1.first }
      #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.end <= $1.first })
      #expect(ranges.allSatisfy { $0.first >= BlockMap.first && $0.end <= words.view.count })
      for zone in guest.core.zones {
        #expect(map.pfn(ofWord: map.words(of: zone).first, zone: zone.index) <= zone.startPFN)
      }
    }
  }

  @Test(arguments: [0, 3, 4, 6, 9, 10])
  func aBlockHasABitForEachPartAndOnlyThose(order: Int) throws {
    let words = try SharedWords(count: 1 << 12)
    let map = BlockMap(words: words.view, order: order, gap: 1)
    for large in order...10 {
      let size: UInt64 = 1 << UInt64(large)
      for pfn in [0, size, 5 * size] {
        map.add(pfn, zone: 1, order: large)
        let bits = (BlockMap.first..<words.view.count).reduce(0) { $0 + words.view[$1].nonzeroBitCount }
        #expect(bits == 2 << (large - order), "\(large) at \(pfn)")
        #expect(!map.isKnown(pfn, zone: 1, order: large))
        map.setKnown(pfn, zone: 1, order: large)
        #expect(map.isKnown(pfn, zone: 1, order: large))
        map.remove(pfn, zone: 1, order: large)
        #expect((BlockMap.first..<words.view.count).allSatisfy { words.view[$0] == 0 })
      }
    }
  }

  /// Whatever others allocate and free: single pages, blocks, ranges, merges and splits.
  @Test(arguments: UInt64(0)..<16) func isExactAfterWhateverOthersDid(seed: UInt64) throws {
    let guest = try TestGuests.with(
      [.init(blocks: [:], byType: [.movable: [6: 200, 8: 40, 9: 40, 10: 60], .unmovable: [7: 20, 10: 5]])], granule: 6,
      cpus: 4)
    for lowest in [6, 8, 9, 10] {
      guest.restore()
      let bench = try Bench(BlockMapHints.self, guest, lowestOrder: lowest)
      let neighbour = Neighbour(bench, seed: seed, orders: [6, 7, 8, 9, 10])
      for _ in 0..<200 {
        neighbour.act()
        #expect(marked(guest, bench.hooks.map) == free(guest, bench.hooks.map), "seed \(seed), order \(lowest)")
      }
      neighbour.leave()
      #expect(marked(guest, bench.hooks.map) == free(guest, bench.hooks.map))
    }
  }

  // MARK: block-map

  @Test(arguments: ["addresses", "runs", "bitmap"], [6, 8, 9, 10])
  func aSessionNamesEveryFreeBlockOnce(form: String, order: Int) throws {
    for buffer in ["1", "16"] {
      let guest = try guest([8: 30, 9: 700, 10: 900], granule: 6)
      let bench = try Bench(
        BlockMapHints.self, guest, ["form": form, "buffer": buffer], lowestOrder: order)
      let recorder = SessionRecorder()
      #expect(bench.collect(recorder) == .complete)
      #expect(Set(recorder.hints) == free(guest, bench.hooks.map) && recorder.duplicates == 0)
      #expect(recorder.items.isEmpty)
    }
  }

  @Test func runsAreAsLongAsTheyCanBe() throws {
    // All of the guest's Normal zone but what is in use at its end.
    let guest = try Guest(GuestGeometry.standard(bytes: 2 << 30, cpus: 2, granuleOrder: 6))
    guest.fillFresh()
    let bench = try Bench(BlockMapHints.self, guest, ["form": "runs"], lowestOrder: 10)
    let recorder = SessionRecorder()
    _ = bench.collect(recorder)
    let sent = try #require(recorder.sends.first)
    let expected = PageRuns(Array(free(guest, bench.hooks.map))).runs
    // A run ends with its zone.
    #expect(sent.words / 2 >= expected.count && sent.words / 2 <= expected.count + guest.core.zoneCount)
    #expect(recorder.sends.count == 1)
  }

  // MARK: block-map-reporting

  @Test(arguments: [(32, 8), (1, 1), (7, 3), (64, 64)], KernelVersion.allCases)
  func aRunReportsWhatTheHostDoesNotKnow(_ sizes: (capacity: Int, take: Int), kernel: KernelVersion) throws {
    let guest = try guest([9: 40, 10: 100], granule: 6, kernel: kernel)
    func run<Rules: KernelRules>(_ rules: Rules.Type) throws {
      let options = ["capacity": "\(sizes.capacity)", "take": "\(sizes.take)"]
      let bench = try Bench(BlockMapReporting.self, guest, options, lowestOrder: 9)
      let recorder = SessionRecorder()
      var free = guest.core.freePages
      recorder.afterHold = { _ in
        let now = guest.core.freePages
        #expect(max(now, free) - min(now, free) <= UInt64(sizes.take) << 10)
        free = now
      }
      #expect(bench.collect(recorder, under: rules) == .complete)
      #expect(recorder.hints.count == 140 && recorder.duplicates == 0)
      #expect(recorder.batches.allSatisfy { $0.count <= sizes.capacity })
      #expect(recorder.items.allSatisfy { $0 <= sizes.take })
      #expect(marked(guest, bench.hooks.map, other: true).isEmpty)
      #expect(guest.freeBlocks(fromOrder: 9).allSatisfy { bench.strategy.isKnownToHost($0, guest.core) })
      #expect(recorder.pagesTaken == recorder.pagesReturned && guest.validate().isEmpty)
      #expect(!bench.strategy.isWorkRequested)

      // The next run costs what has changed.
      let blocks = Array(guest.list(order: 10).prefix(3))
      for block in blocks { bench.take(block) }
      for block in blocks.dropLast() { bench.free(block) }
      #expect(bench.strategy.isWorkRequested && !bench.strategy.isKnownToHost(blocks[0], guest.core))
      let second = SessionRecorder()
      #expect(bench.collect(second, under: rules) == .complete)
      #expect(Set(second.hints) == Set(blocks.dropLast()) && second.duplicates == 0)
      bench.free(blocks[2])
    }
    try run(kernel.rules)
  }

  @Test func whatIsTakenBetweenBitAndLockIsNotReported() throws {
    let guest = try guest([10: 40], granule: 6)
    let bench = try Bench(BlockMapReporting.self, guest, ["capacity": "8", "take": "1"], lowestOrder: 9)
    let recorder = SessionRecorder()
    let blocks = guest.list(order: 10).sorted()
    // After the first hold of the first report, the blocks of the next three bits go.
    recorder.afterHold = { if $0 == 1 { for block in blocks[1...3] { bench.take(block) } } }
    #expect(bench.work(recorder) == .complete)
    #expect(Set(recorder.hints) == Set(blocks).subtracting(blocks[1...3]))
  }

  @Test func isolatedPageblocksAreLeftAlone() throws {
    let guest = try guest([10: 40], granule: 6)
    let block = guest.list(order: 10)[5]
    for half in [block.pfn, block.pfn + 512] { guest.core.setPageblockMigratetype(half, .isolate) }
    let bench = try Bench(BlockMapReporting.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    #expect(bench.collect(recorder) == .complete)
    #expect(recorder.hints.count == 39 && !recorder.hints.contains(block))
  }

  @Test func aRefusedOrStoppedReportIsNotKnown() throws {
    let guest = try guest([10: 40], granule: 6)
    let bench = try Bench(BlockMapReporting.self, guest, lowestOrder: 9)
    let recorder = SessionRecorder()
    recorder.afterHold = { if $0 == 2 { bench.stop.set() } }
    #expect(bench.collect(recorder) == .stopped)
    #expect(recorder.hints.isEmpty && bench.strategy.isWorkRequested)
    #expect(marked(guest, bench.hooks.map, other: true).count == 80)
    #expect(recorder.pagesTaken == recorder.pagesReturned && guest.validate().isEmpty)
  }
}
