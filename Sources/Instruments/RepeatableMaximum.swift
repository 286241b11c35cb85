/// The longest hold that repeats: the maximum over k of the minimum over repetitions of hold k.
///
/// Without mutators hold k does the same work in every repetition, so what only one repetition shows is the machine's
/// noise and not the strategy's. It means nothing where the number of holds differs between repetitions; then there is
/// no value.
public struct RepeatableMaximum: Equatable, Sendable {
  /// The shortest length of each hold so far, in ticks; empty once the repetitions differ.
  public private(set) var shortest: [UInt64] = []
  /// How many repetitions were added.
  public private(set) var repetitions = 0
  /// Whether all repetitions so far had the same number of holds.
  public private(set) var isDeterministic = true

  public init() {}

  /// Adds a repetition: the lengths of its holds in ticks, in the order they happened.
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

  /// Ticks; nil if there was no hold, no repetition, or repetitions with different numbers of holds. After one
  /// repetition it is that one's plain maximum.
  ///
  /// - Complexity: O(n).
  public var value: UInt64? { isDeterministic ? shortest.max() : nil }
}
