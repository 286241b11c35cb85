/// The strategies and experiments of a program, for records, comparisons and reports. The caller passes it in: nothing
/// here depends on their code.
public struct Catalogue: Sendable {
  /// The strategies, in order of publication.
  public let strategies: [StrategyCard]
  public let experiments: [ExperimentCard]
  /// Published migrations, for comparison with measured ones.
  public let migrations: [PublishedMigration]
  /// Published grids of reporting, for the same.
  public let reporting: [PublishedReporting]
  private let findGoal: @Sendable (_ fullName: String) -> StrategyGoal
  private let findGoals: @Sendable (_ name: String) -> StrategyGoals

  /// - Parameters:
  ///   - goal: what a strategy serves with the options in its full name.
  ///   - goals: what the strategy of a name serves, by its options.
  public init(
    strategies: [StrategyCard], experiments: [ExperimentCard], migrations: [PublishedMigration] = [],
    reporting: [PublishedReporting] = [], goal: @escaping @Sendable (_ fullName: String) -> StrategyGoal,
    goals: @escaping @Sendable (_ name: String) -> StrategyGoals
  ) {
    self.strategies = strategies
    self.experiments = experiments
    self.migrations = migrations
    self.reporting = reporting
    findGoal = goal
    findGoals = goals
  }

  /// What a strategy serves with the options in its full name; those that it doesn't have, or not any more, have their
  /// defaults. The first call for a strategy searches for it.
  public func goal(of fullName: String) -> StrategyGoal { findGoal(fullName) }

  /// What a strategy serves, by its options. The first call for a strategy searches for it.
  public func goals(of card: StrategyCard) -> StrategyGoals { findGoals(card.name) }

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
