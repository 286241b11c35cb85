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
