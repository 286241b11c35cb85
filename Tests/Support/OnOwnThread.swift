import Foundation

/// Runs `body` on a thread of its own, for what changes the thread it runs on, and waits for its end.
public func onOwnThread<Value, Failure: Error>(
  _ body: @escaping () throws(Failure) -> Value
) throws(Failure) -> Value {
  let work = Work(body: body)
  let done = DispatchSemaphore(value: 0)
  Thread {
    work.run()
    done.signal()
  }.start()
  done.wait()
  return try work.result!.get()
}

/// `@unchecked Sendable`: the thread that made it waits while the other runs it.
private final class Work<Value, Failure: Error>: @unchecked Sendable {
  private let body: () throws(Failure) -> Value
  private(set) var result: Result<Value, Failure>?

  init(body: @escaping () throws(Failure) -> Value) { self.body = body }

  func run() { result = Result(catching: body) }
}
