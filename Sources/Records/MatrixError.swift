/// Why a matrix can't be run as asked, and with which exit status the command line says so.
public struct MatrixError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// The arguments make no sense: 64.
    case usage
    /// A file that was given can't be used: 65.
    case input
    /// The machine hasn't got what it takes: 69.
    case unavailable
    /// A file couldn't be read or written: 74.
    case io
  }

  public var kind: Kind
  public var description: String

  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  public static func usage(_ text: String) -> MatrixError { MatrixError(.usage, text) }

  /// sysexits.h
  public var exitStatus: Int32 {
    switch kind {
    case .usage: 64
    case .input: 65
    case .unavailable: 69
    case .io: 74
    }
  }
}
