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
}
