/// In which order the blocks of each free list stand: it decides what a walk costs (8 to 10 times between the
/// extremes), and no /proc file shows it.
public enum ListOrder: String, Sendable, CaseIterable {
  /// By address, as deferred boot leaves the lists.
  case ascending
  /// As allocations from the head and frees to the head of a part of the list leave it.
  case churned
  /// Every order equally likely.
  case shuffled
}

extension GuestSnapshot {
  /// The same blocks on the same lists in another order. Complexity: O(n), O(n log n) for ascending.
  func reordered(_ order: ListOrder, seed: UInt64) -> GuestSnapshot {
    var generator = SeededGenerator(seed: seed, stream: 3)
    return GuestSnapshot(
      lists: lists.map { image in
        var image = image
        switch order {
        case .ascending: image.pfns.sort()
        case .shuffled: image.pfns.shuffle(using: &generator)
        case .churned: image.pfns.churn(&generator)
        }
        return image
      }, zones: zones)
  }
}

extension [UInt64] {
  /// As many steps as there are blocks: one is taken from the head, one of those taken goes back to the head. A quarter
  /// of the list is out at a time.
  fileprivate mutating func churn(_ generator: inout SeededGenerator) {
    guard count > 3 else { return }
    // The head is the array's end here, where adding and removing are cheap.
    reverse()
    var out: [UInt64] = []
    for _ in 0..<Swift.max(1, count / 4) { out.append(removeLast()) }
    for _ in 0..<(count + out.count) {
      let back = generator.below(out.count)
      out.swapAt(back, out.count - 1)
      let freed = out.removeLast()
      out.append(removeLast())
      append(freed)
    }
    append(contentsOf: out)
    reverse()
  }
}
