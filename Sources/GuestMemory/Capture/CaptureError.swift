import Records

/// Why a capture was refused. `description` is one line: file and line, what is wrong, what would be accepted.
public struct CaptureError: UserFacing, Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    /// A file's text is not what its kernel prints, or not something that can be modelled.
    case malformed
    /// Each file is well formed, but they contradict one another: taken from different machines or moments.
    case inconsistent
    /// The file couldn't be opened or read; its text was never looked at.
    case unreadable
  }

  public var kind: Kind
  /// The path as it was given.
  public var file: String
  /// Counted from 1; nil only for `.unreadable`.
  public var line: Int?
  public var what: String
  public var accepted: String

  public init(kind: Kind = .malformed, file: String, line: Int?, what: String, accepted: String) {
    self.kind = kind
    self.file = file
    self.line = line
    self.what = what
    self.accepted = accepted
  }

  /// True where the file system is at fault (an I/O error for the caller's exit status), false where the text is.
  public var isUnreadable: Bool { kind == .unreadable }

  /// An I/O error where the file couldn't be read, bad input otherwise.
  public var failureKind: UserError.Kind { isUnreadable ? .io : .input }

  /// `FILE:LINE: what; expected ...`, or without the line for `.unreadable`. Never more than one line.
  public var description: String {
    let place = Self.oneLine(file) + (line.map { ":\($0)" } ?? "")
    return "\(place): \(Self.oneLine(what)); expected \(Self.oneLine(accepted))"
  }

  /// `text` with line ends and other control characters written as escapes.
  static func oneLine(_ text: some StringProtocol) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        result += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A piece of the file for a message: on one line, in quotes, and cut where it's long.
  static func quoted(_ text: some StringProtocol) -> String {
    let limit = 48
    var cut = String.UnicodeScalarView()
    cut.append(contentsOf: text.unicodeScalars.prefix(limit))
    return "'\(oneLine(String(cut)))\(text.unicodeScalars.dropFirst(limit).isEmpty ? "" : "...")'"
  }
}
