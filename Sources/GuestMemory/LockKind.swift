/// What stands in for `zone->lock`, a 4-byte spinlock_t.
public enum LockKind: String, Sendable, CaseIterable {
  /// The qspinlock of bare metal and of guests with paravirtual spinlocks: fair, waiters queue and spin on their own
  /// line.
  case queued
  /// What a guest without paravirtual spinlocks uses (virt_spin_lock()): unfair, everybody spins on the word.
  case testAndSet = "test-and-set"
}
