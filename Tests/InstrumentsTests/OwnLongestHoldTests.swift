import Foundation
import Instruments
import Records
import TestSupport
import Testing

@Suite struct OwnLongestHoldTests {
  @Test func itIsTheMaximumOverHoldsOfTheMedianOverRepetitions() {
    var own = OwnLongestHold()
    #expect(own.value == nil)
    own.add(HoldSequence([10, 900, 30]))
    #expect(own.value == 900)
    own.add(HoldSequence([800, 20, 31]))
    #expect(own.value == 460)
    own.add(HoldSequence([11, 21, 700]))
    #expect(own.value == 31)
  }

  @Test func aPreemptedHoldDoesNotCountUnlessAllAre() {
    var own = OwnLongestHold()
    own.add(HoldSequence([10, 900], preempted: [1]))
    #expect(own.value == 900)
    own.add(HoldSequence([12, 40]))
    #expect(own.value == 40)
    own.add(HoldSequence([500, 700], preempted: [0, 1]))
    #expect(own.value == 40)
  }

  @Test func differentNumbersOfHoldsHaveNoValue() {
    var own = OwnLongestHold()
    own.add(HoldSequence([1, 2]))
    own.add(HoldSequence([1, 2, 3]))
    #expect(own.value == nil)
    var empty = OwnLongestHold()
    empty.add(HoldSequence([]))
    #expect(empty.value == nil)
  }

  /// A session of 400 holds of 2000 ticks with one of 100,000 planted: each hold varies by 2 %, one of a thousand is
  /// lengthened by 5,000 to 500,000 ticks by the machine, and one of a thousand shortened by a fifth.
  private func session(_ generator: inout SplitMix64) -> [UInt64] {
    (0..<400).map { k in
      let length = k == 137 ? 100_000.0 : 2000
      var hold = length * (1 + 0.02 * generator.normal())
      let luck = generator.uniform()
      if luck < 0.001 { hold += 5_000 + 495_000 * generator.uniform() }
      if luck > 0.999 { hold *= 0.8 }
      return UInt64(hold)
    }
  }

  /// The planted hold is found without bias from 3 to 60 repetitions; the former figure falls with their number, and
  /// the plain maximum rises.
  @Test(arguments: [3, 5, 10, 30, 60])
  func aPlantedHoldIsFoundWithoutBias(_ repetitions: Int) throws {
    var generator = SplitMix64(seed: UInt64(repetitions))
    let cells = 200
    var (own, former, plain) = (0.0, 0.0, 0.0)
    for _ in 0..<cells {
      var longest = OwnLongestHold()
      var minima = RepeatableMaximum()
      var greatest: UInt64 = 0
      for _ in 0..<repetitions {
        let sequence = session(&generator)
        longest.add(HoldSequence(sequence))
        minima.add(sequence)
        greatest = max(greatest, sequence.max() ?? 0)
      }
      own += try #require(longest.value)
      former += Double(try #require(minima.value))
      plain += Double(greatest)
    }
    func bias(_ sum: Double) -> Double { sum / Double(cells) / 100_000 - 1 }
    #expect(abs(bias(own)) < 0.03, "\(repetitions) repetitions: \(bias(own))")
    #expect(bias(former) < bias(own), "the former figure")
    #expect(bias(plain) > 0.3, "the plain maximum")
    if repetitions == 60 { #expect(bias(former) < -0.04, "the former figure falls: \(bias(former))") }
  }
}
