/// Counts state operations.
public protocol StateTally: Sendable {
  init()
  /// Counts an operation. `changed`: whether the state changed.
  mutating func note(_ operation: StateOperation, changed: Bool)
  /// Counts a page removed because the host had discarded it.
  mutating func noteDiscarded()
  /// Counts a user's access to a discarded page.
  mutating func noteFault()
  /// Counts an access for which the host read its swap.
  mutating func noteSwapIn()
}

/// Counts nothing, for timed passes.
public struct NoTally: StateTally {
  @inlinable public init() {}
  @inlinable @inline(__always) public mutating func note(_ operation: StateOperation, changed: Bool) {}
  @inlinable @inline(__always) public mutating func noteDiscarded() {}
  @inlinable @inline(__always) public mutating func noteFault() {}
  @inlinable @inline(__always) public mutating func noteSwapIn() {}
}

/// Counts everything.
public struct StateCounts: StateTally, Hashable {
  /// Operations issued, by code.
  public private(set) var issued = [Int](repeating: 0, count: StateOperation.allCases.count)
  /// The operations after which the state differed.
  public private(set) var changes = 0
  public private(set) var discardedRemoved = 0
  public private(set) var discardFaults = 0
  public private(set) var swapIns = 0

  public init() {}

  /// The number of operations issued.
  public var operations: Int { issued.reduce(0, +) }

  public mutating func note(_ operation: StateOperation, changed: Bool) {
    issued[Int(operation.rawValue)] += 1
    if changed { changes += 1 }
  }

  public mutating func noteDiscarded() { discardedRemoved += 1 }
  public mutating func noteFault() { discardFaults += 1 }
  public mutating func noteSwapIn() { swapIns += 1 }
}
