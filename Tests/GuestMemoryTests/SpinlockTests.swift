import CHost
import Foundation
import Synchronization
import Testing

@testable import GuestMemory

@Suite struct SpinlockTests {
  /// A lock word and a queue node a CPU, on lines of their own.
  private final class Memory: @unchecked Sendable {
    // Right to send: an address; what is written behind it is atomic or guarded by the lock itself.
    let word: UnsafeMutableRawPointer
    let nodes: UnsafeMutablePointer<MCSNode>
    let shared: UnsafeMutablePointer<UInt64>

    init(cpus: Int) {
      word = .allocate(byteCount: 64, alignment: 64)
      word.initializeMemory(as: UInt64.self, repeating: 0, count: 8)
      nodes = .allocate(capacity: cpus)
      nodes.initialize(repeating: MCSNode(), count: cpus)
      shared = .allocate(capacity: 16)
      shared.initialize(repeating: 0, count: 16)
    }

    deinit {
      word.deallocate()
      nodes.deallocate()
      shared.deallocate()
    }

    var lock: Spinlock { Spinlock(word) }
    var value: UInt32 {
      get { lock.word.pointee.load(ordering: .acquiring) }
      set { lock.word.pointee.store(newValue, ordering: .releasing) }
    }

    /// Waits until the word satisfies the condition.
    func wait(_ condition: (UInt32) -> Bool) { while !condition(value) { sched_yield() } }
  }

  @Test(arguments: LockKind.allCases, [2, 3, 4]) func atMostOneThreadIsInside(kind: LockKind, threads: Int) {
    let memory = Memory(cpus: threads)
    let rounds: UInt64 = 5000
    onThreads(threads) { cpu in
      for _ in 0..<rounds {
        memory.lock.lock(kind, nodes: memory.nodes, cpu: cpu)
        // Two counters, written with a gap between: both come out right only if nobody else is inside.
        let seen = memory.shared[0]
        memory.shared[8] &+= 1
        memory.shared[0] = seen &+ 1
        memory.lock.unlock()
      }
    }
    #expect(memory.shared[0] == UInt64(threads) * rounds)
    #expect(memory.shared[8] == UInt64(threads) * rounds)
    #expect(memory.value == 0)
  }

  @Test(arguments: LockKind.allCases) func aTryNeverWaitsAndExcludesLikeALock(kind: LockKind) {
    let memory = Memory(cpus: 2)
    #expect(memory.lock.tryLock())
    #expect(memory.lock.isLocked)
    #expect(!memory.lock.tryLock())
    memory.lock.unlock()
    #expect(!memory.lock.isLocked)
    // One thread locks, the other tries.
    let tries = Atomic<UInt64>(0)
    onThreads(2) { cpu in
      for _ in 0..<3000 {
        if cpu == 0 {
          memory.lock.lock(kind, nodes: memory.nodes, cpu: cpu)
        } else if !memory.lock.tryLock() {
          continue
        } else {
          tries.wrappingAdd(1, ordering: .relaxed)
        }
        memory.shared[0] += 1
        memory.lock.unlock()
      }
    }
    #expect(memory.shared[0] == 3000 + tries.load(ordering: .relaxed))
    #expect(memory.value == 0)
  }

  @Test func nobodyPassesAWaiterByTrying() {
    let memory = Memory(cpus: 1)
    for waiting in [Spinlock.pending, UInt32(1) << 16, Spinlock.pending | 3 << 16] {
      memory.value = waiting
      #expect(!memory.lock.tryLock())
      #expect(memory.value == waiting)
    }
  }

  @Test func anUnlockLeavesPendingAndTail() {
    let memory = Memory(cpus: 1)
    for waiting in [0, Spinlock.pending, UInt32(7) << 16, Spinlock.pending | 4096 << 16] {
      memory.value = waiting | Spinlock.locked
      memory.lock.unlock()
      #expect(memory.value == waiting)
    }
  }

  /// The owner, the pending waiter and two in the queue get their turns in the order they came.
  @Test func theQueueIsFirstComeFirstServed() {
    let memory = Memory(cpus: 5)
    memory.lock.lock(.queued, nodes: memory.nodes, cpu: 0)
    #expect(memory.value == Spinlock.locked)
    var threads: [RunningThread] = []
    for cpu in [3, 1, 4, 2] {
      threads.append(
        startThread {
          memory.lock.lock(.queued, nodes: memory.nodes, cpu: cpu)
          memory.shared[0] += 1
          memory.shared[Int(memory.shared[0])] = UInt64(cpu)
          memory.lock.unlock()
        })
      // The first is the pending waiter and uses no node; the others are the tail in turn.
      if cpu == 3 {
        memory.wait { $0 == Spinlock.locked | Spinlock.pending }
      } else {
        memory.wait { $0 == Spinlock.locked | Spinlock.pending | UInt32(cpu + 1) << 16 }
      }
    }
    memory.lock.unlock()
    for thread in threads { thread.wait() }
    #expect((1...4).map { memory.shared[$0] } == [3, 1, 4, 2])
    #expect(memory.value == 0)
  }
}
