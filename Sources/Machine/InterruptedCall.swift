import Glibc

/// Repeats a system call that returns -1 while it is interrupted by a signal (EINTR), for calls that swift-system
/// lacks.
@inline(__always)
package func retryingInterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
  var result = call()
  while result == -1 && errno == EINTR { result = call() }
  return result
}
