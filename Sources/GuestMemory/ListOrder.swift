import Records

/// The order of the blocks on each free list. It decides the cost of a walk (8 to 10 times between the extremes), and
/// no /proc file shows it.
public enum ListOrder: String, Sendable, CaseIterable {
  /// By address, as deferred boot leaves the lists.
  case ascending
  /// As left by allocations from the head and frees to the head over a part of the list.
  case churned
  /// A random permutation.
  case shuffled

  /// The default order of a guest in this state, see ``Records/RunRecord/Guest/naturalListOrder(of:)``.
  public static func natural(of state: String) -> ListOrder {
    let name = RunRecord.Guest.naturalListOrder(of: state)
    guard let order = ListOrder(rawValue: name) else { preconditionFailure("no list order '\(name)'") }
    return order
  }
}

extension GuestSnapshot {
  /// The same blocks on the same lists, in another order. Complexity: O(n), for ascending O(n log n).
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
  /// Takes one block from the head and puts one of the taken blocks back to the head, as many times as there are
  /// blocks. A quarter of the list is out at a time.
  fileprivate mutating func churn(_ generator: inout SeededGenerator) {
    guard count > 3 else { return }
    // The head is the array's end here, so that adding and removing are cheap.
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
