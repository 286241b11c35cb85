/// An option of a strategy or an experiment, as shown by `hintbench list`.
public struct DeclaredOption: Sendable {
  public enum Kind: Sendable {
    case integer(ClosedRange<Int>)
    /// A whole number, or `auto`, which the run resolves as described.
    case count(ClosedRange<Int>, auto: String)
    case choice([String])
    /// An amount of memory in this range. Bytes.
    case size(ClosedRange<UInt64>)
    /// A length of time in this range. Nanoseconds.
    case time(ClosedRange<UInt64>)
  }

  /// Enables an option only for certain values of another option of the same owner.
  public struct Condition: Sendable {
    public let option: String
    public let values: [String]
    /// The option's value when disabled; nil: it is then no dimension.
    public let otherwise: String?
  }

  public let name: String
  public let kind: Kind
  /// The default; several values are a sweep.
  public let defaults: [String]
  public let meaning: String
  /// The origin of the option or of its default.
  public let source: String
  public let condition: Condition?
  /// The column of runs.csv, or of the experiment's own file, with its value.
  public let column: String
  /// Whether its value is part of a cell's identity; false if only its effect is.
  public let tellsCellsApart: Bool
  /// The value that cells implicitly had before the option existed. It is left out of cell ids, so that they stay the
  /// same.
  public let impliedValue: String?

  public init(
    _ name: String, _ kind: Kind, default value: String, _ meaning: String, source: String,
    onlyWith condition: Condition? = nil, column: String? = nil, implied: String? = nil, tellsCellsApart: Bool = true
  ) {
    self.init(
      name, kind, defaults: [value], meaning, source: source, onlyWith: condition, column: column, implied: implied,
      tellsCellsApart: tellsCellsApart)
  }

  public init(
    _ name: String, _ kind: Kind, defaults: [String], _ meaning: String, source: String,
    onlyWith condition: Condition? = nil, column: String? = nil, implied: String? = nil, tellsCellsApart: Bool = true
  ) {
    self.name = name
    self.kind = kind
    self.defaults = defaults
    self.meaning = meaning
    self.source = source
    self.condition = condition
    self.column = column ?? name.replacing("-", with: "_")
    impliedValue = implied
    self.tellsCellsApart = tellsCellsApart
  }

  /// The default as written on the command line.
  public var defaultValue: String { defaults.joined(separator: "/") }

  /// The valid values, for listings and messages.
  public var range: String {
    switch kind {
    case .integer(let range): "\(range.lowerBound)..\(range.upperBound)"
    case .count(let range, let auto): "\(range.lowerBound)..\(range.upperBound)|auto (\(auto))"
    case .choice(let values): values.joined(separator: "|")
    case .size(let range):
      "\(ByteSize(bytes: range.lowerBound).exactText)..\(ByteSize(bytes: range.upperBound).exactText)"
    case .time(let range):
      "\(TimeSpan.exactText(nanoseconds: range.lowerBound))..\(TimeSpan.exactText(nanoseconds: range.upperBound))"
    }
  }

  /// Returns `value` in its canonical spelling (`+07` is `7`, `1024M` is `1G`); nil if it is invalid.
  public func canonical(_ value: String) -> String? {
    switch kind {
    case .integer(let range): Int(value).flatMap { range.contains($0) ? String($0) : nil }
    case .count(let range, _):
      value == "auto" ? value : Int(value).flatMap { range.contains($0) ? String($0) : nil }
    case .choice(let values): values.contains(value) ? value : nil
    case .size(let range):
      (try? ByteSize(value)).flatMap { range.contains($0.bytes) ? $0.exactText : nil }
    case .time(let range):
      TimeSpan.wholeNanoseconds(value).flatMap { range.contains($0) ? TimeSpan.exactText(nanoseconds: $0) : nil }
    }
  }

  /// Returns the option's value for a field of ``column``; nil if the field is invalid.
  public func value(ofField field: String) -> String? {
    switch kind {
    case .integer, .count: return Double(field).flatMap { Int(exactly: $0) }.flatMap { canonical(String($0)) }
    case .choice(let values):
      if values.contains(field) { return field }
      return UInt64(field).flatMap { canonical(ByteSize(bytes: $0).exactText) }
    case .size: return Double(field).flatMap { UInt64(exactly: $0) }.flatMap { canonical(String($0)) }
    case .time: return Double(field).flatMap { UInt64(exactly: $0) }.flatMap { canonical("\($0)ns") }
    }
  }
}

extension DeclaredOption.Condition {
  public static func option(_ name: String, _ values: [String], otherwise: String? = nil) -> Self {
    Self(option: name, values: values, otherwise: otherwise)
  }
}
