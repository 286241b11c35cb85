import Delivery
import GuestMemory
import Instruments
import Records

/// A strategy's type, and how a runner of it is made. The only dynamic call starts a pass.
public struct StrategyEntry: Sendable {
  public let card: StrategyCard
  private let type: any StrategyPasses.Type

  @inline(__always)
  init<S: StrategyPasses>(_ type: S.Type) {
    card = S.card
    self.type = type
  }

  /// Configures the strategy with the given options; the others have their defaults.
  ///
  /// - Throws: ``OptionError`` for an unknown option or a value out of range.
  public func configured(_ given: [String: String] = [:]) throws(OptionError) -> ConfiguredStrategy {
    var strategy = configured(standardOptions)
    for (name, value) in given { strategy = try strategy.with(name, value) }
    return strategy
  }

  /// The default value of each option.
  public var standardOptions: OptionValues {
    OptionValues(Dictionary(uniqueKeysWithValues: card.options.map { ($0.name, $0.defaultValue) }))
  }

  /// Configures the strategy with a value for each of its options.
  public func configured(_ values: OptionValues) -> ConfiguredStrategy {
    ConfiguredStrategy(card: card, options: values, base: type)
  }
}

/// A strategy with its options set.
public struct ConfiguredStrategy: Sendable {
  public let card: StrategyCard
  public let options: OptionValues
  let base: any StrategyPasses.Type

  /// The type that runs, also for tests that use their own probe and sink: with options it may be another than the
  /// strategy's own, see ``StrategyPasses/form(_:)``.
  var type: any StrategyPasses.Type { base.form(options) }

  /// The strategy's name in results: its name and all options.
  public var fullName: String {
    ([card.name] + card.options.map { "\($0.name)=\(options[$0.name] ?? "")" }).joined(separator: ":")
  }

  /// The name in a cell's identity: without options that have the value which cells had before the option existed
  /// (``DeclaredOption/impliedValue``).
  public var identityName: String {
    let telling = card.options.filter { $0.impliedValue == nil || options[$0.name] != $0.impliedValue }
    return ([card.name] + telling.map { "\($0.name)=\(options[$0.name] ?? "")" }).joined(separator: ":")
  }

  /// The order in force for `--order wanted`.
  public func order(wanted: Int, highest: Int) -> Int {
    // A strategy's own option takes precedence over `--order`.
    if let own = options["order"].flatMap({ Int($0) }) { return min(own, highest) }
    return switch card.orders {
    case .any: min(wanted, highest)
    case .highestOnly: highest
    }
  }

  /// The lowest order that the published strategy used.
  public func nativeOrder(highest: Int) -> Int { min(card.nativeOrder ?? highest, highest) }

  /// The same strategy with another value of one option.
  ///
  /// - Throws: ``OptionError`` for an unknown option or a value out of range.
  public func with(_ name: String, _ value: String) throws(OptionError) -> ConfiguredStrategy {
    guard let option = card.options.first(where: { $0.name == name }) else {
      throw .unknownOption(owner: card.owner, option: name, known: card.options.map(\.name))
    }
    guard let canonical = option.canonical(value) else {
      throw .badValue(owner: card.owner, option: name, value: value, accepted: option.range)
    }
    var values = Dictionary(uniqueKeysWithValues: card.options.map { ($0.name, options[$0.name] ?? $0.defaultValue) })
    values[name] = canonical
    return ConfiguredStrategy(card: card, options: OptionValues(values), base: base)
  }

  public func runner() -> StrategyRunner { StrategyRunner(type.init(options)) }
}
