import CHost
import Synchronization

/// A handle on a lock word in guest memory, of either kind. Created from its address at each use, at no cost.
///
/// The queued kind follows kernel/locking/qspinlock.c (6.1): byte 0 locked, bit 8 pending, bits 16.. the tail CPU plus
/// one. A node is used only while its CPU waits, so one per CPU is enough without nested interrupts.
public struct Spinlock {
  @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

  @inlinable @inline(__always)
  init(_ address: UnsafeMutableRawPointer) { word = address.assumingMemoryBound(to: Atomic<UInt32>.self) }

  @inlinable static var locked: UInt32 { 1 }
  @inlinable static var pending: UInt32 { 1 << 8 }
  @inlinable static var lockedMask: UInt32 { 0xff }
  @inlinable static var tailMask: UInt32 { 0xffff_0000 }

  /// Takes the lock if it is free and has no waiters.
  @inlinable @inline(__always)
  func tryLock() -> Bool {
    word.pointee.compareExchange(
      expected: 0, desired: Spinlock.locked, successOrdering: .acquiring, failureOrdering: .relaxed
    )
    .exchanged
  }

  /// Takes the lock. `nodes`: the queue's nodes, one per CPU; `cpu`: the waiting CPU.
  @inlinable @inline(__always)
  func lock(_ kind: LockKind, nodes: UnsafeMutablePointer<MCSNode>, cpu: Int) {
    if tryLock() { return }
    switch kind {
    case .testAndSet: lockTestAndSetSlowly()
    case .queued: lockQueuedSlowly(nodes: nodes, cpu: cpu)
    }
  }

  /// Releases the lock: a byte store in both kinds, which leaves pending and tail unchanged.
  @inlinable @inline(__always)
  func unlock() {
    UnsafeMutableRawPointer(word).assumingMemoryBound(to: Atomic<UInt8>.self).pointee.store(0, ordering: .releasing)
  }

  /// Whether the lock is held, read without ordering.
  var isLocked: Bool { word.pointee.load(ordering: .relaxed) & Spinlock.lockedMask != 0 }

  @inline(never) @usableFromInline
  func lockTestAndSetSlowly() {
    repeat {
      while word.pointee.load(ordering: .relaxed) != 0 { chost_pause() }
    } while !tryLock()
  }

  @inline(never) @usableFromInline
  func lockQueuedSlowly(nodes: UnsafeMutablePointer<MCSNode>, cpu: Int) {
    var value = word.pointee.load(ordering: .relaxed)

    // The pending waiter is taking over: wait for it, bounded (_Q_PENDING_LOOPS, 512 on x86).
    if value == Spinlock.pending {
      for _ in 0..<512 {
        value = word.pointee.load(ordering: .relaxed)
        if value != Spinlock.pending { break }
        chost_pause()
      }
    }

    // No waiters yet: become the pending waiter, which spins on the word itself and needs no node.
    if value & ~Spinlock.lockedMask == 0 {
      let old = word.pointee.bitwiseOr(Spinlock.pending, ordering: .acquiring).oldValue
      if old & ~Spinlock.lockedMask == 0 {
        while word.pointee.load(ordering: .acquiring) & Spinlock.lockedMask != 0 { chost_pause() }
        // pending -> locked in one step; a tail set meanwhile stays.
        word.pointee.wrappingAdd(Spinlock.locked &- Spinlock.pending, ordering: .acquiring)
        return
      }
      // Another CPU was faster. Clear our bit unless it was already set.
      if old & Spinlock.pending == 0 { word.pointee.bitwiseAnd(~Spinlock.pending, ordering: .relaxed) }
    }

    queue(nodes: nodes, cpu: cpu)
  }

  private func queue(nodes: UnsafeMutablePointer<MCSNode>, cpu: Int) {
    let node = nodes + cpu
    let nodeLocked = Spinlock.lockedField(of: node)
    let nodeNext = Spinlock.nextField(of: node)
    nodeLocked.pointee.store(0, ordering: .relaxed)
    nodeNext.pointee.store(0, ordering: .relaxed)

    if tryLock() { return }

    // Publish ourselves as the tail; releasing, so that the next waiter sees the reset node.
    let tail = UInt32(truncatingIfNeeded: cpu &+ 1) &<< 16
    var old = word.pointee.load(ordering: .relaxed)
    while true {
      let result = word.pointee.compareExchange(
        expected: old, desired: old & ~Spinlock.tailMask | tail, ordering: .acquiringAndReleasing)
      if result.exchanged { break }
      old = result.original
    }
    if old & Spinlock.tailMask != 0 {
      let previous = nodes + (Int(old &>> 16) &- 1)
      Spinlock.nextField(of: previous).pointee.store(UInt64(UInt(bitPattern: node)), ordering: .releasing)
      while nodeLocked.pointee.load(ordering: .acquiring) == 0 { chost_pause() }
    }

    // At the head of the queue: wait for the owner and the pending waiter.
    var value: UInt32
    while true {
      value = word.pointee.load(ordering: .acquiring)
      if value & (Spinlock.lockedMask | Spinlock.pending) == 0 { break }
      chost_pause()
    }
    if value & Spinlock.tailMask == tail {
      // The last in the queue: clear the tail in the step that takes the lock.
      if word.pointee.compareExchange(
        expected: value, desired: Spinlock.locked, successOrdering: .acquiring, failureOrdering: .relaxed
      ).exchanged {
        return
      }
    }
    word.pointee.bitwiseOr(Spinlock.locked, ordering: .acquiring)
    var next = nodeNext.pointee.load(ordering: .acquiring)
    while next == 0 {
      chost_pause()
      next = nodeNext.pointee.load(ordering: .acquiring)
    }
    let successor = UnsafeMutablePointer<MCSNode>(bitPattern: UInt(next)).unsafelyUnwrapped
    Spinlock.lockedField(of: successor).pointee.store(1, ordering: .releasing)
  }

  private static func nextField(of node: UnsafeMutablePointer<MCSNode>) -> UnsafeMutablePointer<Atomic<UInt64>> {
    UnsafeMutableRawPointer(node).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  private static func lockedField(of node: UnsafeMutablePointer<MCSNode>) -> UnsafeMutablePointer<Atomic<UInt32>> {
    UnsafeMutableRawPointer(node).advanced(by: 8).assumingMemoryBound(to: Atomic<UInt32>.self)
  }
}

/// The implementation of `zone->lock`, a 4-byte spinlock_t.
public enum LockKind: String, Sendable, CaseIterable {
  /// The qspinlock of bare metal and of guests with paravirtual spinlocks: fair; each waiter queues and spins on its
  /// own line.
  case queued
  /// The lock of a guest without paravirtual spinlocks (virt_spin_lock()): unfair; all waiters spin on the word.
  case testAndSet = "test-and-set"
}
