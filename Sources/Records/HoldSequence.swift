/// A session's holds in the order they happened.
public struct HoldSequence: Hashable, Sendable {
  /// Their lengths. Clock ticks.
  public var lengths: [UInt64]
  /// The indices of those in which the thread was preempted, moved or signalled, ascending. Empty also where the host
  /// can't tell.
  public var preempted: [Int]

  /// Creates a sequence.
  public init(_ lengths: [UInt64], preempted: [Int] = []) {
    self.lengths = lengths
    self.preempted = preempted
  }
}
