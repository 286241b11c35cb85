import Glibc

/// A call into the system that was refused: which, and with what errno.
public struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was tried, as "mmap of 4096 bytes".
  public var call: String
  /// errno after it.
  public var code: Int32

  public init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// One line: the call and the system's own words.
  public var description: String { "\(call): \(String(cString: strerror(code)))" }
}
