import Records

/// A strategy's own longest hold: the maximum over k of the median over repetitions of hold k.
///
/// Without mutators hold k is the same work in every repetition, so that its median leaves out what the machine did in
/// a minority of them, and neither grows nor shrinks with their number. Repetitions in which the thread was preempted in
/// hold k don't count for it, unless it was in all. It means nothing where the number of holds differs between
/// repetitions; then there is no value.
///
/// The maximum of many medians lies above the longest true one if several holds are nearly as long and few repetitions
/// were made: with the noise of a quiet machine by less than 3 % from three repetitions on (`OwnLongestHoldTests`).
public struct OwnLongestHold: Sendable {
  private var sequences: [HoldSequence] = []

  public init() {}

  /// Adds a repetition.
  public mutating func add(_ sequence: HoldSequence) { sequences.append(sequence) }

  /// How many repetitions were added.
  public var repetitions: Int { sequences.count }

  /// Ticks; nil without a repetition, without a hold, or if the numbers of holds differ. Of an even number of
  /// repetitions a hold's median is the mean of the two in the middle.
  ///
  /// - Complexity: O(h r log r) for r repetitions of h holds, and their 8 bytes each of memory until then.
  public var value: Double? {
    guard let count = sequences.first?.lengths.count, count > 0,
      sequences.allSatisfy({ $0.lengths.count == count })
    else { return nil }
    var preempted: [Int: Set<Int>] = [:]
    for (repetition, sequence) in sequences.enumerated() {
      for k in sequence.preempted { preempted[k, default: []].insert(repetition) }
    }
    var longest = 0.0
    for k in 0..<count {
      let left = preempted[k].map { left in sequences.indices.filter { !left.contains($0) } } ?? []
      let lengths = (left.isEmpty ? Array(sequences.indices) : left).map { Double(sequences[$0].lengths[k]) }
      longest = max(longest, MedianInterval.median(sorted: lengths.sorted()) ?? 0)
    }
    return longest
  }
}
