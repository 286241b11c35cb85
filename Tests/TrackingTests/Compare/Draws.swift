import Foundation
import TestSupport

/// Seeded samples.
struct Draws {
  var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func normal() -> Double { generator.normal() }

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
