import Foundation

/// Seeded samples.
struct Draws {
  var generator: Generator

  init(seed: UInt64) { generator = Generator(state: seed) }

  /// SplitMix64.
  struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = state
      word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
      return word ^ (word >> 31)
    }
  }

  mutating func normal() -> Double {
    let radius = (-2 * log(Double.random(in: 1e-12..<1, using: &generator))).squareRoot()
    return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
  }

  /// Student's t with 3 degrees of freedom, scaled to a variance of 1.
  mutating func heavy() -> Double {
    let value = normal()
    let squares = (0..<3).reduce(0.0) { sum, _ in
      let one = normal()
      return sum + one * one
    }
    return value / squares.squareRoot()
  }

  /// Values about 1000 whose logarithms have this spread.
  mutating func launches(_ count: Int, spread: Double, change: Double = 0, heavyTails: Bool = false) -> [Double] {
    (0..<count).map { _ in 1000 * exp(change + spread * (heavyTails ? heavy() : normal())) }
  }
}
