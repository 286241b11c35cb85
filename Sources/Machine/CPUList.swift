/// The kernel's notation for sets of CPUs or nodes: `0-3,8,10-11`.
package enum CPUList {
  /// Parses a list. Returns its numbers, ascending; nil if `text` is malformed. Empty text is the empty set.
  package static func parse(_ text: String) -> [Int]? {
    var numbers: Set<Int> = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0.trimmingBlanks()) }
      switch ends.count {
      case 1:
        guard let only = ends[0] else { return nil }
        numbers.insert(only)
      case 2:
        guard let first = ends[0], let last = ends[1], first <= last, last - first < 1 << 20 else { return nil }
        numbers.formUnion(first...last)
      default: return nil
      }
    }
    return numbers.sorted()
  }

  /// Formats `numbers` as a list; empty if there are none.
  package static func text(_ numbers: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for number in Set(numbers).sorted() {
      if let last = runs.last, last.upperBound + 1 == number {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }
}
