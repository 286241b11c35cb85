import Instruments
import Testing

@Suite struct PercentileTests {
  @Test func nothingHasNoPercentile() {
    #expect(Percentile.nearestRank(0.5, ofSorted: [Double]()) == nil)
  }

  @Test func nearestRankIsOneOfTheSamples() {
    let samples = Array(1...1000)
    #expect(Percentile.nearestRank(0, ofSorted: samples) == 1)
    #expect(Percentile.nearestRank(0.5, ofSorted: samples) == 500)
    #expect(Percentile.nearestRank(0.99, ofSorted: samples) == 990)
    #expect(Percentile.nearestRank(0.999, ofSorted: samples) == 999)
    #expect(Percentile.nearestRank(1, ofSorted: samples) == 1000)
    #expect(Percentile.nearestRank(0.999, ofSorted: Array(1...999)) == 999)
    #expect(Percentile.nearestRank(0.5, ofSorted: [7]) == 7)
    #expect(Percentile.nearestRank(.nan, ofSorted: [7, 8]) == 7)
  }

  @Test func everyWholeFractionHitsItsOwnRank() {
    for count in 1...200 {
      let samples = Array(1...count)
      for rank in 1...count {
        #expect(Percentile.nearestRank(Double(rank) / Double(count), ofSorted: samples) == rank)
      }
    }
  }
}
