/// Holds and waits of one phase.
public struct HoldHistograms: Sendable {
  /// Lengths of the holds.
  public var hold = DurationHistogram()
  /// Waits for the lock.
  public var wait = DurationHistogram()
  /// Wait and hold of each acquisition together: the time a kernel without PREEMPT_RT runs with interrupts off, since
  /// spin_lock_irqsave() waits with them off.
  public var irqOff = DurationHistogram()

  public init() {}

  /// Adds the counts of `other`: another thread's, say.
  public mutating func merge(_ other: HoldHistograms) {
    hold.merge(other.hold)
    wait.merge(other.wait)
    irqOff.merge(other.irqOff)
  }
}
