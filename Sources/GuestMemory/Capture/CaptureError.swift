import Records

/// Why a capture was refused. `description` is one line: file, line and column, what is wrong, what was expected.
public struct CaptureError: UserFacing, Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    /// The text isn't what a kernel prints, or can't be modelled.
    case malformed
    /// The files are well formed but contradict one another: they are from different machines or moments.
    case inconsistent
    /// The file couldn't be opened or read.
    case unreadable
  }

  public var kind: Kind
  /// The path as given.
  public var file: String
  /// The line, from 1; nil only for `.unreadable`.
  public var line: Int?
  /// The column in bytes, from 1; nil if the error is about more than one line.
  public var column: Int?
  public var what: String
  public var accepted: String

  public init(
    kind: Kind = .malformed, file: String, line: Int?, column: Int? = nil, what: String, accepted: String
  ) {
    self.kind = kind
    self.file = file
    self.line = line
    self.column = column
    self.what = what
    self.accepted = accepted
  }

  /// Whether reading failed (an I/O error for the exit status), rather than the text being wrong.
  public var isUnreadable: Bool { kind == .unreadable }

  /// An I/O error if the file couldn't be read, otherwise bad input.
  public var failureKind: UserError.Kind { isUnreadable ? .io : .input }

  /// `FILE:LINE:COLUMN: what; expected ...`, as far as known. Always one line.
  public var description: String {
    let place = Self.oneLine(file) + (line.map { ":\($0)" } ?? "") + (column.map { ":\($0)" } ?? "")
    return "\(place): \(Self.oneLine(what)); expected \(Self.oneLine(accepted))"
  }

  /// Returns `text` with line ends and other control characters escaped.
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

  /// Returns part of the file for a message: on one line, quoted, and shortened if long.
  static func quoted(_ text: some StringProtocol) -> String {
    let limit = 48
    var cut = String.UnicodeScalarView()
    cut.append(contentsOf: text.unicodeScalars.prefix(limit))
    return "'\(oneLine(String(cut)))\(text.unicodeScalars.dropFirst(limit).isEmpty ? "" : "...")'"
  }
}
