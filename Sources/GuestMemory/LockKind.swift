/// The implementation of `zone->lock`, a 4-byte spinlock_t.
public enum LockKind: String, Sendable, CaseIterable {
  /// The qspinlock of bare metal and of guests with paravirtual spinlocks: fair; each waiter queues and spins on its
  /// own line.
  case queued
  /// The lock of a guest without paravirtual spinlocks (virt_spin_lock()): unfair; all waiters spin on the word.
  case testAndSet = "test-and-set"
}
