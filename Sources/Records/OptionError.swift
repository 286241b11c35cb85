/// An error in the specification of a strategy or an experiment.
public enum OptionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// In all cases `owner` is the strategy or experiment, as in "strategy 'none'".
  case unknownStrategy(String, known: [String])
  case unknownOption(owner: String, option: String, known: [String])
  case malformedOption(owner: String, text: String)
  case badValue(owner: String, option: String, value: String, accepted: String)
  case repeatedOption(owner: String, option: String)
  /// The option only takes effect if another option has one of these values.
  case idleOption(owner: String, option: String, needs: String, values: [String])

  public var description: String {
    switch self {
    case .unknownStrategy(let name, let known):
      "unknown strategy '\(name)': expected one of \(known.joined(separator: ", "))"
    case .unknownOption(let owner, let option, let known):
      known.isEmpty
        ? "unknown option '\(option)' of \(owner): it has none"
        : "unknown option '\(option)' of \(owner): expected one of \(known.joined(separator: ", "))"
    case .malformedOption(let owner, let text):
      "invalid option '\(text)' of \(owner): expected OPTION=VALUE"
    case .badValue(let owner, let option, let value, let accepted):
      "invalid value '\(value)' of option '\(option)' of \(owner): expected \(accepted)"
    case .repeatedOption(let owner, let option):
      "option '\(option)' of \(owner) is given twice"
    case .idleOption(let owner, let option, let needs, let values):
      "option '\(option)' of \(owner) needs \(needs)=\(values.joined(separator: "/"))"
    }
  }
}
