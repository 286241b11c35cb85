/// The strategies and experiments of a program, for records, comparisons and reports. The caller passes it in: nothing
/// here depends on their code.
public struct Catalogue: Sendable {
  /// The strategies, in order of publication.
  public let strategies: [StrategyCard]
  public let experiments: [ExperimentCard]
  /// Published migrations, for comparison with measured ones.
  public let migrations: [PublishedMigration]

  public init(strategies: [StrategyCard], experiments: [ExperimentCard], migrations: [PublishedMigration] = []) {
    self.strategies = strategies
    self.experiments = experiments
    self.migrations = migrations
  }

  /// The card of the experiment of this name; nil if there is none.
  public func experiment(_ name: String) -> ExperimentCard? { experiments.first { $0.name == name } }

  /// The card of the strategy with this name, options included or not; nil if there is none.
  public func strategy(_ fullName: String) -> StrategyCard? {
    let name = fullName.prefix { $0 != ":" }
    return strategies.first { $0.name == name }
  }

  /// Whether a cell is a control: its strategy does nothing, so nothing is decided over it. A cell of an experiment
  /// without strategies is never a control.
  ///
  /// - Parameter strategy: the strategy's full name.
  public func isControl(strategy: String, experiment: String) -> Bool {
    guard let card = self.strategy(strategy), card.isControl else { return false }
    return self.experiment(experiment)?.takesStrategies ?? true
  }
}
