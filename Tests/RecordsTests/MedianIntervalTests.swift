import Foundation
import Records
import TestSupport
import Testing

@Suite("Interval of the median")
struct MedianIntervalTests {
  /// By hand, 1 - 2 P(Binomial(n, 1/2) < k):
  /// n = 5: 1 - 2/32; n = 6: 1 - 2/64; n = 10, k = 2: 1 - 2 * 11/1024; n = 20, k = 6: 1 - 2 * 21700/1048576.
  @Test(
    "ranks and confidence by hand",
    arguments: [
      (1, 1, 0.0), (2, 1, 0.5), (3, 1, 0.75), (4, 1, 0.875), (5, 1, 0.9375), (6, 1, 0.96875), (7, 1, 0.984375),
      (8, 1, 0.9921875), (9, 2, 0.9609375), (10, 2, 0.978515625), (20, 6, 0.95861053466796875),
    ] as [(Int, Int, Double)])
  func byHand(count: Int, rank: Int, confidence: Double) throws {
    let found = MedianInterval.rank(count: count)
    #expect(found.rank == rank)
    #expect(abs(found.confidence - confidence) < 1e-12)
    let samples = (1...count).map(Double.init)
    let interval = try #require(MedianInterval(sorted: samples))
    #expect(interval.low == Double(rank))
    #expect(interval.high == Double(count + 1 - rank))
  }

  @Test("the interval is the narrowest with the confidence wanted, at any count")
  func narrowest() {
    for count in 6...300 {
      // The binomial coefficients by Pascal's rule, in another way than the code computes them.
      var row = [1.0]
      for _ in 0..<count {
        row = zip([0] + row, row + [0]).map { ($0 + $1) / 2 }
      }
      func confidence(_ rank: Int) -> Double { 1 - 2 * row[..<rank].reduce(0, +) }
      let found = MedianInterval.rank(count: count)
      #expect(abs(found.confidence - confidence(found.rank)) < 1e-9, "n = \(count)")
      #expect(found.confidence >= 0.95, "n = \(count)")
      #expect(confidence(found.rank + 1) < 0.95, "n = \(count)")
    }
    let many = MedianInterval.rank(count: 100_000)
    #expect(many.confidence >= 0.95 && many.confidence < 0.952)
  }

  @Test("the interval holds the median as often as it says")
  func covers() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var generator = RecordFixtures.Generator(state: seed)
    let rounds = 4000
    var hits = 0
    for _ in 0..<rounds {
      // Skewed: the interval promises the same for any distribution. The median of x² is 0.25.
      let samples = (0..<10).map { _ in pow(Double.random(in: 0..<1, using: &generator), 2) }.sorted()
      if let interval = MedianInterval(sorted: samples), interval.low <= 0.25 && 0.25 <= interval.high { hits += 1 }
    }
    // 0.9785 ± 6 standard errors.
    #expect(abs(Double(hits) / Double(rounds) - 0.978515625) < 0.0138, "seed \(seed)")
  }

  @Test("the median of an even count is the mean of the two in the middle")
  func median() {
    #expect(MedianInterval.median(sorted: []) == nil)
    #expect(MedianInterval.median(sorted: [3]) == 3)
    #expect(MedianInterval.median(sorted: [1, 2, 10]) == 2)
    #expect(MedianInterval.median(sorted: [1, 2, 4, 10]) == 3)
    #expect(MedianInterval(sorted: []) == nil)
  }
}
