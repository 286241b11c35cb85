/// What counts operations on states.
public protocol StateTally: Sendable {
  init()
  /// `changed`: the page is in another state than before.
  mutating func note(_ operation: StateOperation, changed: Bool)
  /// A page removed because the host had discarded it.
  mutating func noteDiscarded()
  /// A user's access to a discarded page.
  mutating func noteFault()
  /// An access for which the host had to read its swap.
  mutating func noteSwapIn()
}

/// Counts nothing: of passes that are timed.
public struct NoTally: StateTally {
  @inlinable public init() {}
  @inlinable @inline(__always) public mutating func note(_ operation: StateOperation, changed: Bool) {}
  @inlinable @inline(__always) public mutating func noteDiscarded() {}
  @inlinable @inline(__always) public mutating func noteFault() {}
  @inlinable @inline(__always) public mutating func noteSwapIn() {}
}

/// Counts all of it.
public struct StateCounts: StateTally, Hashable {
  /// Operations issued, by code.
  public private(set) var issued = [Int](repeating: 0, count: StateOperation.allCases.count)
  /// Of these, those after which the page was in another state.
  public private(set) var changes = 0
  public private(set) var discardedRemoved = 0
  public private(set) var discardFaults = 0
  public private(set) var swapIns = 0

  public init() {}

  /// All operations issued.
  public var operations: Int { issued.reduce(0, +) }

  public mutating func note(_ operation: StateOperation, changed: Bool) {
    issued[Int(operation.rawValue)] += 1
    if changed { changes += 1 }
  }

  public mutating func noteDiscarded() { discardedRemoved += 1 }
  public mutating func noteFault() { discardFaults += 1 }
  public mutating func noteSwapIn() { swapIns += 1 }
}
