import Machine
import Records

/// Why a migration in real time failed.
public enum MigrationError: UserFacing, Equatable, Sendable {
  /// The dirty log failed.
  case log(SystemCallError)
  /// The destination has ended or doesn't answer; with what is known of its end.
  case destination(String)
  /// A page in use differs at the destination.
  case lost(page: Int, of: Int)

  /// Something that is needed isn't there, or broke down.
  public var failureKind: UserError.Kind { .unavailable }

  public var description: String {
    switch self {
    case .log(let error): "the dirty log: \(error)"
    case .destination(let reason): "the destination: \(reason)"
    case .lost(let page, let count):
      "page \(page) is lost: of \(count) pages in use it is the first that the destination holds otherwise"
    }
  }
}
