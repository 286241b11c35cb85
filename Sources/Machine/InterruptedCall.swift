import Glibc

/// Makes a system call that fails with -1 again as long as a signal interrupts it (EINTR): those that swift-system has
/// no function for.
@inline(__always)
package func retryingInterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
  var result = call()
  while result == -1 && errno == EINTR { result = call() }
  return result
}
