/// Why runs can't be compared as asked; one line.
public struct ComparisonError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// The arguments make no sense: 64.
    case usage
    /// A run that was given has nothing to compare: 65.
    case input
  }

  public var kind: Kind
  public var description: String

  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// sysexits.h
  public var exitStatus: Int32 { kind == .usage ? 64 : 65 }
}
