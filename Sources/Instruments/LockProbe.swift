/// What watches a thread's zone locks: told of each acquisition, on the thread that makes it.
///
/// A probe is a generic parameter of the guest CPU, so that with ``NoProbe`` no instruction of it is left.
/// ``willRelease()`` is the only call made while the lock is held and may do no more than read the clock.
public protocol LockProbe {
  /// Before the first try to take the lock.
  mutating func willAcquire()
  /// The lock is ours: the hold begins.
  mutating func didAcquire()
  /// The last instant of the hold.
  mutating func willRelease()
  /// The lock is given back. `zone`: whose it was, by its index in the guest. `items`: list entries looked at during
  /// the hold, emitted or skipped.
  mutating func didRelease(zone: Int, items: Int)
}

/// Watches nothing: the pass that gives speed.
public struct NoProbe: LockProbe, Sendable {
  @inlinable public init() {}
  @inlinable @inline(__always) public mutating func willAcquire() {}
  @inlinable @inline(__always) public mutating func didAcquire() {}
  @inlinable @inline(__always) public mutating func willRelease() {}
  @inlinable @inline(__always) public mutating func didRelease(zone: Int, items: Int) {}
}
