import Instruments
import TestSupport
import Testing

@Suite struct DurationHistogramTests {
  @Test func anEmptyOneHasNoFigures() {
    let histogram = DurationHistogram()
    #expect(histogram.count == 0)
    #expect(histogram.max == nil)
    #expect(histogram.mean == nil)
    #expect(histogram.percentile(50) == nil)
    #expect(histogram.buckets.isEmpty)
  }

  /// Lengths over the whole range, most of them short.
  private func lengths(_ count: Int, seed: UInt64) -> [UInt64] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      UInt64.random(in: 0...(1 << UInt64.random(in: 1...39, using: &generator)), using: &generator)
    }
  }

  @Test func bucketsAddUpAndBoundWhatIsInThem() {
    let lengths = lengths(20_000, seed: 11)
    var histogram = DurationHistogram()
    for length in lengths { histogram.record(nanoseconds: length) }
    let buckets = histogram.buckets
    #expect(buckets.reduce(0) { $0 + $1.count } == UInt64(lengths.count))
    #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.upperNanoseconds < $1.upperNanoseconds })
    #expect(buckets.allSatisfy { $0.count > 0 })
    let sorted = lengths.sorted()
    var seen = 0
    for bucket in buckets {
      let last = sorted[seen + Int(bucket.count) - 1]
      #expect(last <= bucket.upperNanoseconds)
      #expect(Double(bucket.upperNanoseconds) <= Double(sorted[seen]) * 1.001 + 1)
      seen += Int(bucket.count)
    }
  }

  @Test func percentilesAreWithinATenthOfAPercentOfTheExactOnes() throws {
    let lengths = lengths(10_000, seed: 12)
    var histogram = DurationHistogram()
    for length in lengths { histogram.record(nanoseconds: length) }
    let sorted = lengths.sorted()
    for percent in [0.0, 1, 25, 50, 75, 90, 99, 99.9, 100] {
      let exact = Double(try #require(Percentile.nearestRank(percent / 100, ofSorted: sorted)))
      let found = try #require(histogram.percentile(percent))
      #expect(found >= exact * 0.999 - 1 && found <= exact * 1.001 + 1, "percentile \(percent)")
    }
    #expect(histogram.max == sorted.last)
    let mean = lengths.reduce(0.0) { $0 + Double($1) } / Double(lengths.count)
    #expect(abs(try #require(histogram.mean) - mean) <= mean * 1e-12)
  }

  @Test func everyNanosecondBelow2048HasItsOwnBucket() {
    var histogram = DurationHistogram()
    for length in UInt64(0)..<2048 { histogram.record(nanoseconds: length) }
    #expect(histogram.buckets.map(\.upperNanoseconds) == Array(0..<2048))
  }

  @Test func longerThanTheRangeIsRecordedAsItsEndAndCounted() {
    var histogram = DurationHistogram()
    histogram.record(nanoseconds: DurationHistogram.highestNanoseconds)
    #expect(histogram.clamped == 0)
    histogram.record(nanoseconds: DurationHistogram.highestNanoseconds + 1)
    histogram.record(nanoseconds: .max)
    histogram.record(ticks: .max, nanosecondsPerTick: 100)
    #expect(histogram.clamped == 3)
    #expect(histogram.count == 4)
    #expect(histogram.max == DurationHistogram.highestNanoseconds)
    #expect(histogram.mean == Double(DurationHistogram.highestNanoseconds))
    #expect(histogram.buckets.reduce(0) { $0 + $1.count } == 4)
  }

  @Test func ticksAreRoundedToTheNearestNanosecond() {
    var histogram = DurationHistogram()
    histogram.record(ticks: 3, nanosecondsPerTick: 0.4)
    histogram.record(ticks: 4, nanosecondsPerTick: 0.4)
    #expect(histogram.buckets.map(\.upperNanoseconds) == [1, 2])
  }

  @Test func mergingEqualsRecordingBoth() {
    let lengths = lengths(2000, seed: 13)
    var one = DurationHistogram()
    var two = DurationHistogram()
    var both = DurationHistogram()
    for (index, length) in lengths.enumerated() {
      if index % 3 == 0 { one.record(nanoseconds: length) } else { two.record(nanoseconds: length) }
      both.record(nanoseconds: length)
    }
    two.record(nanoseconds: .max)
    both.record(nanoseconds: .max)
    one.merge(two)
    #expect(one.count == both.count)
    #expect(one.max == both.max)
    #expect(one.clamped == 1)
    #expect(one.buckets.map(\.upperNanoseconds) == both.buckets.map(\.upperNanoseconds))
    #expect(one.buckets.map(\.count) == both.buckets.map(\.count))
    #expect(one.percentile(99) == both.percentile(99))
    one.merge(DurationHistogram())
    #expect(one.count == both.count)
  }
}
