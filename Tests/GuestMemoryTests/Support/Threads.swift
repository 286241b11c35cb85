import Foundation

/// Runs `body` with 0 ..< count, each on a thread of its own, and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let threads = (0..<count).map { index in startThread { body(index) } }
  for thread in threads { thread.wait() }
}

/// A running thread that can be waited for.
struct RunningThread {
  fileprivate let done = DispatchSemaphore(value: 0)

  func wait() { done.wait() }
}

func startThread(_ body: @escaping @Sendable () -> Void) -> RunningThread {
  let running = RunningThread()
  let done = running.done
  Thread {
    body()
    done.signal()
  }.start()
  return running
}
