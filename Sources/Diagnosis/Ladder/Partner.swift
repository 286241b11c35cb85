import Foundation
import Machine
import Synchronization

/// A thread on its own CPU that repeats one piece of work until it is stopped.
final class Partner: @unchecked Sendable {
  // Right to send: `count` and `isStopping` are atomic; `pinError` is written before `started` is signalled and read
  // after waiting for it.
  private let count = Atomic<Int>(0)
  private let isStopping = Atomic<Bool>(false)
  private let started = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private var pinError: SystemCallError?

  /// Starts the thread. Returns when it is pinned and works. ``stop(_:)`` must follow.
  ///
  /// - Parameter work: returns the number of steps it made.
  /// - Throws: ``SystemCallError`` if the thread can't be pinned.
  init(cpu: Int, work: @escaping @Sendable () -> Int) throws(SystemCallError) {
    let thread = Thread { [self] in
      do throws(SystemCallError) { try ThreadPlacement.pin(toCPU: cpu) } catch { pinError = error }
      started.signal()
      guard pinError == nil else { return }
      while !isStopping.load(ordering: .acquiring) { count.add(work(), ordering: .releasing) }
      ended.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
    started.wait()
    if let pinError { throw pinError }
  }

  /// The steps made so far.
  var done: Int { count.load(ordering: .acquiring) }

  /// Ends the thread and waits for it. `wake`: wakes it from work that blocks.
  func stop(_ wake: () -> Void = {}) {
    isStopping.store(true, ordering: .releasing)
    wake()
    ended.wait()
  }
}
