import Foundation
import TestSupport
import Testing

@testable import Tracking

@Suite struct StudentTTests {
  /// By scipy 1.16: 2 * scipy.stats.t.sf(t, freedom).
  private static let known: [(freedom: Int, t: Double, p: Double)] = [
    (1, 0.1, 0.936548965138893),
    (1, 1.0, 0.5000000000000001),
    (1, 2.5, 0.24223788318168682),
    (1, 7.0, 0.0903344706017331),
    (2, 0.1, 0.9294654384141402),
    (2, 1.0, 0.4226497308103742),
    (2, 2.5, 0.12961172022151082),
    (2, 7.0, 0.01980394118039314),
    (3, 0.1, 0.9266523488008059),
    (3, 1.0, 0.3910022189557705),
    (3, 2.5, 0.08770664700806556),
    (3, 7.0, 0.005986255697707097),
    (4, 0.1, 0.9251558409394532),
    (4, 1.0, 0.37390096630005887),
    (4, 2.5, 0.06676654481198814),
    (4, 7.0, 0.0021921298066929387),
    (5, 0.1, 0.9242301411546604),
    (5, 1.0, 0.3632174676491229),
    (5, 2.5, 0.05449009934237626),
    (5, 7.0, 0.0009167475143984045),
    (8, 0.1, 0.922804909430597),
    (8, 1.0, 0.34659350708733416),
    (8, 2.5, 0.03694203771362412),
    (8, 7.0, 0.00011263854912686906),
    (9, 0.1, 0.9225364479566812),
    (9, 1.0, 0.3434363961379136),
    (9, 2.5, 0.033861827682985735),
    (9, 7.0, 6.324738963736693e-05),
    (10, 0.1, 0.9223207185644082),
    (10, 1.0, 0.34089313230206),
    (10, 2.5, 0.03144684423660882),
    (10, 7.0, 3.715592281685689e-05),
    (29, 0.1, 0.9210324444873739),
    (29, 1.0, 0.32558198801619365),
    (29, 2.5, 0.018325344338426086),
    (29, 7.0, 1.07002715302214e-07),
    (30, 0.1, 0.9210096117902712),
    (30, 1.0, 0.3253086154260302),
    (30, 2.5, 0.01811564906806669),
    (30, 7.0, 8.86995866722065e-08),
    (200, 0.1, 0.920444492504321),
    (200, 1.0, 0.3185188479097467),
    (200, 2.5, 0.013223172641700783),
    (200, 7.0, 3.7894286500889426e-11),
  ]

  @Test func probabilitiesAreThoseOfScipy() {
    for (freedom, t, p) in Self.known {
      let found = StudentT.twoSidedP(t, freedom: freedom)
      #expect(abs(found - p) <= 1e-13 + 1e-9 * p, "\(freedom) \(t): \(found), not \(p)")
      #expect(StudentT.twoSidedP(-t, freedom: freedom) == found)
    }
  }

  @Test func theEndsAreCertain() {
    for freedom in 1...12 {
      #expect(StudentT.twoSidedP(0, freedom: freedom) == 1)
      #expect(StudentT.twoSidedP(.infinity, freedom: freedom) == 0)
      #expect(StudentT.twoSidedP(.nan, freedom: freedom) == 1)
    }
  }

  @Test func aQuantileIsWhereTheProbabilityIs() {
    for (freedom, p, t) in [
      (4, 0.01, 4.604094871349993), (1, 0.05, 12.706204736174707), (9, 0.01, 3.2498355415921254),
    ] {
      #expect(abs(StudentT.quantile(twoSidedP: p, freedom: freedom) - t) < 1e-6 * t)
    }
    for freedom in 1...40 {
      for p in [0.5, 0.01, 1e-5] {
        let found = StudentT.twoSidedP(StudentT.quantile(twoSidedP: p, freedom: freedom), freedom: freedom)
        #expect(abs(found - p) < 1e-6 * p)
      }
    }
  }
}

@Suite struct PredictionTests {
  private static let earlier = [100.0, 110, 95, 105, 102, 98]

  @Test func pIsThatOfTheFormula() throws {
    // By scipy 1.16.
    let prediction = try #require(Prediction(earlier: Self.earlier))
    for (value, p) in [(130.0, 0.006991017357278574), (104.0, 0.6886196627539449), (60.0, 0.0002315196012847084)] {
      #expect(abs(prediction.p(of: value) - p) < 1e-9, "\(value): \(prediction.p(of: value))")
    }
  }

  @Test func unitsDoNotMatter() throws {
    let prediction = try #require(Prediction(earlier: Self.earlier))
    let scaled = try #require(Prediction(earlier: Self.earlier.map { $0 * 1000 }))
    #expect(abs(prediction.p(of: 130) - scaled.p(of: 130_000)) < 1e-12)
    #expect(abs((prediction.leastFound(p: 0.01) ?? 0) - (scaled.leastFound(p: 0.01) ?? 1)) < 1e-9)
  }

  @Test func whatIsFoundBeginsAtTheLeastFound() throws {
    // Symmetric on logarithms: the mean is 100.
    let prediction = try #require(Prediction(earlier: [80, 125, 80, 125, 100]))
    let least = try #require(prediction.leastFound(p: 0.01))
    #expect(prediction.p(of: 100 * (1 + least) * 1.001) < 0.01)
    #expect(prediction.p(of: 100 * (1 + least) * 0.999) > 0.01)
  }

  @Test func nothingIsSaidOfWhatNeverVaried() {
    #expect(Prediction(earlier: []) == nil)
    #expect(Prediction(earlier: [5]) == nil)
    #expect(Prediction(earlier: [5, 5, 5, 5, 5, 5]) == nil)
  }

  @Test func zerosAreTakenAsTheyAre() throws {
    let prediction = try #require(Prediction(earlier: [0, 1, 0, 2, 0, 1]))
    #expect(prediction.p(of: 1) > 0.5)
    #expect(prediction.p(of: 100) < 1e-6)
    #expect(prediction.leastFound(p: 0.01) == nil)
    let positive = try #require(Prediction(earlier: Self.earlier))
    #expect(positive.p(of: 0) == 0)
  }

  /// Draws of one distribution are called implausible as often as alpha says, not more.
  @Test func falseAlarmsAreAsRareAsPromised() {
    let seed: UInt64 = 20
    print("seed \(seed)")
    var random = SplitMix64(seed: seed)
    let trials = 20_000
    var found = 0
    for _ in 0..<trials {
      let values = (0..<11).map { _ in exp(random.normal() * 0.1) }
      if let prediction = Prediction(earlier: Array(values.dropLast())), prediction.p(of: values[10]) <= 0.05 {
        found += 1
      }
    }
    // 1000 expected; five standard deviations are 154.
    #expect((846...1154).contains(found), "\(found) of \(trials)")
  }
}
