import Foundation
import Instruments
import TestSupport
import Testing

@Suite struct RepeatableMaximumTests {
  @Test func itIsTheMaximumOverHoldsOfTheMinimumOverRepetitions() {
    var maximum = RepeatableMaximum()
    maximum.add([10, 900, 30])
    #expect(maximum.value == 900)
    maximum.add([800, 20, 31])
    #expect(maximum.value == 30)
    maximum.add([11, 21, 700])
    #expect(maximum.value == 30)
    #expect(maximum.shortest == [10, 20, 30])
    #expect(maximum.repetitions == 3)
  }

  @Test func itEqualsItsDefinitionAndTheOrderOfRepetitionsDoesNotMatter() {
    var generator = SplitMix64(seed: 21)
    for _ in 0..<50 {
      let holds = Int.random(in: 1...40, using: &generator)
      let repetitions = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
        (0..<holds).map { _ in UInt64.random(in: 0...1000, using: &generator) }
      }
      let expected = (0..<holds).map { k in repetitions.map { $0[k] }.min()! }.max()
      var forward = RepeatableMaximum()
      var backward = RepeatableMaximum()
      for sequence in repetitions { forward.add(sequence) }
      for sequence in repetitions.reversed() { backward.add(sequence) }
      #expect(forward.value == expected)
      #expect(backward.value == expected)
    }
  }

  @Test func differentNumbersOfHoldsHaveNoValueForGood() {
    var maximum = RepeatableMaximum()
    maximum.add([1, 2])
    maximum.add([1, 2, 3])
    #expect(maximum.value == nil)
    #expect(!maximum.isDeterministic)
    maximum.add([1, 2])
    #expect(maximum.value == nil)
    #expect(maximum.repetitions == 3)
  }

  @Test func withoutHoldsOrRepetitionsThereIsNoValue() {
    var maximum = RepeatableMaximum()
    #expect(maximum.value == nil)
    maximum.add([])
    #expect(maximum.value == nil)
    #expect(maximum.isDeterministic)
    maximum.add([1])
    #expect(!maximum.isDeterministic)
  }

  @Test func whatWasEncodedGoesOnAsIfNeverStopped() throws {
    var generator = SplitMix64(seed: 22)
    for holds in [0, 1, 2, 1000] {
      var straight = RepeatableMaximum()
      var resumed = RepeatableMaximum()
      for _ in 0..<4 {
        let sequence = (0..<holds).map { _ in
          UInt64.random(in: 0...UInt64.max, using: &generator) >> UInt64.random(in: 0...63, using: &generator)
        }
        straight.add(sequence)
        resumed.add(sequence)
        resumed = try RepeatableMaximum(decoding: resumed.encoded())
        #expect(resumed == straight)
      }
      #expect(resumed.value == straight.value)
    }
    var differing = RepeatableMaximum()
    differing.add([1])
    differing.add([])
    #expect(try RepeatableMaximum(decoding: differing.encoded()) == differing)
  }

  @Test func shortHoldsTakeAtMostTwoBytesEach() {
    var maximum = RepeatableMaximum()
    maximum.add([UInt64](repeating: 16_000, count: 1000))
    #expect(maximum.encoded().count < 2020)
  }

  @Test func itIsCodable() throws {
    var maximum = RepeatableMaximum()
    maximum.add([1, 2, .max])
    let json = try JSONEncoder().encode([maximum])
    #expect(try JSONDecoder().decode([RepeatableMaximum].self, from: json) == [maximum])
    let bad = try JSONEncoder().encode([Data([1, 2, 3])])
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([RepeatableMaximum].self, from: bad) }
  }

  @Test func damagedBytesAreRefused() throws {
    var maximum = RepeatableMaximum()
    maximum.add([1, 300, 70_000])
    let good = maximum.encoded()
    for length in 0..<good.count {
      #expect(throws: RepeatableMaximum.DecodingFailure.self) {
        try RepeatableMaximum(decoding: good.prefix(length))
      }
    }
    #expect(throws: RepeatableMaximum.DecodingFailure.self) { try RepeatableMaximum(decoding: good + [0]) }
    for (index, byte) in [(0, UInt8(0)), (4, 2), (5, 2)] {
      var bad = good
      bad[index] = byte
      #expect(throws: RepeatableMaximum.DecodingFailure.self) { try RepeatableMaximum(decoding: bad) }
    }
    // More holds than bytes, and numbers of more than 64 bits.
    let header = Data("HBRM".utf8) + [1, 1]
    #expect(throws: RepeatableMaximum.DecodingFailure.self) {
      try RepeatableMaximum(decoding: header + [1, 0xff, 0xff, 0xff, 0xff, 0x7f])
    }
    #expect(throws: RepeatableMaximum.DecodingFailure.self) {
      try RepeatableMaximum(decoding: header + [1, 1] + [UInt8](repeating: 0xff, count: 9) + [2])
    }
  }
}
