/// The strategies and experiments of a program, as far as records, comparisons and reports know them. Who calls hands
/// it over: nothing here depends on their code.
public struct Catalogue: Sendable {
  /// In the order of the record.
  public let strategies: [StrategyCard]
  public let experiments: [ExperimentCard]
  /// Migrations that were published, to stand beside measured ones.
  public let migrations: [PublishedMigration]

  public init(strategies: [StrategyCard], experiments: [ExperimentCard], migrations: [PublishedMigration] = []) {
    self.strategies = strategies
    self.experiments = experiments
    self.migrations = migrations
  }

  /// Nil if there is none of this name.
  public func experiment(_ name: String) -> ExperimentCard? { experiments.first { $0.name == name } }

  /// Whether a cell's strategy collects nothing: a control, over which nothing is decided. Not so in an experiment
  /// without strategies: what it measures stands in such cells.
  ///
  /// - Parameter strategy: its full name.
  public func isControl(strategy: String, experiment: String) -> Bool {
    let name = strategy.prefix { $0 != ":" }
    guard strategies.contains(where: { $0.goal == .none && $0.name == name }) else { return false }
    return self.experiment(experiment)?.takesStrategies ?? true
  }
}
