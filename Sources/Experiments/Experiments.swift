import Bench
import Hinting
import Records

/// All experiments. To add one: its files, and a line here.
public enum Experiments {
  public static let list = ExperimentList([
    ScanExperiment.self,
    InterferenceExperiment.self,
    SteadyStateExperiment.self,
    ContiguousExperiment.self,
    MigrationExperiment.self,
    DeliveryExperiment.self,
    PageStatesExperiment.self,
    BallooningExperiment.self,
    DiscardExperiment.self,
  ])

  /// The cards of all experiments, in the list's order.
  public static var all: [ExperimentCard] { list.cards }
}

extension Catalogue {
  /// All strategies, experiments and published setups of this program.
  public static let all = Catalogue(
    strategies: Strategies.all.map(\.card), experiments: Experiments.all, migrations: MigrationPreset.all,
    reporting: ReportingPreset.all, goal: { StrategyGoal(ofFullName: $0) },
    goals: { StrategyGoals(ofStrategyNamed: $0) })
}

// The bench of this program, which has every experiment.

extension Matrix {
  /// Expands a configuration of any experiments and checks it against this machine.
  ///
  /// - Throws: ``UserError`` as ``init(_:host:experiments:)``.
  public init(_ config: RunConfig, host: HostResources) throws(UserError) {
    try self.init(config, host: host, experiments: Experiments.list)
  }
}

extension RunConfig {
  /// The default configuration of `hintbench run EXPERIMENT ...`; without an experiment, a scan.
  ///
  /// - Throws: ``UserError`` for an unknown experiment or a malformed option.
  public static func standard(_ experiments: [String]? = nil, quick: Bool = false) throws(UserError) -> RunConfig {
    try standard(experiments, quick: quick, of: Experiments.list)
  }

  /// The cards of the chosen experiments.
  ///
  /// - Throws: ``UserError`` for an unknown experiment or a malformed option.
  public var experimentCards: [ExperimentCard] {
    get throws(UserError) { try experimentCards(of: Experiments.list) }
  }
}
