/// Watches a thread's zone locks: called at each acquisition, on the acquiring thread.
///
/// A probe is a generic parameter of the guest CPU; ``NoProbe`` compiles to nothing. ``willRelease()`` is the only call
/// made while the lock is held and may only read the clock.
public protocol LockProbe {
  /// Called before the first try to take the lock.
  mutating func willAcquire()
  /// Called when the lock was acquired: the hold begins.
  mutating func didAcquire()
  /// Called right before the release: the hold ends.
  mutating func willRelease()
  /// Called after the release. `zone`: the lock's zone, by its index in the guest. `items`: list entries looked at
  /// during the hold, emitted or skipped.
  mutating func didRelease(zone: Int, items: Int)
}

/// No probe: for the pass that measures speed.
public struct NoProbe: LockProbe, Sendable {
  @inlinable public init() {}
  @inlinable @inline(__always) public mutating func willAcquire() {}
  @inlinable @inline(__always) public mutating func didAcquire() {}
  @inlinable @inline(__always) public mutating func willRelease() {}
  @inlinable @inline(__always) public mutating func didRelease(zone: Int, items: Int) {}
}
