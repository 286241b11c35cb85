/// A set of pages as sorted runs that neither touch nor overlap.
public struct PageRuns: Equatable, Sendable {
  public private(set) var runs: [Range<UInt64>] = []

  public init() {}

  /// Creates the set of all pages of `blocks`, in any order; they may touch and overlap. Complexity: O(n log n), O(n)
  /// if sorted.
  public init(_ blocks: [Block]) {
    var sorted = blocks
    if !zip(blocks, blocks.dropFirst()).allSatisfy({ $0 <= $1 }) { sorted.sort() }
    for block in sorted { append(block.pfn..<block.end) }
  }

  /// Adds a run that starts no lower than the last one.
  private mutating func append(_ run: Range<UInt64>) {
    if let last = runs.last, run.lowerBound <= last.upperBound {
      runs[runs.count - 1] = last.lowerBound..<max(last.upperBound, run.upperBound)
    } else {
      runs.append(run)
    }
  }

  public var pages: UInt64 { runs.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) } }
  public var bytes: UInt64 { pages << 12 }

  /// The pages in both sets. Complexity: linear in the runs of both.
  public func intersection(_ other: PageRuns) -> PageRuns {
    var result = PageRuns()
    var i = 0
    var j = 0
    while i < runs.count && j < other.runs.count {
      let low = max(runs[i].lowerBound, other.runs[j].lowerBound)
      let high = min(runs[i].upperBound, other.runs[j].upperBound)
      if low < high { result.append(low..<high) }
      if runs[i].upperBound < other.runs[j].upperBound { i += 1 } else { j += 1 }
    }
    return result
  }

  /// The pages of this set that aren't in `other`. Complexity: linear in the runs of both.
  public func subtracting(_ other: PageRuns) -> PageRuns {
    var result = PageRuns()
    var j = 0
    for run in runs {
      var low = run.lowerBound
      while j < other.runs.count && other.runs[j].upperBound <= low { j += 1 }
      var k = j
      while low < run.upperBound {
        guard k < other.runs.count, other.runs[k].lowerBound < run.upperBound else {
          result.append(low..<run.upperBound)
          break
        }
        if other.runs[k].lowerBound > low { result.append(low..<other.runs[k].lowerBound) }
        low = max(low, other.runs[k].upperBound)
        k += 1
      }
    }
    return result
  }

  /// Whether all of the block's pages are in the set. Complexity: O(log n).
  public func contains(_ block: Block) -> Bool {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].upperBound <= block.pfn { low = middle + 1 } else { high = middle }
    }
    return low < runs.count && runs[low].lowerBound <= block.pfn && block.end <= runs[low].upperBound
  }
}
