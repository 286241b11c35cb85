import Delivery
import GuestMemory

/// A strategy's type behind closures made where it is still known, so that each pass is compiled for it: the one
/// dynamic call is the one that starts a pass.
public struct StrategyEntry: Sendable {
  public let card: StrategyCard
  /// For tests that run a strategy under a probe and a sink of their own.
  let type: any HintStrategy.Type
  private let makeRunner: @Sendable (StrategyOptions) -> StrategyRunner

  @inline(__always)
  init<S: HintStrategy>(_ type: S.Type) {
    card = S.card
    self.type = type
    makeRunner = { options in StrategyRunner(S(options)) }
  }

  /// The strategy with every option at its default but those given.
  ///
  /// - Throws: ``StrategyError`` for an option it doesn't have or a value out of its range.
  public func configured(_ given: [String: String] = [:]) throws(StrategyError) -> ConfiguredStrategy {
    var values = Dictionary(uniqueKeysWithValues: card.options.map { ($0.name, $0.defaultValue) })
    for (name, value) in given {
      guard let option = card.options.first(where: { $0.name == name }) else {
        throw .unknownOption(strategy: card.name, option: name, known: card.options.map(\.name))
      }
      guard option.accepts(value) else {
        throw .badValue(strategy: card.name, option: name, value: value, accepted: option.range)
      }
      // In one spelling, since the full name tells cells apart.
      values[name] = option.canonical(value)
    }
    return ConfiguredStrategy(card: card, options: StrategyOptions(values), makeRunner: makeRunner)
  }
}

/// A strategy with its options set.
public struct ConfiguredStrategy: Sendable {
  public let card: StrategyCard
  public let options: StrategyOptions
  let makeRunner: @Sendable (StrategyOptions) -> StrategyRunner

  /// Name and options, in full: the strategy's name in results.
  public var fullName: String {
    ([card.name] + card.options.map { "\($0.name)=\(options[$0.name] ?? "")" }).joined(separator: ":")
  }

  /// The order in force for `--order wanted`.
  public func order(wanted: Int, highest: Int) -> Int {
    // A design's own option says more than `--order`.
    if let own = options["order"].flatMap({ Int($0) }) { return min(own, highest) }
    return switch card.orders {
    case .any: min(wanted, highest)
    case .highestOnly: highest
    }
  }

  /// The order the design itself looked down to.
  public func nativeOrder(highest: Int) -> Int { min(card.nativeOrder ?? highest, highest) }

  public func runner() -> StrategyRunner { makeRunner(options) }
}
