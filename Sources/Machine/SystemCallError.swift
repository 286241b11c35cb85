import Glibc
import Records

/// A failed system call, with its errno.
public struct SystemCallError: UserFacing, Equatable, Sendable {
  /// The call, such as "mmap of 4096 bytes".
  public var call: String
  /// The errno.
  public var code: Int32

  public init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// Something that is needed isn't there.
  public var failureKind: UserError.Kind { .unavailable }

  /// One line: the call and the system's message.
  public var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// Repeats a system call that returns -1 while it is interrupted by a signal (EINTR), for calls that swift-system
/// lacks.
@inline(__always)
package func retryingInterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
  var result = call()
  while result == -1 && errno == EINTR { result = call() }
  return result
}
