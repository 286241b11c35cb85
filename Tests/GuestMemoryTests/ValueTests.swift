import Testing

@testable import GuestMemory

@Suite struct BlockTests {
  @Test(arguments: Seeds.list) func packingKeepsFrameAndOrderAndSortsByAddress(seed: UInt64) {
    var random = SeededGenerator(seed: seed, stream: 601)
    var blocks: [Block] = []
    for _ in 0..<2000 {
      let pfn = (random.next() >> 8) >> UInt64(random.below(56))
      let order = random.below(11)
      let block = Block(pfn: pfn, order: order)
      #expect(block.pfn == pfn && block.order == order)
      #expect(Block(rawValue: block.rawValue) == block)
      #expect(block.pages == 1 << UInt64(order))
      #expect(block.bytes == 4096 << UInt64(order))
      if pfn < 1 << 50 { #expect(block.end == pfn + block.pages) }
      blocks.append(block)
    }
    for (a, b) in zip(blocks, blocks.dropFirst()) { #expect((a < b) == ((a.pfn, a.order) < (b.pfn, b.order))) }
    #expect(Block(pfn: 1024, order: 9).description == "pfn 1024 order 9")
  }
}

@Suite struct PageRunsTests {
  private func blocks(_ random: inout SeededGenerator, aligned: Bool) -> [Block] {
    (0..<random.below(30)).map { _ in
      let order = random.below(5)
      let pfn = UInt64(random.below(200))
      return Block(pfn: aligned ? (pfn >> UInt64(order)) << UInt64(order) : pfn, order: order)
    }
  }

  private func pages(_ blocks: [Block]) -> Set<UInt64> { Set(blocks.flatMap { $0.pfn..<$0.end }) }
  private func pages(_ runs: PageRuns) -> [UInt64] { runs.runs.flatMap { Array($0) } }

  private func isWellFormed(_ runs: PageRuns) -> Bool {
    runs.runs.allSatisfy { !$0.isEmpty }
      && zip(runs.runs, runs.runs.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound }
  }

  @Test(arguments: Seeds.list) func theAlgebraIsThatOfSetsOfPages(seed: UInt64) {
    var random = SeededGenerator(seed: seed, stream: 602)
    for round in 0..<400 {
      var one = blocks(&random, aligned: round % 2 == 0)
      let two = blocks(&random, aligned: round % 2 == 0)
      if round % 3 == 0 { one.sort() }
      let (a, b) = (PageRuns(one), PageRuns(two))
      let (setA, setB) = (pages(one), pages(two))
      let found = [a, a.intersection(b), a.subtracting(b), b.subtracting(a)]
      let expected = [setA, setA.intersection(setB), setA.subtracting(setB), setB.subtracting(setA)]
      for (runs, set) in zip(found, expected) {
        #expect(isWellFormed(runs) && pages(runs) == set.sorted(), "seed \(seed), round \(round)")
        #expect(runs.pages == UInt64(set.count) && runs.bytes == UInt64(set.count) * 4096)
      }
      #expect(a.intersection(b) == b.intersection(a))
      #expect(PageRuns(one.shuffled(using: &random)) == a)
      for block in two + one {
        #expect(a.contains(block) == Set(block.pfn..<block.end).isSubset(of: setA), "seed \(seed), round \(round)")
      }
    }
  }

  @Test func theEmptySetIsNeutral() {
    let some = PageRuns([Block(pfn: 8, order: 3), Block(pfn: 32, order: 0)])
    let none = PageRuns()
    #expect(PageRuns([]) == none)
    #expect(none.pages == 0)
    #expect(some.subtracting(none) == some && none.subtracting(some) == none)
    #expect(some.intersection(none) == none && some.subtracting(some) == none)
    #expect(!none.contains(Block(pfn: 0, order: 0)))
    #expect(some.runs == [8..<16, 32..<33])
  }
}

@Suite struct SeededGeneratorTests {
  @Test(arguments: Seeds.list) func drawsStayBelowTheBoundAndReachEveryValue(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for bound in [1, 2, 3, 7, 10, 63, 64] {
      var seen = [Int](repeating: 0, count: bound)
      for _ in 0..<(bound * 200) { seen[random.below(bound)] += 1 }
      #expect(seen.allSatisfy { $0 > 0 }, "seed \(seed), bound \(bound)")
    }
    for _ in 0..<200 { #expect((0..<Int.max).contains(random.below(.max))) }
  }

  @Test func equalSeedsDrawEqualNumbersOtherSeedsAndStreamsDoNot() {
    func draws(_ generator: SeededGenerator) -> [UInt64] {
      var generator = generator
      return (0..<8).map { _ in generator.next() }
    }
    #expect(draws(SeededGenerator(seed: 7)) == draws(SeededGenerator(seed: 7)))
    let all =
      [SeededGenerator(seed: 7), SeededGenerator(seed: 8)]
      + (0..<32).map { SeededGenerator(seed: 7, stream: $0 + 1) }
    #expect(Set(all.map(draws)).count == all.count)
    // SplitMix64's published first numbers for the seed 1234567.
    #expect(
      Array(draws(SeededGenerator(seed: 1_234_567)).prefix(3)) == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      ])
  }

  @Test(arguments: Seeds.list) func chancesComeOutAsOftenAsAsked(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    #expect((0..<1000).allSatisfy { _ in !random.chance(0) })
    #expect((0..<1000).allSatisfy { _ in random.chance(1) })
    let hits = (0..<20_000).count { _ in random.chance(0.3) }
    #expect((5400...6600).contains(hits), "seed \(seed)")
  }
}
