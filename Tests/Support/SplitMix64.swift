import Foundation

/// SplitMix64 (Steele, Lea and Flood, 2014): a seeded source of numbers, so that a failing test can be repeated. Tests
/// of GuestMemory, and of what stands on it, can use its SeededGenerator, which draws the same.
public struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  /// The next number between 0 and 1, without 1.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// The next of the standard normal distribution, by Box and Muller.
  public mutating func normal() -> Double {
    (-2 * log(max(uniform(), 1e-300))).squareRoot() * cos(2 * .pi * uniform())
  }
}
