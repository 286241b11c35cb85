/// One setting of a strategy, as `hintbench list strategies` shows it.
public struct StrategyOption: Sendable {
  public enum Kind: Sendable {
    case integer(ClosedRange<Int>)
    case choice([String])
  }

  public let name: String
  public let kind: Kind
  public let defaultValue: String
  public let meaning: String
  /// Where the setting, or its default, comes from.
  public let source: String

  public init(_ name: String, _ kind: Kind, default value: String, _ meaning: String, source: String) {
    self.name = name
    self.kind = kind
    defaultValue = value
    self.meaning = meaning
    self.source = source
  }

  /// What may be given, for listings and messages.
  public var range: String {
    switch kind {
    case .integer(let range): "\(range.lowerBound)..\(range.upperBound)"
    case .choice(let values): values.joined(separator: "|")
    }
  }

  func accepts(_ value: String) -> Bool {
    switch kind {
    case .integer(let range): Int(value).map(range.contains) ?? false
    case .choice(let values): values.contains(value)
    }
  }

  /// `value`, which is accepted, as the full name spells it: `+07` is `7`.
  func canonical(_ value: String) -> String {
    switch kind {
    case .integer: Int(value).map(String.init) ?? value
    case .choice: value
    }
  }
}

/// A strategy's settings, each with a value of its range.
public struct StrategyOptions: Sendable, Equatable {
  private var values: [String: String]

  init(_ values: [String: String]) { self.values = values }

  /// The value of an integer option. The name must be one of the strategy's.
  public func integer(_ name: String) -> Int {
    guard let value = values[name].flatMap({ Int($0) }) else { preconditionFailure("no integer option \(name)") }
    return value
  }

  /// The value of a choice. The name must be one of the strategy's.
  public func choice(_ name: String) -> String {
    guard let value = values[name] else { preconditionFailure("no option \(name)") }
    return value
  }

  public subscript(name: String) -> String? { values[name] }
}

/// What is wrong with a strategy as it was written.
public enum StrategyError: Error, Equatable, Sendable, CustomStringConvertible {
  case unknownStrategy(String, known: [String])
  case unknownOption(strategy: String, option: String, known: [String])
  case malformedOption(strategy: String, text: String)
  case badValue(strategy: String, option: String, value: String, accepted: String)
  case repeatedOption(strategy: String, option: String)

  public var description: String {
    switch self {
    case .unknownStrategy(let name, let known):
      "unknown strategy '\(name)'; there are: \(known.joined(separator: ", "))"
    case .unknownOption(let strategy, let option, let known):
      known.isEmpty
        ? "strategy '\(strategy)' has no option '\(option)'; it has none"
        : "strategy '\(strategy)' has no option '\(option)'; it has: \(known.joined(separator: ", "))"
    case .malformedOption(let strategy, let text):
      "'\(text)' in strategy '\(strategy)' isn't OPTION=VALUE"
    case .badValue(let strategy, let option, let value, let accepted):
      "option '\(option)' of strategy '\(strategy)' can't be '\(value)'; accepted: \(accepted)"
    case .repeatedOption(let strategy, let option):
      "option '\(option)' of strategy '\(strategy)' is given twice"
    }
  }
}
