/// How the blocks of free lists follow each other, which decides what a walk costs: a prefetcher follows neighbours in
/// either direction.
public struct ListShape: Sendable, Equatable {
  /// Blocks on the lists.
  public var blocks = 0
  /// Next pointers: one less than blocks, a list.
  public var pointers = 0
  /// Next pointers to the block right above, and right below.
  public var up = 0
  public var down = 0
  /// Next pointers that lead to any higher block.
  public var forward = 0

  public init() {}

  /// The shape of some lists of one order: their blocks in list order.
  ///
  /// - Complexity: O(blocks).
  public init(order: Int, _ lists: some Sequence<[UInt64]>) {
    for pfns in lists { add(order: order, pfns) }
  }

  /// Adds a list of one order. Complexity: O(blocks).
  mutating func add(order: Int, _ pfns: [UInt64]) {
    let size: UInt64 = 1 << UInt64(order)
    blocks += pfns.count
    for (here, next) in zip(pfns, pfns.dropFirst()) {
      pointers += 1
      if here &+ size == next { up += 1 }
      if next &+ size == here { down += 1 }
      if next > here { forward += 1 }
    }
  }

  /// Shares of the next pointers; nil without any.
  public var adjacentShare: Double? { share(up + down) }
  public var upShare: Double? { share(up) }
  public var downShare: Double? { share(down) }
  public var forwardShare: Double? { share(forward) }

  /// Mean number of blocks that follow each other as neighbours, in one direction or the other; nil without blocks.
  public var meanRun: Double? { blocks > 0 ? Double(blocks) / Double(blocks - up - down) : nil }

  private func share(_ count: Int) -> Double? { pointers > 0 ? Double(count) / Double(pointers) : nil }
}

extension KernelState {
  /// The shape of all lists of one order.
  public func shape(ofOrder order: Int) -> ListShape {
    ListShape(order: order, zones.lazy.flatMap(\.lists).filter { $0.order == order }.map(\.pfns))
  }
}

extension GuestSnapshot {
  /// The shape of all lists of one order.
  public func shape(ofOrder order: Int) -> ListShape {
    ListShape(order: order, lists.lazy.filter { $0.order == order }.map(\.pfns))
  }
}
