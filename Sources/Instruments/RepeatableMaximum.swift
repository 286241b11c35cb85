/// The longest repeatable hold: the maximum over k of the minimum over repetitions of hold k.
///
/// Without mutators hold k does the same work in every repetition, so anything that only one repetition shows is the
/// machine's noise. There is no value if the number of holds differs between repetitions.
public struct RepeatableMaximum: Equatable, Sendable {
  /// The shortest length of each hold so far; empty once the repetitions differ. Ticks.
  public private(set) var shortest: [UInt64] = []
  /// The number of repetitions added.
  public private(set) var repetitions = 0
  /// Whether all repetitions so far had the same number of holds.
  public private(set) var isDeterministic = true

  public init() {}

  /// Adds a repetition: the lengths of its holds in order. Ticks.
  ///
  /// - Complexity: O(n).
  public mutating func add(_ sequence: [UInt64]) {
    defer { repetitions += 1 }
    guard isDeterministic else { return }
    guard repetitions > 0 else {
      shortest = sequence
      return
    }
    guard sequence.count == shortest.count else {
      isDeterministic = false
      shortest = []
      return
    }
    for k in shortest.indices where sequence[k] < shortest[k] { shortest[k] = sequence[k] }
  }

  /// The repeatable maximum in ticks; nil without holds or repetitions, or if the number of holds differs. After one
  /// repetition, its plain maximum.
  ///
  /// - Complexity: O(n).
  public var value: UInt64? { isDeterministic ? shortest.max() : nil }
}
