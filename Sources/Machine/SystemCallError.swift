import Glibc
import Records

/// A call into the system that was refused: which, and with what errno.
public struct SystemCallError: UserFacing, Equatable, Sendable {
  /// What was tried, as "mmap of 4096 bytes".
  public var call: String
  /// errno after it.
  public var code: Int32

  public init(call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  /// Something that is needed isn't there.
  public var failureKind: UserError.Kind { .unavailable }

  /// One line: the call and the system's own words.
  public var description: String { "\(call): \(String(cString: strerror(code)))" }
}
