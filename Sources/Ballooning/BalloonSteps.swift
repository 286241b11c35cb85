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

/// One atomic step of the balloon, as told to ``BalloonSteps``. Pages are given by PFN.
public enum BalloonEvent: Hashable, Sendable {
  case allocated(UInt64)
  /// A thread without a reference read the page's flags.
  case looked(UInt64, isMovable: Bool)
  case referenced(UInt64, Bool)
  case triedLock(UInt64, Bool)
  /// Whether the page may be isolated, read under its lock.
  case checked(UInt64, Bool)
  case unlocked(UInt64)
  case enqueued(UInt64)
  case dequeued(UInt64)
  /// The page was taken off the list to be moved.
  case isolated(UInt64)
  case putBack(UInt64)
  /// The new page took the old one's place on the list.
  case replaced(old: UInt64, new: UInt64)
  case droppedReference(UInt64)
  case told(BalloonCommand, UInt64)
  case triedMutex(Bool)
  case releasedMutex
}

/// The queue of the balloon that a message goes through.
public enum BalloonCommand: Hashable, Sendable {
  case inflate, deflate
}
