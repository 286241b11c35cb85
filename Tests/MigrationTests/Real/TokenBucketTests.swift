import GuestMemory
import Migration
import Testing

@Suite struct TokenBucketTests {
  /// Whatever is sent when: within any time no more than the rate and the burst allow, and no less where all is
  /// waiting.
  @Test(arguments: 1...40 as ClosedRange<UInt64>) func theRateIsKept(seed: UInt64) {
    var generator = SeededGenerator(seed: seed, stream: 33)
    let rate = 1e6 * Double(1 + generator.below(5000))
    let burst = 1e6 * Double(generator.below(20))
    var bucket = TokenBucket(rate: rate, burst: burst)
    var now = 0.0
    var sent: [(at: Double, bytes: Double)] = []
    for _ in 0..<300 {
      // Sometimes the sender has something else to do.
      if generator.chance(0.1) { now += Double(generator.below(50_000_000)) }
      let bytes = Double(1 + generator.below(300_000))
      now += bucket.delay(bytes, at: now)
      sent.append((now, bytes))
    }
    for first in stride(from: 0, to: sent.count, by: 7) {
      var bytes = 0.0
      for piece in sent[first...].dropFirst() {
        bytes += piece.bytes
        let allowed = (piece.at - sent[first].at + burst) * rate / 1e9
        #expect(bytes <= allowed * 1.000001 + 1, "seed \(seed)")
      }
    }
  }

  @Test func aSenderThatIsAlwaysReadyGetsTheWholeRate() {
    var bucket = TokenBucket(rate: 1e9)
    var now = 0.0
    for _ in 0..<1000 { now += bucket.delay(1e6, at: now) }
    #expect(abs(now - (1e9 - 10e6)) < 1 || abs(now - 1e9) < 1, "\(now)")
    var free = TokenBucket(rate: .infinity)
    #expect((0..<1000).allSatisfy { _ in free.delay(1e9, at: 0) == 0 })
  }
}
