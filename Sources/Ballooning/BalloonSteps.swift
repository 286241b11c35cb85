import CHost

/// Where a thread of the balloon stands between two atomic steps: what a test's scheduler interleaves. With ``NoSteps``
/// nothing of it is left.
public protocol BalloonSteps {
  /// A step is done; from here to the next call others may act. Never called with a spinlock held.
  func did(_ event: BalloonEvent)
  /// One of several things that a step has done; the last is told by ``did(_:)``.
  func note(_ event: BalloonEvent)
  /// The page's lock is another's: returns when it may be worth another try.
  func waitForLock(of pfn: UInt64)
  /// The same of the balloon's mutex.
  func waitForMutex()
  /// BUG_ON(): what may never happen has.
  func bug(_ what: StaticString)
}

/// Nobody watches.
public struct NoSteps: BalloonSteps, Sendable {
  @inlinable public init() {}
  @inlinable @inline(__always) public func did(_ event: BalloonEvent) {}
  @inlinable @inline(__always) public func note(_ event: BalloonEvent) {}
  @inlinable @inline(__always) public func waitForLock(of pfn: UInt64) { chost_pause() }
  @inlinable @inline(__always) public func waitForMutex() { chost_pause() }
  @inlinable @inline(__always) public func bug(_ what: StaticString) { preconditionFailure("\(what)") }
}
