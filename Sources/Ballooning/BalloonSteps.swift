import CHost

/// A test scheduler's hooks between a balloon thread's atomic steps. ``NoSteps`` compiles to nothing.
public protocol BalloonSteps {
  /// Called after a step; other threads may run until it returns. Never called with a spinlock held.
  func did(_ event: BalloonEvent)
  /// Called for one part of a step that does several things; the last part is told by ``did(_:)``.
  func note(_ event: BalloonEvent)
  /// Called when another thread holds the page's lock. Returns when a retry makes sense.
  func waitForLock(of pfn: UInt64)
  /// Called when another thread holds the balloon's mutex. Returns when a retry makes sense.
  func waitForMutex()
  /// BUG_ON(): an impossible state was reached.
  func bug(_ what: StaticString)
}

/// No scheduler: waiting spins, a bug traps.
public struct NoSteps: BalloonSteps, Sendable {
  @inlinable public init() {}
  @inlinable @inline(__always) public func did(_ event: BalloonEvent) {}
  @inlinable @inline(__always) public func note(_ event: BalloonEvent) {}
  @inlinable @inline(__always) public func waitForLock(of pfn: UInt64) { chost_pause() }
  @inlinable @inline(__always) public func waitForMutex() { chost_pause() }
  @inlinable @inline(__always) public func bug(_ what: StaticString) { preconditionFailure("\(what)") }
}
