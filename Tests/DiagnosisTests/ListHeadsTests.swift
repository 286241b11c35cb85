import GuestMemory
import Machine
import Testing

@testable import Diagnosis

/// The rings that loads are measured on.
@Suite struct ListHeadsTests {
  /// Every ring of every size up to 4096 heads, in both orders: each head is visited once, and then it comes round.
  @Test(arguments: [Primitive.Order.sequential, .random])
  func aRingVisitsEveryHeadOnce(_ order: Primitive.Order) throws {
    var generator = SeededGenerator(seed: 31)
    for shift in 0...12 {
      let apart = [64, 256, 4096].randomElement(using: &generator)!
      let count = 1 << shift
      let seed = generator.next()
      let mapping = try HostMapping(bytes: count * apart, page: .small)
      let heads = ListHeads(mapping.base, span: count * apart, apart: apart, order, seed: seed)
      #expect(heads.count == count)
      var seen: Set<Int> = []
      var head = UnsafeRawPointer(mapping.base)
      for _ in 0..<count {
        let offset = head - UnsafeRawPointer(mapping.base)
        #expect(offset % apart == 0 && offset >= 0 && offset < count * apart, "seed \(seed), \(count) heads")
        seen.insert(offset)
        head = heads.follow(from: head, steps: 1)
      }
      #expect(seen.count == count, "seed \(seed), \(count) heads")
      #expect(head == UnsafeRawPointer(mapping.base), "seed \(seed), \(count) heads")
      #expect(heads.follow(from: head, steps: 3 * count) == head, "seed \(seed), \(count) heads")
    }
  }

  @Test func theTableOfRandomReadsNamesEveryHeadOnce() throws {
    var generator = SeededGenerator(seed: 32)
    for shift in 2...12 {
      let count = 1 << shift
      let seed = generator.next()
      let mapping = try HostMapping(bytes: count * 64, page: .small)
      let heads = ListHeads(mapping.base, span: count * 64, apart: 64, .random, seed: seed)
      let table = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: count)
      defer { table.deallocate() }
      // From any place on, round the end.
      heads.fill(table, from: Int(seed % 10_000))
      #expect(Set(table) == Set((0..<count).map(UInt32.init)), "seed \(seed), \(count) heads")
    }
  }

  @Test func placeAndNumberUndoEachOther() {
    var generator = SeededGenerator(seed: 33)
    for shift in [0, 1, 2, 3, 7, 16, 26, 40] {
      let seed = generator.next()
      let permutation = CyclePermutation(count: 1 << shift, seed: seed)
      for _ in 0..<200 {
        let place = Int(generator.next() % UInt64(permutation.count))
        #expect(permutation.place(of: permutation.number(at: place)) == place, "seed \(seed), 2^\(shift)")
      }
    }
  }

  /// A random order whose neighbours lie side by side would measure the prefetcher.
  @Test func aRandomRingLeadsFarAway() {
    let permutation = CyclePermutation(count: 1 << 16, seed: 1)
    let near = (0..<permutation.count).count { abs(permutation.next(after: $0) - $0) < 64 }
    #expect(near < permutation.count / 100)
  }
}
