import Foundation
import Records

/// Values of two sides in blocks. Within a block only the side differs, so that without a difference its labels are
/// exchangeable.
///
/// Two runs are one block of repetitions; launches of two binaries in the order A B B A are a block of four; two
/// strategies in one run form a block per repetition. All are tested alike: each block is aligned by its median, all
/// values are ranked together (ties get their mean rank), and the sum of new's ranks is compared with its distribution
/// over exchanged labels within blocks. For one block this is the rank-sum test of Wilcoxon, Mann and Whitney; for
/// blocks of pairs, a signed-rank test. Values are compared by their logarithms, since changes are relative, or
/// directly if any is 0 or below.
public struct BlockedSamples: Sendable, Equatable {
  /// A block's values of both sides.
  public struct Block: Sendable, Equatable {
    public var base: [Double]
    public var new: [Double]

    public init(base: [Double], new: [Double]) {
      self.base = base
      self.new = new
    }
  }

  /// The blocks with values of both sides; others carry no information.
  public let blocks: [Block]
  /// Whether values are compared by their logarithms.
  public let isLogarithmic: Bool
  /// The blocks on the scale of the comparison.
  private let scaled: [Block]
  /// The greatest magnitude among them.
  private let greatest: Double

  public init(_ blocks: [Block]) {
    self.blocks = blocks.filter { !$0.base.isEmpty && !$0.new.isEmpty }
    let isLogarithmic = self.blocks.allSatisfy { ($0.base + $0.new).allSatisfy { $0 > 0 } }
    self.isLogarithmic = isLogarithmic
    let scaled =
      isLogarithmic
      ? self.blocks.map { Block(base: $0.base.map { log($0) }, new: $0.new.map { log($0) }) } : self.blocks
    self.scaled = scaled
    greatest = scaled.flatMap { $0.base + $0.new }.map(abs).max() ?? 0
  }

  public var base: [Double] { blocks.flatMap(\.base) }
  public var new: [Double] { blocks.flatMap(\.new) }

  /// The probability of a difference at least as large if there is none; two-sided. 1 without blocks.
  public var p: Double { p(shift: 0, distribution: RankDistribution.init) }

  /// The smallest p possible with this many values.
  public var smallestP: Double { Self.smallestP(blocks.map { ($0.base.count, $0.new.count) }) }

  /// The smallest p possible with blocks of these sizes, both ends counted: all of new's values in each block above
  /// base's, or all below. (With ties or blocks of unequal sides only one end may exist, with half of this.)
  static func smallestP(_ blocks: [(base: Int, new: Int)]) -> Double {
    let logarithm = blocks.reduce(0.0) { sum, block in
      let (base, new) = (Double(block.base), Double(block.new))
      return sum + lgamma(new + 1) + lgamma(base + 1) - lgamma(base + new + 1)
    }
    return min(1, 2 * exp(logarithm))
  }

  /// The change from base to new by Hodges and Lehmann: the median of the differences of all pairs within blocks, on
  /// the scale of ``isLogarithmic``; nil without blocks.
  public var shift: Double? { MedianInterval.median(sorted: differences) }

  /// The confidence interval of the change at this level: from the lowest to the highest shift of new for which `p` is
  /// above 1 - `level`. Nil if there are too few values for an interval of this level.
  public func interval(level: Double) -> ClosedRange<Double>? {
    let alpha = 1 - level
    let differences = differences
    guard let shift = MedianInterval.median(sorted: differences), let low = differences.first,
      let high = differences.last,
      smallestP <= alpha
    else { return nil }
    // Without ties most shifts have the same distribution.
    var known: [[RankDistribution.Block]: RankDistribution] = [:]
    func isKept(_ shift: Double) -> Bool {
      p(shift: shift) { blocks in
        if let distribution = known[blocks] { return distribution }
        let distribution = RankDistribution(blocks)
        known[blocks] = distribution
        return distribution
      } > alpha
    }
    let margin = max(high - low, abs(shift), 1e-6) * 1e-3
    func end(_ outside: Double) -> Double {
      var (inside, outside) = (shift, outside)
      guard isKept(inside), !isKept(outside) else { return inside }
      let close = abs(outside - inside) * 1e-6
      while abs(outside - inside) > close {
        let middle = (inside + outside) / 2
        if isKept(middle) { inside = middle } else { outside = middle }
      }
      return inside
    }
    let (first, last) = (end(low - margin), end(high + margin))
    return min(first, last)...max(first, last)
  }

  private var differences: [Double] {
    scaled.flatMap { block in block.new.flatMap { new in block.base.map { new - $0 } } }.sorted()
  }

  private func p(shift: Double, distribution: ([RankDistribution.Block]) -> RankDistribution) -> Double {
    guard !blocks.isEmpty else { return 1 }
    var values: [(value: Double, block: Int, isNew: Bool)] = []
    for (index, block) in scaled.enumerated() {
      let new = block.new.map { $0 - shift }
      let middle = MedianInterval.median(sorted: (block.base + new).sorted()) ?? 0
      values += block.base.map { ($0 - middle, index, false) } + new.map { ($0 - middle, index, true) }
    }
    values.sort { $0.value < $1.value }
    let tie = greatest * 1e-13
    var ranked = blocks.map { RankDistribution.Block(scores: [], new: $0.new.count) }
    var sum = 0
    var start = 0
    while start < values.count {
      // Values that differ only by rounding are ties: the medians were subtracted from them.
      var end = start + 1
      while end < values.count && values[end].value - values[start].value <= tie { end += 1 }
      // Twice the mean of the ranks start + 1 ... end.
      let score = start + 1 + end
      for place in start..<end {
        ranked[values[place].block].scores.append(score)
        if values[place].isNew { sum += score }
      }
      start = end
    }
    return distribution(ranked).twoSided(sum)
  }
}
