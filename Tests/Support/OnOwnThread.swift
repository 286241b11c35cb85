import Foundation

/// Runs `body` on a thread of its own, for what changes the thread it runs on.
public func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
  let box = ResultBox<Result>()
  let done = DispatchSemaphore(value: 0)
  let thread = Thread {
    box.result = body()
    done.signal()
  }
  thread.start()
  done.wait()
  return box.result!
}

/// `@unchecked Sendable`: written before the semaphore is signalled, read after it was waited for.
private final class ResultBox<Result: Sendable>: @unchecked Sendable {
  var result: Result?
}
