import Foundation

/// The distribution of a rank sum without a difference: within each block, every assignment of the labels base and new
/// is equally likely.
///
/// Exact, by counting assignments block by block (the shift algorithm; Streitberg and Röhmel, 1986): it needs no random
/// draws, and no p is too small for it. Above ``exactSteps`` steps, at about 30 values a side, it is approximated by
/// the normal distribution with the variance of the same scores and a continuity correction.
struct RankDistribution {
  /// The values of one block: ranks among all values, doubled so that ties are whole numbers, and the number of new's
  /// values.
  struct Block: Hashable {
    var scores: [Int]
    var new: Int
  }

  /// The most steps worth an exact computation: some milliseconds.
  static let exactSteps = 5_000_000

  private let mean: Double
  private let shape: Shape

  private enum Shape {
    /// The number of assignments for each sum from `first` on, and for all.
    case exact(first: Int, ways: [Double], total: Double)
    case normal(deviation: Double)
  }

  init(_ blocks: [Block]) {
    mean = blocks.reduce(0) { sum, block in
      sum + Double(block.new) * Double(block.scores.reduce(0, +)) / Double(max(1, block.scores.count))
    }
    shape = Self.steps(blocks) <= Self.exactSteps ? Self.exact(blocks) : Self.normal(blocks)
  }

  /// The probability of a sum at least as far from the mean as this one, on either side.
  func twoSided(_ sum: Int) -> Double {
    let distance = abs(Double(sum) - mean)
    switch shape {
    case .exact(let first, let ways, let total):
      // Sums are integers, the mean may be fractional: equal distances must compare equal.
      let reached = ways.indices.reduce(0) { count, index in
        abs(Double(first + index) - mean) >= distance - 1e-6 ? count + ways[index] : count
      }
      return min(1, reached / total)
    case .normal(let deviation):
      // Doubled ranks: neighbouring sums are two apart.
      return deviation > 0 ? min(1, erfc(max(0, distance - 1) / deviation / 2.squareRoot())) : 1
    }
  }

  private static func exact(_ blocks: [Block]) -> Shape {
    var first = 0
    var ways: [Double] = [1]
    for block in blocks {
      let (low, own) = sums(of: block)
      // A small block reaches only few of the sums between its lowest and its highest.
      let reached = own.indices.filter { own[$0] > 0 }
      var joint = [Double](repeating: 0, count: ways.count + own.count - 1)
      for (i, count) in ways.enumerated() where count > 0 {
        for j in reached { joint[i + j] += count * own[j] }
      }
      ways = joint
      first += low
    }
    return .exact(first: first, ways: ways, total: ways.reduce(0, +))
  }

  /// The number of ways to choose `new` of the block's scores for each sum, from the lowest sum on.
  private static func sums(of block: Block) -> (low: Int, ways: [Double]) {
    guard let least = block.scores.min() else { return (0, [1]) }
    let scores = block.scores.map { $0 - least }
    let width = scores.sorted().suffix(block.new).reduce(0, +) + 1
    // ways[k * width + s]: the number of ways in which k of the scores so far add up to s.
    var ways = [Double](repeating: 0, count: (block.new + 1) * width)
    ways[0] = 1
    for (index, score) in scores.enumerated() {
      for k in stride(from: min(index + 1, block.new), through: 1, by: -1) {
        for sum in stride(from: width - 1, through: score, by: -1) {
          ways[k * width + sum] += ways[(k - 1) * width + sum - score]
        }
      }
    }
    return (least * block.new, Array(ways[(block.new * width)...]))
  }

  private static func normal(_ blocks: [Block]) -> Shape {
    let variance = blocks.reduce(0.0) { sum, block in
      let count = Double(block.scores.count)
      guard count > 1 else { return sum }
      let mean = Double(block.scores.reduce(0, +)) / count
      let squares = block.scores.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
      let new = Double(block.new)
      return sum + new * (count - new) / count / (count - 1) * squares
    }
    return .normal(deviation: variance.squareRoot())
  }

  private static func steps(_ blocks: [Block]) -> Int {
    var steps = 0.0
    var width = 1.0
    for block in blocks {
      guard let least = block.scores.min() else { continue }
      let own = Double(block.scores.sorted().suffix(block.new).reduce(0) { $0 + $1 - least } + 1)
      steps += Double(block.scores.count * block.new) * own + width * own
      width += own
    }
    return steps < 1e15 ? Int(steps) : .max
  }
}
